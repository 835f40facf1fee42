//! Exponential functions of float32 as plain arithmetic, which compilers make vectors of.
//!
//! Each is within a few units in the last place of the true value over the whole range (the tests of this file go over all of
//! it), passes NaN on, and has its limits at ±∞. Call them inside [`super::run`].

/// 2 to the powers of whole numbers n + 127 from 0 to 254, by their bits.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) as u32) << 23)
}

/// The nearest whole number to a value of less than 2²² in size, as a number and as an integer: adding 1.5 · 2²³ leaves no bits
/// for a fraction, and the lowest bits of the sum are the number.
#[inline(always)]
fn nearest(x: f32) -> (f32, i32) {
    const SHIFT: f32 = 12_582_912.0;
    let shifted = x + SHIFT;
    (shifted - SHIFT, shifted.to_bits().wrapping_sub(SHIFT.to_bits()) as i32)
}

/// n and r with x = n ln 2 + r and r in about ±ln 2 / 2; ln 2 is taken in two parts, of which n times the first is exact (Cody &
/// Waite 1980).
#[inline(always)]
fn reduced(x: f32) -> (i32, f32) {
    let (n, bits) = nearest(x * std::f32::consts::LOG2_E);
    let r = x - n * 0.693_359_4;
    (bits, r - n * -2.121_944_4e-4)
}

/// e^r − 1 for |r| ≤ 0.35, by the polynomial of Cephes' `expf` (Moshier).
#[inline(always)]
fn expm1_near_zero(r: f32) -> f32 {
    let mut sum = 1.987_569_1e-4;
    sum = sum * r + 1.398_199_9e-3;
    sum = sum * r + 8.333_452e-3;
    sum = sum * r + 4.166_579_6e-2;
    sum = sum * r + 1.666_666_5e-1;
    sum = sum * r + 0.5;
    sum * (r * r) + r
}

/// The exponential function: e^x.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Beyond these it is infinite, and 0.
    let near = if x > 89.0 { 89.0 } else { x };
    let near = if near < -104.0 { -104.0 } else { near };
    let (n, r) = reduced(near);
    // In two steps, for neither 2¹²⁸ nor what is below 2⁻¹²⁶ has the bits of a normal number.
    let half = n >> 1;
    let y = (1.0 + expm1_near_zero(r)) * power_of_two(half) * power_of_two(n - half);
    if x.is_nan() { x } else { y }
}

/// e^x − 1, also for small x.
#[inline(always)]
pub fn exp_m1(x: f32) -> f32 {
    let near = if x > 89.0 { 89.0 } else { x };
    let near = if near < -30.0 { -30.0 } else { near };
    let (n, r) = reduced(near);
    let half = n >> 1;
    let (a, b) = (power_of_two(half), power_of_two(n - half));
    // 2ⁿ (e^r − 1) + (2ⁿ − 1)
    let y = expm1_near_zero(r) * a * b + (a * b - 1.0);
    let y = if n > 126 { (1.0 + expm1_near_zero(r)) * a * b } else { y };
    if x.is_nan() { x } else { y }
}

/// 1 / (1 + e^−x), by the exponential that cannot overflow.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp(if x > 0.0 { -x } else { x });
    let y = if x > 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
    if x.is_nan() { x } else { y }
}

/// tanh x = −e / (e + 2) with e = e^(−2|x|) − 1, under the sign of x.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let e = exp_m1(-2.0 * size);
    let y = -e / (e + 2.0);
    let y = if x < 0.0 { -y } else { y };
    if x.is_nan() { x } else { y }
}

/// Φ(−a) · exp(a²/2) for 0 ≤ a, Φ being the normal distribution function: a polynomial in 1 / (1 + z/2), z = a/√2, the form of
/// Abramowitz & Stegun 7.1.26, fitted to the least largest relative error, 4.3e-8.
#[inline(always)]
fn tail(a: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.353_553_4 * a);
    let mut sum = 0.284_574_87 - 0.059_068_933 * t;
    sum = -0.487_199_73 + t * sum;
    sum = 0.278_067 + t * sum;
    sum = -0.026_625_577 + t * sum;
    sum = 0.202_686_84 + t * sum;
    sum = 0.243_103_77 + t * sum;
    sum = 0.282_375_3 + t * sum;
    sum = 0.282_086_43 + t * sum;
    0.5 * t * sum
}

/// Φ(x), and exp(−x²/2), for |x| ≤ 20.
#[inline(always)]
pub fn normal_below(x: f32) -> (f32, f32) {
    let e = exp(-0.5 * x * x);
    let below = tail(x.abs()) * e;
    (if x >= 0.0 { 1.0 - below } else { below }, e)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every 97th float32 in the order of their bits, both signs.
    fn all() -> impl Iterator<Item = f32> {
        (0..=f32::INFINITY.to_bits()).step_by(97).flat_map(|bits| [f32::from_bits(bits), -f32::from_bits(bits)])
    }

    /// The largest error in units in the last place of the true value, where that is a normal number; below, in the least number.
    fn worst(f: impl Fn(f32) -> f32, truth: impl Fn(f64) -> f64) -> (f64, f32) {
        let mut worst = (0.0, 0.0);
        for x in all() {
            let (got, want) = (f(x), truth(f64::from(x)));
            let rounded = want as f32;
            if got == rounded {
                continue;
            }
            assert!(got.is_finite() && rounded.is_finite(), "{x}: {got}, should be {want}");
            let unit =
                f64::from(f32::from_bits((rounded.abs().to_bits() & 0x7f80_0000).max(0x0080_0000))) * 2f64.powi(-23);
            let error = (f64::from(got) - want).abs() / unit;
            if error > worst.0 {
                worst = (error, x);
            }
        }
        worst
    }

    /// A polynomial that is off by 1 % of its last term, 2e-7 relative, would be seen.
    #[test]
    fn errors_are_a_few_units_over_the_whole_range() {
        let found = [
            ("exp", worst(exp, f64::exp), 2.0),
            ("exp_m1", worst(exp_m1, f64::exp_m1), 4.0),
            ("sigmoid", worst(sigmoid, |x| 1.0 / (1.0 + (-x).exp())), 4.0),
            ("tanh", worst(tanh, f64::tanh), 4.0),
        ];
        for (name, (error, at), most) in found {
            assert!(error <= most, "{name}({at}) is off by {error} units, and may be by {most}");
        }
        for f in [exp, exp_m1, sigmoid, tanh] {
            assert!(f(f32::NAN).is_nan());
        }
    }

    #[test]
    fn the_normal_distribution_function_is_near_in_relative_terms() {
        for x in all().filter(|x| x.abs() <= 20.0) {
            let want = 0.5 * libm::erfc(-f64::from(x) * std::f64::consts::FRAC_1_SQRT_2);
            let error = (f64::from(normal_below(x).0) - want).abs();
            // The fit's 4e-8, 1.2e-7 of exp, and five roundings of 6e-8; the exponent −x²/2 is rounded, to half a unit of its
            // 24 bits; what is below the least normal number has fewer.
            let bound = want * (5e-7 + f64::from(x * x) * 1e-7) + 1e-44;
            assert!(error <= bound, "{x}: off by {error} of {want}");
        }
    }
}
