// dalpha = Σ partial, over the features, where they share one alpha. One group.
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> dalpha: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var f = lane; f < args.features; f += LANES) {
        sum += partial[f];
    }
    let total = sum_over_group(lane, vec2f(sum, 0.0)).x;
    if (lane == 0u) {
        dalpha[0] = total;
    }
}
