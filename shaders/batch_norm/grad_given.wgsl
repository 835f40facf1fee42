// dx = dy · gamma / √(running_var + eps), where the statistics are given. One thread for each element.
@group(0) @binding(1) var<storage, read> running_var: array<f32>;
@group(0) @binding(2) var<storage, read> gamma: array<f32>;
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
    let f = i % args.features;
    dx[i] = dy[i] * (1.0 / sqrt(running_var[f] + args.eps)) * gamma[f];
}
