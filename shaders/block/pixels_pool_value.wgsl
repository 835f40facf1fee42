// The largest of a window, of what becomes of its pixels.
fn unit(r: u32, column: u32) {
    let side = unfolded(args.pool);
    let across = args.in_w / side;
    let down = args.in_h / side;
    let top = r / (across * down) * args.in_h + r / across % down * side;
    let left = r % across * side;
    let first = (top * args.in_w + left) * args.n + column;
    var best = value_of(first, y_at(first));
    for (var p = 1u; p < side * side; p++) {
        let i = ((top + p / side) * args.in_w + left + p % side) * args.n + column;
        let v = value_of(i, y_at(i));
        best = select(best, v, is_larger(best, v));
    }
    h_keep(r * args.n + column, best);
}
