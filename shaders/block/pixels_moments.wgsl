// Of four columns of the group's pixels, the mean and the sum of squares around it, in two passes, of which the first adds what
// pixels have more than the first.
fn finish(column: u32, first: u32, step: u32) {
    let n = args.n;
    let shift = zs_at(min(begin, now.rows * args.units - 1u) * n + column);
    var sum = vec4f(0.0);
    for (var r = first; r < end; r += step) {
        sum += zs_at(r * n + column) - shift;
    }
    //@with column_sum sum = column_sum(sum);
    let mean = shift + sum / f32(end - begin);
    var squares = vec4f(0.0);
    for (var r = first; r < end; r += step) {
        let d = zs_at(r * n + column) - mean;
        squares += d * d;
    }
    //@with column_sum squares = column_sum(squares);
    if (leads) {
        parts_keep(2u * part * n + column, mean);
        parts_keep(2u * part * n + n + column, squares);
    }
}
