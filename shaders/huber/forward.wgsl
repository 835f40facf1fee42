// row_loss = mean over the outputs of d² / 2 where |d| ≤ δ, else δ (|d| - δ / 2), with d = prediction - target. Numbers are
// neither right nor wrong, so correct = 0. One thread for each row.
@group(0) @binding(1) var<storage, read> prediction: array<f32>;
@group(0) @binding(2) var<storage, read> target_values: array<f32>;
@group(0) @binding(3) var<storage, read> now: Now;
@group(0) @binding(4) var<storage, read_write> row_loss: array<f32>;
@group(0) @binding(5) var<storage, read_write> correct: array<u32>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let r = linear_index(group, groups, lane);
    if (r >= now.rows) {
        return;
    }
    var sum = 0.0;
    let outputs = unfolded(args.outputs);
    for (var j = 0u; j < outputs; j++) {
        let d = prediction[r * args.outputs + j] - target_values[r * args.outputs + j];
        let far = args.delta * (abs(d) - 0.5 * args.delta);
        let loss = select(far, 0.5 * d * d, abs(d) <= args.delta);
        sum += pass_nan(d, loss);
    }
    row_loss[r] = sum / f32(args.outputs);
    correct[r] = 0u;
}
