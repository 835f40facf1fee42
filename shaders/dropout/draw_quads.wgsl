// The words of dropout for four neighbouring elements from e on, a multiple of four.
fn drawn(e: u32, layer: u32, seed: vec2u) -> vec4u {
    return philox(vec4u(e / 4u, now.step, layer, 0u), seed);
}
