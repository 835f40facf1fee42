// y = max(0, x); the gradient is taken from y, and is 0 at 0.
fn relu_value(x: f32, parameter: f32) -> f32 {
    return select(0.0, x, x > 0.0);
}

fn relu_gradient(y: f32, dy: f32, parameter: f32) -> f32 {
    return select(0.0, dy, y > 0.0);
}
