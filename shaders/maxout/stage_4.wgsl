// Maxout of one group of four: the result is the first of four.
fn maxout_first(a: f32, b: f32) -> bool {
    return is_nan(a) || !(is_nan(b) || b > a);
}

// The place of the first largest, or of a NaN.
fn maxout_place(v: vec4f) -> u32 {
    let left = maxout_first(v.x, v.y);
    let right = maxout_first(v.z, v.w);
    let first = maxout_first(select(v.y, v.x, left), select(v.w, v.z, right));
    return select(select(3u, 2u, right), select(1u, 0u, left), first);
}

fn maxout_best(v: vec4f) -> f32 {
    let left = select(v.y, v.x, maxout_first(v.x, v.y));
    let right = select(v.w, v.z, maxout_first(v.z, v.w));
    return select(right, left, maxout_first(left, right));
}

fn maxout_value4(v: vec4f) -> vec4f {
    return vec4f(maxout_best(v), 0.0, 0.0, 0.0);
}

// The gradients by the group, by the first of d: the first largest takes it, and a NaN goes to the whole group.
fn maxout_gradient4(v: vec4f, d: vec4f) -> vec4f {
    let best = maxout_best(v);
    let at = maxout_place(v);
    var dx = vec4f(0.0);
    //@for i,c=0:x 1:y 2:z 3:w
    dx.{c} = pass_nan(best, select(0.0, d.x, at == {i}u));
    //@end
    return dx;
}
