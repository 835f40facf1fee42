// Per row, from logits z with their maximum taken off:
//   p_j = exp(z_j - max) / sum,   loss = log(sum) - Σ_j t_j (z_j - max),   t = (1 - s) onehot + s / classes.
// and the loss is multiplied by the weight of the label's class.
// correct = 1 where the first largest class is the label and the loss is a number. One thread for each row.
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> class_weights: array<f32>;
@group(0) @binding(4) var<storage, read> now: Now;
@group(0) @binding(5) var<storage, read_write> row_loss: array<f32>;
@group(0) @binding(6) var<storage, read_write> correct: array<u32>;
@group(0) @binding(7) var<storage, read_write> probabilities: array<f32>;

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
    var best = 0u;
    var bad = 0.0;
    for (var j = 0u; j < args.classes; j++) {
        if (logits[first + j] > logits[first + best]) {
            best = j;
        }
        if (is_nan(logits[first + j])) {
            bad = logits[first + j];
        }
    }
    let largest = logits[first + best];
    var sum = 0.0;
    var all = 0.0;
    for (var j = 0u; j < args.classes; j++) {
        let z = logits[first + j] - largest;
        sum += exp(z);
        all += z;
    }
    let z_label = logits[first + labels[r]] - largest;
    let share = args.smoothing / f32(args.classes);
    var loss = log(sum) - (1.0 - args.smoothing) * z_label;
    // Only with smoothing: an infinite term times 0 would make the loss NaN.
    if (args.smoothing > 0.0) {
        loss -= share * all;
    }
    for (var j = 0u; j < args.classes; j++) {
        var p = exp(logits[first + j] - largest) / sum;
        if (is_nan(bad)) {
            p = bad;
        }
        probabilities[first + j] = p;
    }
    if (is_nan(bad)) {
        loss = bad;
    }
    row_loss[r] = loss * class_weights[labels[r]];
    correct[r] = select(0u, 1u, best == labels[r] && !is_nan(loss));
}
