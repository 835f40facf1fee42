// d² / 2 where |d| ≤ δ, else δ (|d| - δ / 2), with d = p - t; its gradient is d, kept within -δ and δ. Numbers are neither
// right nor wrong.
fn element_loss(p: f32, t: f32) -> f32 {
    let d = p - t;
    let far = args.delta * (abs(d) - 0.5 * args.delta);
    let loss = select(far, 0.5 * d * d, abs(d) <= args.delta);
    return pass_nan(d, loss);
}

fn element_gradient(p: f32, t: f32) -> f32 {
    let d = p - t;
    return pass_nan(d, clamp(d, -args.delta, args.delta));
}

fn element_right(p: f32, t: f32) -> u32 {
    return 0u;
}
