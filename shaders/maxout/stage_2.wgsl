// Maxout of two groups of two: the results are the first two of four.
fn maxout_first(a: f32, b: f32) -> bool {
    return is_nan(a) || !(is_nan(b) || b > a);
}

fn maxout_value4(v: vec4f) -> vec4f {
    return vec4f(select(v.y, v.x, maxout_first(v.x, v.y)), select(v.w, v.z, maxout_first(v.z, v.w)), 0.0, 0.0);
}

// The gradients by two groups of two, by the first two of d: the first largest takes it, and a NaN goes to the whole group.
fn maxout_gradient4(v: vec4f, d: vec4f) -> vec4f {
    var dx = vec4f(0.0);
    //@for a,b,c=x:y:x z:w:y
    {
        let first = maxout_first(v.{a}, v.{b});
        let best = select(v.{b}, v.{a}, first);
        dx.{a} = pass_nan(best, select(0.0, d.{c}, first));
        dx.{b} = pass_nan(best, select(d.{c}, 0.0, first));
    }
    //@end
    return dx;
}
