// max(z, 0) - z t + log(1 + exp(-|z|)), the binary cross-entropy of sigmoid(z), and its gradient by z.
fn element_loss(z: f32, t: f32) -> f32 {
    return pass_nan(z, max(z, 0.0) - z * t + log1p(exp(-abs(z))));
}

fn element_gradient(z: f32, t: f32) -> f32 {
    return pass_nan(z, sigmoid(z) - t);
}
