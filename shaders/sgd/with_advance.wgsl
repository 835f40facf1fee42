// The update is the end of the step: it also says which is next. Nobody reads that before the next step's first kernel.
@group(0) @binding(3) var<storage, read> table: array<Step>;
@group(0) @binding(4) var<storage, read_write> next: Now;
@group(0) @binding(5) var<storage, read_write> parameters: array<Quad>;
@group(0) @binding(6) var<storage, read_write> velocity: array<Quad>;

fn advance() {
    next = following(args.lines);
}
