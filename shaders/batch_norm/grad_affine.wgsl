// dbeta = Σ dy,  dgamma = Σ dy · x̂, over rows and pixels. One group for each feature.
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> saved: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read> now: Now;
@group(0) @binding(5) var<storage, read_write> dgamma: array<f32>;
@group(0) @binding(6) var<storage, read_write> dbeta: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let f = group.y * groups.x + group.x;
    let feature = min(f, args.features - 1u);
    let count = now.rows * args.pixels;
    let mean = saved[feature];
    var sums = vec2f(0.0);
    for (var k = lane; k < count; k += LANES) {
        let i = at(feature, k);
        sums += vec2f(dy[i] * (x[i] - mean), dy[i]);
    }
    let total = sum_over_group(lane, sums);
    if (lane == 0u && f < args.features) {
        dgamma[f] = total.x * saved[args.features + f];
        dbeta[f] = total.y;
    }
}
