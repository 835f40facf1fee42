// c = aᵀ b: a is [k, m], b is [k, n].
fn load_a(i: u32, k: u32) -> f32 {
    return a[k * args.m + i];
}

fn load_b(k: u32, j: u32) -> f32 {
    return b[k * args.n + j];
}
