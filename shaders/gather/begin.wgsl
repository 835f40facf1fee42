// As batch.wgsl, four features at a time, at the beginning of a step: `next` is the step that the one before left, and
// becomes the current one, which only the kernels after this may read. `affine` is the offsets, and the factors behind them.
struct Args {
    features: u32,
    targets: u32,
    factor: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read> affine: array<Quad>;
@group(0) @binding(5) var<storage, read> next: Now;
@group(0) @binding(6) var<storage, read_write> x: array<Quad>;
@group(0) @binding(7) var<storage, read_write> batch_target: array<u32>;
@group(0) @binding(8) var<storage, read_write> now: Now;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i == 0u) {
        now = next;
    }
    let quads = args.features / 4u;
    let wide = max(quads, args.targets);
    if (i >= next.rows * wide) {
        return;
    }
    let r = i / wide;
    let q = i % wide;
    let row = order[next.start + r];
    if (q < quads) {
        let centred = values(row * quads + q) - numbers(affine[q]);
        x[r * quads + q] = packed(centred * numbers(affine[args.factor / 4u + q]));
    }
    if (q < args.targets) {
        batch_target[r * args.targets + q] = targets[row * args.targets + q];
    }
}
