// The gradient by what the stages behind are given.
fn unit(r: u32, column: u32) {
    let i = r * args.n + column;
    take(i, gradient_again(i, y_at(i), dh_at(i)));
}
