// y = 1 / (1 + exp(-x)); the gradient is taken from y.
fn sigmoid_value(x: f32, parameter: f32) -> f32 {
    return sigmoid(x);
}

fn sigmoid_gradient(y: f32, dy: f32, parameter: f32) -> f32 {
    return dy * (y * (1.0 - y));
}
