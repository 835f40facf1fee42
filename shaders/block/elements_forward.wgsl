// What follows the product, for four columns, whose rows `first`, `first + step`, … this thread has stored. No stage looks at
// more than one element. A thread without columns of its own has no rows.
fn finish(column: u32, first: u32, step: u32) {
    //@with set_present set_present(args.n - column);
    //@with learned_begin learned_begin(column);
    for (var r = first; r < now.rows; r += step) {
        let i = r * args.n + column;
        h_from(i, product_at(i));
    }
}
