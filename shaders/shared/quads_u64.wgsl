// Four floats in memory as two words of 64 bits, and as numbers: what software drivers read lane by lane and word by word
// takes half as many steps.
alias Quad = vec2<u64>;

fn pair(word: u64) -> vec2f {
    return bitcast<vec2f>(vec2u(u32(word), u32(word >> 32u)));
}

fn numbers(q: Quad) -> vec4f {
    return vec4f(pair(q.x), pair(q.y));
}

fn packed(v: vec4f) -> Quad {
    let w = bitcast<vec4u>(v);
    return vec2<u64>(u64(w.x) | (u64(w.y) << 32u), u64(w.z) | (u64(w.w) << 32u));
}
