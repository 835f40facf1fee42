// y = x where x > 0, else slope · x; the gradient is taken from y, whose sign is that of x.
fn activation(x: f32) -> f32 {
    return select(args.parameter * x, x, x > 0.0);
}

fn gradient(y: f32, dy: f32) -> f32 {
    return select(args.parameter * dy, dy, y > 0.0);
}
