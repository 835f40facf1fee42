// The end of a network in one group: loss, right answers and gradient of each row (`judged`, of the loss),
// losses[index] = mean loss, corrects[index] = right answers, and a loss that is not finite halts the run.
const LANES: u32 = 256u;
var<workgroup> loss_of: array<f32, LANES>;
var<workgroup> correct_of: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
    product(lane);
    let rows = now.rows;
    var loss = 0.0;
    var correct = 0u;
    for (var r = lane; r < rows; r += LANES) {
        let row = judged(r);
        loss += row.loss;
        correct += row.right;
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
