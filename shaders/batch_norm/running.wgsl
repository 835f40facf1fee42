// The exponential averages for inference; the variance is the unbiased one. One thread for each feature.
@group(0) @binding(1) var<storage, read> saved: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> running_var: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let f = linear_index(group, groups, lane);
    if (f >= args.features || now.halted != 0u) {
        return;
    }
    let count = f32(now.rows * args.pixels);
    let unbiased = saved[2u * args.features + f] * (count / (count - 1.0));
    running_mean[f] += args.momentum * (saved[f] - running_mean[f]);
    running_var[f] += args.momentum * (unbiased - running_var[f]);
}
