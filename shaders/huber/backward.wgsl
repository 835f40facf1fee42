// d_prediction = loss scale * d, kept within -δ and δ, / (rows * outputs), with d = prediction - target. One thread for each
// prediction.
@group(0) @binding(1) var<storage, read> prediction: array<f32>;
@group(0) @binding(2) var<storage, read> target_values: array<f32>;
@group(0) @binding(3) var<storage, read> now: Now;
@group(0) @binding(4) var<storage, read_write> d_prediction: array<f32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_index(group, groups, lane);
    if (i >= now.rows * args.outputs) {
        return;
    }
    let d = prediction[i] - target_values[i];
    let kept = pass_nan(d, clamp(d, -args.delta, args.delta));
    d_prediction[i] = loss_scale() * kept / f32(now.rows * args.outputs);
}
