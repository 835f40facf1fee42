// Statistics for inference, averaged over the mini-batches of the training set: this is batch number `index`, and
// average ← average + (batch − average) / (index + 1). The variance is the unbiased one. One thread for each feature.
@group(0) @binding(1) var<storage, read> saved: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> variance: array<f32>;

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
    if (now.index == 0u) {
        mean[f] = saved[f];
        variance[f] = unbiased;
    } else {
        let share = 1.0 / f32(now.index + 1u);
        mean[f] += share * (saved[f] - mean[f]);
        variance[f] += share * (unbiased - variance[f]);
    }
}
