// mean and biased variance of each feature over rows and pixels, in two passes.
// The first pass adds x - x₀: sums of a column with a large mean would lose the digits that its variance is made of.
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
    let shift = x[at(feature, 0u)];
    var sum = 0.0;
    for (var k = lane; k < count; k += LANES) {
        sum += x[at(feature, k)] - shift;
    }
    let mean = shift + sum_over_group(lane, vec2f(sum, 0.0)).x / f32(count);
    var squares = 0.0;
    var rest = 0.0;
    for (var k = lane; k < count; k += LANES) {
        let d = x[at(feature, k)] - mean;
        squares += d * d;
        rest += d;
    }
    // What the mean is off by is taken out of the variance (Chan, Golub & LeVeque 1983, eq. 1.7).
    let total = sum_over_group(lane, vec2f(squares, rest));
    let off = total.y / f32(count);
    let variance = total.x / f32(count) - off * off;
    if (lane == 0u && f < args.features) {
        saved[f] = mean + off;
        saved[args.features + f] = 1.0 / sqrt(variance + args.eps);
        saved[2u * args.features + f] = variance;
    }
}
