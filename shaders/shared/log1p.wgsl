// log(1 + e) for e in [0, 1], as 2 atanh(e / (2 + e)): drivers' log loses the digits of a result near 0.
// The series' first term left out is 2/19 (1/3)^19, under 1e-10.
fn log1p(e: f32) -> f32 {
    let s = e / (2.0 + e);
    let q = s * s;
    let high = 1.0 / 11.0 + q * (1.0 / 13.0 + q * (1.0 / 15.0 + q / 17.0));
    let low = 1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * high)));
    return 2.0 * s * (1.0 + q * low);
}
