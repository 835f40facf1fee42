// d_logits = loss scale * weight of the class * (p - t) / rows, with t as in the forward pass. One thread for each logit.
@group(0) @binding(1) var<storage, read> probabilities: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
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
    if (i >= now.rows * args.classes) {
        return;
    }
    var t = args.smoothing / f32(args.classes);
    let label = labels[i / args.classes];
    if (i % args.classes == label) {
        t += 1.0 - args.smoothing;
    }
    d_logits[i] = loss_scale() * class_weights[label] * (probabilities[i] - t) / f32(now.rows);
}
