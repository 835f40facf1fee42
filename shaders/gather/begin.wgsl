// As batch.wgsl, a piece of the features at a time, at the beginning of a step: `now` is the step that the one before left, and is
// copied to `current`, which the kernels after this read. `affine` has the offsets and the factors.
// Each thread has one piece of the features, and goes over rows in strides of threads / pieces.
struct Args {
    features: u32,
    targets: u32,
    offset: u32,
    factor: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(5) var<storage, read> now: Now;
@group(0) @binding(7) var<storage, read_write> batch_target: array<u32>;
@group(0) @binding(8) var<storage, read_write> current: array<u32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at_hand = now;
    let i = linear_index(group, groups, lane);
    if (i < NOW_WORDS) {
        current[i] = word_of(at_hand, i);
    }
    let threads = groups.x * groups.y * GROUP;
    let pieces = pieces_of_row();
    let p = i % pieces;
    let step = threads / pieces;
    let offset = offset_at(p);
    let factor = factor_at(p);
    // Threads beyond the last whole row of pieces have none.
    for (var r = select(i / pieces, at_hand.rows, i >= step * pieces); r < at_hand.rows; r += step) {
        let row = order[at_hand.start + r];
        x_keep(r * pieces + p, (values(row * pieces + p) - offset) * factor);
    }
    for (var t = i; t < at_hand.rows * args.targets; t += threads) {
        batch_target[t] = targets[order[at_hand.start + t / args.targets] * args.targets + t % args.targets];
    }
}
