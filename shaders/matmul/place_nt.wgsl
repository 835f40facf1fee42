// Which element of its tile a thread copies, as (place along the edge, place along k): neighbours in memory go to
// neighbouring threads. Both lie along k.
fn place_a(e: u32) -> vec2u {
    return vec2u(e / 16u, e % 16u);
}

fn place_b(e: u32) -> vec2u {
    return vec2u(e / 16u, e % 16u);
}
