// Row r: the mean of its weighted losses, its right answers, and the gradient, as in forward.wgsl and backward.wgsl.
fn judged(r: u32) -> Judged {
    let outputs = unfolded(args.outputs);
    let share = loss_scale() / f32(now.rows * args.outputs);
    var sum = 0.0;
    var right = 0u;
    for (var j = 0u; j < outputs; j++) {
        let i = r * args.outputs + j;
        let z = output(i);
        let t = target_values[i];
        let w = class_weights[0] + t * (class_weights[1] - class_weights[0]);
        let loss = w * (max(z, 0.0) - z * t + log1p(exp(-abs(z))));
        sum += pass_nan(z, loss);
        right += select(0u, 1u, !is_nan(z) && (z > 0.0) == (t > 0.5));
        d_outputs[i] = pass_nan(z, share * w * (sigmoid(z) - t));
    }
    return Judged(sum / f32(args.outputs), right);
}
