// As begin.wgsl, one feature at a time, for rows whose features are no multiple of four.
struct Args {
    features: u32,
    targets: u32,
    factor: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read> affine: array<f32>;
@group(0) @binding(5) var<storage, read> now: Now;
@group(0) @binding(6) var<storage, read_write> x: array<f32>;
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
    let f = i % args.features;
    let step = threads / args.features;
    let offset = affine[f];
    let factor = affine[args.factor + f];
    // Threads beyond the last whole row have none.
    for (var r = select(i / args.features, at_hand.rows, i >= step * args.features); r < at_hand.rows; r += step) {
        let row = order[at_hand.start + r];
        x[r * args.features + f] = (value(row * args.features + f) - offset) * factor;
    }
    for (var t = i; t < at_hand.rows * args.targets; t += threads) {
        batch_target[t] = targets[order[at_hand.start + t / args.targets] * args.targets + t % args.targets];
    }
}
