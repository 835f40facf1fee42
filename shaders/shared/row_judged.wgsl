// Row r: the mean of its elements' losses, its right answers, and the gradient, as in row_loss.wgsl and row_gradient.wgsl.
fn judged(r: u32) -> Judged {
    let outputs = unfolded(args.outputs);
    let share = loss_scale() / f32(now.rows * args.outputs);
    var sum = 0.0;
    var right = 0u;
    for (var j = 0u; j < outputs; j++) {
        let i = r * args.outputs + j;
        let y = output(i);
        let t = target_values[i];
        sum += element_loss(y, t);
        right += element_right(y, t);
        d_outputs[i] = share * element_gradient(y, t);
    }
    return Judged(sum / f32(args.outputs), right);
}
