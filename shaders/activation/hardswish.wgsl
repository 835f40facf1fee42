// y = x · min(max(x + 3, 0), 6) / 6; the gradient is taken from x. Beyond ±3 both have their limits.
fn hardswish_value(x: f32, parameter: f32) -> f32 {
    return select(select(x * (x + 3.0) / 6.0, x, x >= 3.0), 0.0, x <= -3.0);
}

fn hardswish_gradient(x: f32, dy: f32, parameter: f32) -> f32 {
    return select(select(dy * (x / 3.0 + 0.5), dy, x >= 3.0), 0.0, x <= -3.0);
}
