// y = 1 / (1 + exp(-x)); the gradient is taken from y.
fn activation(x: f32) -> f32 {
    return sigmoid(x);
}

fn gradient(y: f32, dy: f32) -> f32 {
    return dy * (y * (1.0 - y));
}
