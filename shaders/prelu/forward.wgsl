// y = max(0, x) + alpha · min(0, x); NaN stays NaN. One thread for each element.
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> alpha: array<f32>;
@group(0) @binding(3) var<storage, read> now: Now;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i >= now.rows * args.features * args.pixels) {
        return;
    }
    let value = x[i];
    y[i] = pass_nan(value, select(alpha[i % args.alphas] * value, value, value > 0.0));
}
