// What becomes of a pixel.
fn unit(r: u32, column: u32) {
    let i = r * args.n + column;
    h_keep(i, value_of(i, y_at(i)));
}
