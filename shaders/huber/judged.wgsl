// Row r: the mean of its losses, and the gradient, as in forward.wgsl and backward.wgsl.
fn judged(r: u32) -> Judged {
    let outputs = unfolded(args.outputs);
    let share = loss_scale() / f32(now.rows * args.outputs);
    var sum = 0.0;
    for (var j = 0u; j < outputs; j++) {
        let i = r * args.outputs + j;
        let d = output(i) - target_values[i];
        let far = args.delta * (abs(d) - 0.5 * args.delta);
        sum += pass_nan(d, select(far, 0.5 * d * d, abs(d) <= args.delta));
        d_outputs[i] = share * pass_nan(d, clamp(d, -args.delta, args.delta));
    }
    return Judged(sum / f32(args.outputs), 0u);
}
