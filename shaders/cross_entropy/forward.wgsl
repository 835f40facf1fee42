// Loss and probabilities of each row (row.wgsl); the loss is multiplied by the weight of the label's class.
// One thread for each row.
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> class_weights: array<f32>;
@group(0) @binding(4) var<storage, read> now: Now;
@group(0) @binding(5) var<storage, read_write> row_loss: array<f32>;
@group(0) @binding(6) var<storage, read_write> correct: array<u32>;
@group(0) @binding(7) var<storage, read_write> probabilities: array<f32>;

fn output(i: u32) -> f32 {
    return logits[i];
}

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
    let first = r * args.classes;
    let classes = unfolded(args.classes);
    let row = softmax(first, labels[r], classes, args.smoothing);
    for (var j = 0u; j < classes; j++) {
        probabilities[first + j] = probability(row, first + j);
    }
    row_loss[r] = row.loss * class_weights[labels[r]];
    correct[r] = select(0u, 1u, row.right && !is_nan(row_loss[r]));
}
