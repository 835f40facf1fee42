// What follows the product, for four columns, whose rows `first`, `first + step`, … this thread has in zs: mean and variance of
// the columns, in two passes, of which the first adds what rows have more than the first; then normalised, scaled and shifted, and
// the stages behind. All threads of a group come here together. A thread without columns of its own has no rows; with others it
// would do all twice.
fn finish(column: u32, first: u32, step: u32) {
    //@with set_present set_present(args.n - column);
    let rows = now.rows;
    let divisor = f32(rows);
    let shift = zs_at(column);
    var sum = vec4f(0.0);
    for (var r = first; r < rows; r += step) {
        sum += zs_at(r * args.n + column) - shift;
    }
    //@with column_sum sum = column_sum(sum);
    let mean = shift + sum / divisor;
    var squares = vec4f(0.0);
    for (var r = first; r < rows; r += step) {
        let d = zs_at(r * args.n + column) - mean;
        squares += d * d;
    }
    //@with column_sum squares = column_sum(squares);
    let variance = squares / divisor;
    let inv_std = 1.0 / sqrt(variance + args.eps);
    if (first == 0u) {
        statistics_keep(column, mean, inv_std, variance);
    }
    //@with learned_begin learned_begin(column);
    let gamma = params_at(args.gamma + column);
    let beta = params_at(args.beta + column);
    for (var r = first; r < rows; r += step) {
        let i = r * args.n + column;
        h_from(i, (zs_at(i) - mean) * inv_std * gamma + beta);
    }
}
