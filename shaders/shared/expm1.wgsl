// exp(x) - 1, to a few roundings of itself: near 0, where the difference would lose its digits, by the series
// x + x²/2! + … + x⁸/8!, whose rest is under 2e-8 of the value there.
fn expm1(x: f32) -> f32 {
    if (abs(x) >= 0.5) {
        return exp(x) - 1.0;
    }
    var sum = 1.0 + x / 8.0;
    sum = 1.0 + x / 7.0 * sum;
    sum = 1.0 + x / 6.0 * sum;
    sum = 1.0 + x / 5.0 * sum;
    sum = 1.0 + x / 4.0 * sum;
    sum = 1.0 + x / 3.0 * sum;
    sum = 1.0 + x / 2.0 * sum;
    return x * sum;
}
