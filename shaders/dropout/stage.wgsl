// v · scale where kept, 0 where dropped, for four neighbouring elements from e on.
fn dropped(v: vec4f, e: u32, layer: u32, seed: vec2u, threshold: u32, scale: f32) -> vec4f {
    var kept = vec4<bool>(true, true, true, true);
    if (unfolded(threshold) > 0u) {
        kept = drawn(e, layer, seed) >= vec4u(threshold);
    }
    return select(vec4f(0.0), v * scale, kept);
}
