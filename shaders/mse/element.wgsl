// (p - t)², its gradient by p, and whether p is on the target's side of 1/2, which says something where targets are 0 and 1.
fn element_loss(p: f32, t: f32) -> f32 {
    return (p - t) * (p - t);
}

fn element_gradient(p: f32, t: f32) -> f32 {
    return 2.0 * (p - t);
}

fn element_right(p: f32, t: f32) -> u32 {
    return select(0u, 1u, !is_nan(p) && (p > 0.5) == (t > 0.5));
}
