// The words of dropout for four neighbouring elements from e on: of one block of four, or the ends of two.
fn drawn(e: u32, layer: u32, seed: vec2u) -> vec4u {
    let a = philox(vec4u(e / 4u, now.step, layer, 0u), seed);
    let b = philox(vec4u(e / 4u + 1u, now.step, layer, 0u), seed);
    let by = e % 4u;
    let by_one = select(a, vec4u(a.y, a.z, a.w, b.x), by == 1u);
    let by_two = select(by_one, vec4u(a.z, a.w, b.x, b.y), by == 2u);
    return select(by_two, vec4u(a.w, b.x, b.y, b.z), by == 3u);
}
