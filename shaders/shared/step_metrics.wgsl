// losses[index] = mean loss, corrects[index] = right answers, of what each of LANES lanes has added up; a tree adds the lanes.
// A loss that is not finite halts the run.
var<workgroup> loss_of: array<f32, LANES>;
var<workgroup> correct_of: array<u32, LANES>;

// Must be called by all lanes together.
fn keep_metrics(lane: u32, loss: f32, correct: u32) {
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
        let mean = loss_of[0] / f32(now.rows);
        losses[now.index] = mean;
        corrects[now.index] = correct_of[0];
        if (!is_finite(mean)) {
            now.halted = HALTED_BY_LOSS;
        }
    }
}
