// y = x where x > 0, else alpha · (exp(x) - 1); the gradient is taken from y, whose sign is that of x.
fn activation(x: f32) -> f32 {
    return select(args.parameter * expm1(min(x, 0.0)), x, x > 0.0);
}

fn gradient(y: f32, dy: f32) -> f32 {
    return dy * select(y + args.parameter, 1.0, y > 0.0);
}
