// The binary cross-entropy of sigmoid(z) and of t, which is 0 or 1, and its gradient by z: max(z, 0) - z t + log(1 + exp(-|z|)),
// where the first two terms are |z| on the wrong side of 0 and nothing on the right one, also where z is infinite.
fn element_loss(z: f32, t: f32) -> f32 {
    let is_wrong = (z > 0.0) != (t > 0.5);
    return pass_nan(z, select(0.0, abs(z), is_wrong) + log1p(exp(-abs(z))));
}

fn element_gradient(z: f32, t: f32) -> f32 {
    return pass_nan(z, sigmoid(z) - t);
}
