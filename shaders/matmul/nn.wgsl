// c = a b: a is [m, k], b is [k, n].
fn load_a(i: u32, k: u32) -> f32 {
    return a[i * args.k + k];
}

fn load_b(k: u32, j: u32) -> f32 {
    return b[k * args.n + j];
}
