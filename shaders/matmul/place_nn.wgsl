// As in place_nt.wgsl; a lies along k, b along n.
fn place_a(e: u32) -> vec2u {
    return vec2u(e / 16u, e % 16u);
}

fn place_b(e: u32) -> vec2u {
    return vec2u(e % 64u, e / 64u);
}
