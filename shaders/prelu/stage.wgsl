// PReLU of four neighbouring features, with the weight of each.
fn prelu_value4(x: vec4f, alpha: vec4f) -> vec4f {
    var y = x;
    //@for c=x y z w
    y.{c} = pass_nan(x.{c}, select(alpha.{c} * x.{c}, x.{c}, x.{c} > 0.0));
    //@end
    return y;
}

fn prelu_gradient4(x: vec4f, d: vec4f, alpha: vec4f) -> vec4f {
    var dx = d;
    //@for c=x y z w
    dx.{c} = pass_nan(x.{c}, select(alpha.{c} * d.{c}, d.{c}, x.{c} > 0.0));
    //@end
    return dx;
}

// What the four add to the gradients by their weights.
fn prelu_weight4(x: vec4f, d: vec4f) -> vec4f {
    var dalpha = d;
    //@for c=x y z w
    dalpha.{c} = pass_nan(x.{c}, select(d.{c} * x.{c}, 0.0, x.{c} > 0.0));
    //@end
    return dalpha;
}
