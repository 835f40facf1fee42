// Row r: its loss, whether it is right, and its gradient, as in forward.wgsl and backward.wgsl.
fn judged(r: u32) -> Judged {
    let outputs = unfolded(args.outputs);
    let first = r * args.outputs;
    let label = labels[r];
    let row = row_of(first, label, outputs);
    let share = loss_scale() / f32(now.rows * args.outputs);
    for (var j = 0u; j < outputs; j++) {
        d_outputs[first + j] = share * element_gradient(output(first + j), one_hot(j, label));
    }
    return Judged(row.loss, select(0u, 1u, row.right));
}
