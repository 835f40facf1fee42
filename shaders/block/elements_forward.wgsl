// What follows the product, for one quad of columns, whose rows `first`, `first + step`, … this thread has stored. No stage
// looks at more than one element.
fn finish(quad: u32, first: u32, step: u32, lane: u32, mine: bool) {
    if (!mine) {
        return;
    }
    let count = min(4u, args.n - quad * 4u);
    //@with learned_begin learned_begin(quad * 4u, count);
    for (var r = first; r < now.rows; r += step) {
        let i = r * args.n + quad * 4u;
        h_keep(i / NARROW, count / NARROW, behind(At(i, count), product_at(i, count)));
    }
}
