// Word i of params.
fn weight_at(i: u32) -> f32 {
    return params[i];
}
