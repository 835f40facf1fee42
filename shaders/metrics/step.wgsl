// losses[index] = mean of row_loss,  corrects[index] = sum of correct, over the rows of the step.
// A loss that is not finite halts the run. One group; each lane adds its rows, a tree the lanes.
const LANES: u32 = 64u;
@group(0) @binding(1) var<storage, read> row_loss: array<f32>;
@group(0) @binding(2) var<storage, read> correct: array<u32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> corrects: array<u32>;
@group(0) @binding(5) var<storage, read_write> now: Now;

var<workgroup> loss_of: array<f32, LANES>;
var<workgroup> correct_of: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
    var loss = 0.0;
    var count = 0u;
    for (var r = lane; r < now.rows; r += LANES) {
        loss += row_loss[r];
        count += correct[r];
    }
    loss_of[lane] = loss;
    correct_of[lane] = count;
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
