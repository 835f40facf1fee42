fn is_nan4(v: vec4f) -> vec4<bool> {
    return (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

// max(0, y), NaN passed on.
fn relu(y: vec4f) -> vec4f {
    return select(select(vec4f(0.0), y, y > vec4f(0.0)), y, is_nan4(y));
}

// The gradient through dropout and ReLU, read off the block's output: 0 where that is 0, NaN where it is NaN.
fn through(dy: vec4f, y: vec4f, scale: f32) -> vec4f {
    return select(select(vec4f(0.0), dy * scale, y > vec4f(0.0)), y, is_nan4(y));
}
