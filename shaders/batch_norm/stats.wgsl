// mean and biased variance of each feature over rows and pixels.
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> now: Now;
@group(0) @binding(3) var<storage, read_write> saved: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let f = group.y * groups.x + group.x;
    let feature = min(f, args.features - 1u);
    let count = now.rows * args.pixels;
    let mean = mean_over_group(lane, feature, count);
    var squares = 0.0;
    var rest = 0.0;
    for (var k = lane; k < count; k += LANES) {
        let d = x[at(feature, k)] - mean;
        squares += d * d;
        rest += d;
    }
    let corrected = off_and_variance(sum_over_group(lane, vec2f(squares, rest)), count);
    if (lane == 0u && f < args.features) {
        saved[f] = mean + corrected.x;
        saved[args.features + f] = 1.0 / sqrt(corrected.y + args.eps);
        saved[2u * args.features + f] = corrected.y;
    }
}
