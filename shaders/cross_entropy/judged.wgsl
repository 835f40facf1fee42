// Row r: its weighted loss, whether it is right, and its gradient, loss scale · weight of the class · (p - t) / rows.
fn judged(r: u32) -> Judged {
    let classes = unfolded(args.outputs);
    let first = r * args.outputs;
    let label = labels[r];
    let row = softmax(first, label, classes, args.smoothing);
    let weight = class_weights[label];
    let share = loss_scale() * weight / f32(now.rows);
    for (var j = 0u; j < classes; j++) {
        let t = args.smoothing / f32(args.outputs) + select(0.0, 1.0 - args.smoothing, j == label);
        d_outputs[first + j] = share * (probability(row, first + j) - t);
    }
    let weighted = row.loss * weight;
    return Judged(weighted, select(0u, 1u, row.right && !is_nan(weighted)));
}
