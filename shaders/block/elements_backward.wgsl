// What follows the product, which is in dz, for one quad of columns; as in elements_forward.wgsl.
fn finish(quad: u32, first: u32, step: u32, lane: u32, mine: bool) {
    if (!mine) {
        return;
    }
    let count = min(4u, args.n - quad * 4u);
    for (var r = first; r < now.rows; r += step) {
        let i = r * args.n + quad * 4u;
        dz_keep(i, count, gradient_behind(At(i, count), dz_at(i, count), product_at(i, count)));
    }
}
