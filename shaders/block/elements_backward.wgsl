// What follows the gradient by h, for four columns; as in elements_forward.wgsl.
fn finish(column: u32, first: u32, step: u32) {
    //@with set_present set_present(args.n - column);
    //@with learned_begin learned_begin(column);
    for (var r = first; r < now.rows; r += step) {
        let i = r * args.n + column;
        //@with gradient_again dz_keep(i, gradient_again(i, zs_at(i), dh_at(i)));
        //@with gradient_seen dz_keep(i, gradient_seen(i));
    }
    //@with learned_total learned_total();
    //@with learned_end if (first == 0u) { learned_end(column); }
}
