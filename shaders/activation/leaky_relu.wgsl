// y = x where x > 0, else slope · x; the gradient is taken from y, whose sign is that of x.
fn leaky_relu_value(x: f32, parameter: f32) -> f32 {
    return select(parameter * x, x, x > 0.0);
}

fn leaky_relu_gradient(y: f32, dy: f32, parameter: f32) -> f32 {
    return select(parameter * dy, dy, y > 0.0);
}
