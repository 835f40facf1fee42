// log(1 + e) for e in [0, 1], as 2 atanh(e / (2 + e)): drivers' log loses the digits of a result near 0.
// The series' first term left out is 2/15 (1/3)^15, under 1e-8.
fn log1p(e: f32) -> f32 {
    let s = e / (2.0 + e);
    let q = s * s;
    let high = 1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q / 13.0));
    return 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * high)));
}
