// weight(t) * (max(z, 0) - z t + log(1 + exp(-|z|))), its gradient by z, and whether the answer z > 0 is that of t > 1/2.

// Between the weight of a no (t = 0) and that of a yes (t = 1).
fn weight(t: f32) -> f32 {
    return class_weights[0] + t * (class_weights[1] - class_weights[0]);
}

fn element_loss(z: f32, t: f32) -> f32 {
    let loss = weight(t) * (max(z, 0.0) - z * t + log1p(exp(-abs(z))));
    return pass_nan(z, loss);
}

fn element_gradient(z: f32, t: f32) -> f32 {
    return pass_nan(z, weight(t) * (sigmoid(z) - t));
}

fn element_right(z: f32, t: f32) -> u32 {
    return select(0u, 1u, !is_nan(z) && (z > 0.0) == (t > 0.5));
}
