// y = x · σ(x); the gradient is taken from x. Beyond ±200 both have their limits, which the bounds keep at infinity.
fn silu_value(x: f32, parameter: f32) -> f32 {
    return max(x, -200.0) * sigmoid(x);
}

fn silu_gradient(x: f32, dy: f32, parameter: f32) -> f32 {
    let z = clamp(x, -200.0, 200.0);
    return dy * (sigmoid(z) * (1.0 + z * sigmoid(-z)));
}
