// Four floats in memory as two words of 64 bits, and as numbers: what software drivers read lane by lane and word by word
// takes half as many steps.
alias Quad = vec2<u64>;

fn numbers(q: Quad) -> vec4f {
    return bitcast<vec4f>(vec4u(u32(q.x), u32(q.x >> 32u), u32(q.y), u32(q.y >> 32u)));
}

fn packed(v: vec4f) -> Quad {
    let w = bitcast<vec4u>(v);
    return vec2<u64>(u64(w.x) | (u64(w.y) << 32u), u64(w.z) | (u64(w.w) << 32u));
}
