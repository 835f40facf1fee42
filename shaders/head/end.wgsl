// The end of a network in one group: loss, right answers and gradient of each row (`judged`, of the loss), and the step's
// metrics.
const LANES: u32 = 256u;

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
    keep_metrics(lane, loss, correct);
}
