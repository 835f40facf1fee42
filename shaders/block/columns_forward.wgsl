// What follows the product, for one quad of columns, whose rows `first`, `first + step`, … this thread has in zs: mean and
// variance of the columns as in batch_norm.stats, then normalised, scaled and shifted, and the stages behind.
// `mine` is whether there is such a quad; all threads of a group come here together.
fn finish(quad: u32, first: u32, step: u32, lane: u32, mine: bool) {
    let column = quad * 4u;
    let count = min(4u, args.n - column);
    let rows = now.rows;
    let divisor = f32(rows);
    let shift = zs_at(column, count);
    var sum = vec4f(0.0);
    for (var r = first; r < rows; r += step) {
        sum += zs_at(r * args.n + column, count) - shift;
    }
    let near = shift + column_sum(lane, sum) / divisor;
    var squares = vec4f(0.0);
    var rest = vec4f(0.0);
    for (var r = first; r < rows; r += step) {
        let d = zs_at(r * args.n + column, count) - near;
        squares += d * d;
        rest += d;
    }
    let off = column_sum(lane, rest) / divisor;
    let variance = column_sum(lane, squares) / divisor - off * off;
    let mean = near + off;
    let inv_std = 1.0 / sqrt(variance + args.eps);
    if (!mine) {
        return;
    }
    if (first == 0u) {
        zs_keep(args.saved + column, count, mean);
        zs_keep(args.saved + args.n + column, count, inv_std);
        zs_keep(args.saved + 2u * args.n + column, count, variance);
    }
    //@with learned_begin learned_begin(column, count);
    let gamma = params_at(args.gamma + column, count);
    let beta = params_at(args.beta + column, count);
    for (var r = first; r < rows; r += step) {
        let i = r * args.n + column;
        let y = (zs_at(i, count) - mean) * inv_std * gamma + beta;
        h_keep(i / NARROW, count / NARROW, behind(At(i, count), y));
    }
}
