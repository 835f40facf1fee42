// dx = dy where x > 0, else alpha · dy; a NaN in x goes on as NaN. One thread for each element.
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> alpha: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read> now: Now;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

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
    dx[i] = pass_nan(value, select(alpha[i % args.alphas] * dy[i], dy[i], value > 0.0));
}
