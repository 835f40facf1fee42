// The update is the end of the step: it also says which is next. Nobody reads that before the next step's first kernel.
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read_write> next: array<u32>;

fn advance(i: u32) {
    let at_hand = now;
    if (i < NOW_WORDS) {
        next[i] = following(at_hand, i, args.lines);
    }
}
