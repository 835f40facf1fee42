// x[r, f] = (data[row, f] - offset[f]) * factor[f],  target[r, t] = targets[row, t],  row = order[start + r].
// One thread for each element of x or of target, whichever is wider.
struct Args {
    features: u32,
    targets: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read> offset: array<f32>;
@group(0) @binding(5) var<storage, read> factor: array<f32>;
@group(0) @binding(6) var<storage, read> now: Now;
@group(0) @binding(7) var<storage, read_write> x: array<f32>;
@group(0) @binding(8) var<storage, read_write> batch_target: array<u32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    let wide = max(args.features, args.targets);
    if (i >= now.rows * wide) {
        return;
    }
    let r = i / wide;
    let f = i % wide;
    let row = order[now.start + r];
    if (f < args.features) {
        x[r * args.features + f] = (value(row * args.features + f) - offset[f]) * factor[f];
    }
    if (f < args.targets) {
        batch_target[r * args.targets + f] = targets[row * args.targets + f];
    }
}
