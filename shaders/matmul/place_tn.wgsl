// As in place_nt.wgsl; a lies along m, b along n.
fn place_a(e: u32) -> vec2u {
    return vec2u(e % 64u, e / 64u);
}

fn place_b(e: u32) -> vec2u {
    return vec2u(e % 64u, e / 64u);
}
