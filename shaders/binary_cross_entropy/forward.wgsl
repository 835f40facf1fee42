// row_loss = mean over the outputs of weight(t) * (max(z, 0) - z t + log(1 + exp(-|z|))).
// correct = outputs whose answer z > 0 is that of t > 1/2. One thread for each row.
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> target_values: array<f32>;
@group(0) @binding(3) var<storage, read> class_weights: array<f32>;
@group(0) @binding(4) var<storage, read> now: Now;
@group(0) @binding(5) var<storage, read_write> row_loss: array<f32>;
@group(0) @binding(6) var<storage, read_write> correct: array<u32>;

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
    var right = 0u;
    let outputs = unfolded(args.outputs);
    for (var j = 0u; j < outputs; j++) {
        let z = logits[r * args.outputs + j];
        let t = target_values[r * args.outputs + j];
        if (is_nan(z)) {
            sum += z;
        } else {
            sum += weight(t) * (max(z, 0.0) - z * t + log1p(exp(-abs(z))));
            right += select(0u, 1u, (z > 0.0) == (t > 0.5));
        }
    }
    row_loss[r] = sum / f32(args.outputs);
    correct[r] = right;
}
