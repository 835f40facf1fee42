// d_logits = loss scale * weight(t) * (sigmoid(z) - t) / (rows * outputs). One thread for each logit.
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> target_values: array<f32>;
@group(0) @binding(3) var<storage, read> class_weights: array<f32>;
@group(0) @binding(4) var<storage, read> now: Now;
@group(0) @binding(5) var<storage, read_write> d_logits: array<f32>;

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
    let z = logits[i];
    let t = target_values[i];
    var d = loss_scale() * weight(t) * (sigmoid(z) - t) / f32(now.rows * args.outputs);
    if (is_nan(z)) {
        d = z;
    }
    d_logits[i] = d;
}
