// What follows the gradient by h, for one quad of columns; as in elements_forward.wgsl.
fn finish(quad: u32, first: u32, step: u32, lane: u32, mine: bool) {
    let column = quad * 4u;
    let count = min(4u, args.n - column);
    //@with learned_begin learned_begin(column, count);
    if (mine) {
        for (var r = first; r < now.rows; r += step) {
            let i = r * args.n + column;
            dz_keep(i, count, gradient_behind(At(i, count), dh_at_place(i, count), product_at(i, count)));
        }
    }
    //@with learned_end learned_end(lane, column, count, mine && first == 0u);
}
