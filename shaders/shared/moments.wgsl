// Mean and biased variance of a unit by two passes over its values x[at(f, k)]. Where they lie is for the kernel to say.

// The mean of the first pass, which adds x - x₀: sums of a unit with a large mean would lose the digits that its variance is
// made of.
fn mean_over_group(lane: u32, f: u32, count: u32) -> f32 {
    let shift = x[at(f, 0u)];
    var sum = 0.0;
    for (var k = lane; k < count; k += LANES) {
        sum += x[at(f, k)] - shift;
    }
    return shift + sum_over_group(lane, vec2f(sum, 0.0)).x / f32(count);
}

// What that mean is off by, and the variance without it, from the sums of d² and of d = x - mean (Chan, Golub & LeVeque 1983,
// eq. 1.7).
fn off_and_variance(sums: vec2f, count: u32) -> vec2f {
    let off = sums.y / f32(count);
    return vec2f(off, sums.x / f32(count) - off * off);
}
