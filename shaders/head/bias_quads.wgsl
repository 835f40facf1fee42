// Word i of params. A compiler may make a sum of products with 0 and 1 of `v[at]`, and 0 times a NaN beside it is NaN.
fn weight_at(i: u32) -> f32 {
    let v = numbers(params[i / 4u]);
    let at = i % 4u;
    return select(select(v.x, v.y, at == 1u), select(v.z, v.w, at == 3u), at > 1u);
}
