fn is_nan4(v: vec4f) -> vec4<bool> {
    return (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

// Whether a value takes the place of the largest before it, as in max_pool/forward.wgsl.
fn is_larger(best: vec4f, v: vec4f) -> vec4<bool> {
    return !is_nan4(best) & (is_nan4(v) | (v > best));
}
