// The end of a classifier in one group: cross-entropy of each row (cross_entropy/row.wgsl), its gradient
//   d_logits = loss scale · weight of the class · (p - t) / rows,
// losses[index] = mean loss, corrects[index] = right answers, and a loss that is not finite halts the run.
struct Args {
    classes: u32,
    smoothing: f32,
    k: u32,
    weight: u32,
    bias: u32,
}
const LANES: u32 = 256u;
@group(0) @binding(0) var<uniform> args: Args;
var<workgroup> loss_of: array<f32, LANES>;
var<workgroup> correct_of: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
    product(lane);
    let classes = unfolded(args.classes);
    let rows = now.rows;
    var loss = 0.0;
    var correct = 0u;
    for (var r = lane; r < rows; r += LANES) {
        let first = r * args.classes;
        let label = labels[r];
        let row = softmax(first, label, classes, args.smoothing);
        let weight = class_weights[label];
        let share = loss_scale() * weight / f32(rows);
        for (var j = 0u; j < classes; j++) {
            let t = args.smoothing / f32(args.classes) + select(0.0, 1.0 - args.smoothing, j == label);
            d_logits[first + j] = share * (probability(row, first + j) - t);
        }
        let weighted = row.loss * weight;
        loss += weighted;
        correct += select(0u, 1u, row.right && !is_nan(weighted));
    }
    loss_of[lane] = loss;
    correct_of[lane] = correct;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if (lane < half) {
            loss_of[lane] += loss_of[lane + half];
            correct_of[lane] += correct_of[lane + half];
        }
        workgroupBarrier();
    }
    if (lane == 0u && now.halted == 0u) {
        let mean = loss_of[0] / f32(rows);
        losses[now.index] = mean;
        corrects[now.index] = correct_of[0];
        if (!is_finite(mean)) {
            now.halted = HALTED_BY_LOSS;
        }
    }
}
