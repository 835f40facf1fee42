// Four floats in memory, and as numbers.
alias Quad = vec4f;

fn numbers(q: Quad) -> vec4f {
    return q;
}

fn packed(v: vec4f) -> Quad {
    return v;
}
