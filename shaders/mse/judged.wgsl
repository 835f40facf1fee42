// Row r: the mean of its squared errors, outputs on the target's side of 1/2, and the gradient, as in forward.wgsl and
// backward.wgsl.
fn judged(r: u32) -> Judged {
    let outputs = unfolded(args.outputs);
    let share = loss_scale() * 2.0 / f32(now.rows * args.outputs);
    var sum = 0.0;
    var right = 0u;
    for (var j = 0u; j < outputs; j++) {
        let i = r * args.outputs + j;
        let p = output(i);
        let t = target_values[i];
        sum += (p - t) * (p - t);
        right += select(0u, 1u, !is_nan(p) && (p > 0.5) == (t > 0.5));
        d_outputs[i] = share * (p - t);
    }
    return Judged(sum / f32(args.outputs), right);
}
