// losses[index] = mean of row_loss,  corrects[index] = sum of correct, over the rows of the step.
// One group; each lane adds its rows.
const LANES: u32 = 64u;
@group(0) @binding(1) var<storage, read> row_loss: array<f32>;
@group(0) @binding(2) var<storage, read> correct: array<u32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> corrects: array<u32>;
@group(0) @binding(5) var<storage, read_write> now: Now;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
    var loss = 0.0;
    var count = 0u;
    for (var r = lane; r < now.rows; r += LANES) {
        loss += row_loss[r];
        count += correct[r];
    }
    keep_metrics(lane, loss, count);
}
