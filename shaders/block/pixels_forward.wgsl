// Pixels of part p.
fn pixels_of(p: u32) -> f32 {
    return f32(min(args.of_part, now.rows * args.pixels - p * args.of_part));
}

// Mean and variance of four columns, of the parts' (Chan, Golub & LeVeque 1983); then normalised, scaled and shifted, and the
// stages behind. All threads of a group come here together.
fn finish(column: u32, first: u32, step: u32) {
    let n = args.n;
    let pixels = now.rows * args.pixels;
    let parts = (pixels + args.of_part - 1u) / args.of_part;
    let shift = parts_at(column);
    var sum = vec4f(0.0);
    for (var p = turn; p < parts; p += step) {
        sum += pixels_of(p) * (parts_at(2u * p * n + column) - shift);
    }
    //@with column_sum sum = column_sum(sum);
    mean = shift + sum / f32(pixels);
    var squares = vec4f(0.0);
    for (var p = turn; p < parts; p += step) {
        let off = parts_at(2u * p * n + column) - mean;
        squares += parts_at(2u * p * n + n + column) + pixels_of(p) * off * off;
    }
    //@with column_sum squares = column_sum(squares);
    let variance = squares / f32(pixels);
    inv_std = 1.0 / sqrt(variance + args.eps);
    if (leads && part == 0u) {
        statistics_keep(column, mean, inv_std, variance);
    }
    gamma = params_at(args.gamma + column);
    beta = params_at(args.beta + column);
    for (var r = first; r < end; r += step) {
        unit(r, column);
    }
}
