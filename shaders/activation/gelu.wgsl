// y = x · Φ(x), the normal distribution function; the gradient is taken from x. Beyond ±20 both have their limits, which
// the bounds keep at infinity.

// Φ(-a) · exp(a²/2) for 0 <= a: half of exp(z²) · erfc(z) at z = a/√2. A polynomial in t = 1 / (1 + z/2), the form of
// Abramowitz & Stegun 7.1.26, fitted to the least largest relative error, 4.3e-8: it holds in the far tail too.
fn tail(a: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.35355339 * a);
    var sum = 0.284574866 - 0.0590689331 * t;
    sum = -0.487199724 + t * sum;
    sum = 0.278066993 + t * sum;
    sum = -0.0266255774 + t * sum;
    sum = 0.202686846 + t * sum;
    sum = 0.243103772 + t * sum;
    sum = 0.282375306 + t * sum;
    sum = 0.282086432 + t * sum;
    return 0.5 * t * sum;
}

fn gelu_value(x: f32, parameter: f32) -> f32 {
    let a = min(abs(x), 20.0);
    let below = tail(a) * exp(-0.5 * a * a);
    return max(x, -20.0) * select(below, 1.0 - below, x >= 0.0);
}

// Φ(x) + x · φ(x), with φ(x) = exp(-x²/2) / √(2π).
fn gelu_gradient(x: f32, dy: f32, parameter: f32) -> f32 {
    let z = clamp(x, -20.0, 20.0);
    let e = exp(-0.5 * z * z);
    let below = tail(abs(z)) * e;
    return dy * (select(below, 1.0 - below, z >= 0.0) + z * 0.39894228 * e);
}
