// y = x where x > 0, else alpha · (exp(x) - 1); the gradient is taken from y, whose sign is that of x.
fn elu_value(x: f32, parameter: f32) -> f32 {
    return select(parameter * expm1(min(x, 0.0)), x, x > 0.0);
}

fn elu_gradient(y: f32, dy: f32, parameter: f32) -> f32 {
    return dy * select(y + parameter, 1.0, y > 0.0);
}
