// The gradient by what the stages behind are given, of a window: the first of its largest pixels has that of the window. Pixels
// beyond the last whole window are in windows of their own, without a gradient.
fn unit(r: u32, column: u32) {
    let side = unfolded(args.pool);
    let across = (args.in_w + side - 1u) / side;
    let down = (args.in_h + side - 1u) / side;
    let image = r / (across * down);
    let y = r / across % down;
    let x = r % across;
    let height = min(side, args.in_h - y * side);
    let width = min(side, args.in_w - x * side);
    let first = (image * args.in_h + y * side) * args.in_w + x * side;
    var place = vec4u(0u);
    var d = vec4f(0.0);
    if (height == side && width == side) {
        var best = value_of(first * args.n + column, y_at(first * args.n + column));
        for (var p = 1u; p < side * side; p++) {
            let i = (first + p / side * args.in_w + p % side) * args.n + column;
            let v = value_of(i, y_at(i));
            let is_new = is_larger(best, v);
            best = select(best, v, is_new);
            place = select(place, vec4u(p), is_new);
        }
        d = dh_at(((image * (args.in_h / side) + y) * (args.in_w / side) + x) * args.n + column);
    }
    for (var p = 0u; p < height * width; p++) {
        let i = (first + p / width * args.in_w + p % width) * args.n + column;
        take(i, gradient_again(i, y_at(i), select(vec4f(0.0), d, place == vec4u(p))));
    }
}
