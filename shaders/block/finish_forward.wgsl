// What follows the product, for one quad of columns, whose rows `first`, `first + step`, … this thread has in z.
// `mine` is whether there is such a quad; all threads of a group come here together. Variance as in batch_norm.stats.
fn finish(quad: u32, first: u32, step: u32, lane: u32, mine: bool) {
    let n = args.n / 4u;
    let rows = now.rows;
    let count = f32(rows);
    let shift = numbers(zs[quad]);
    var sum = vec4f(0.0);
    for (var r = first; r < rows; r += step) {
        sum += numbers(zs[r * n + quad]) - shift;
    }
    let near = shift + column_sum(lane, sum) / count;
    var squares = vec4f(0.0);
    var rest = vec4f(0.0);
    for (var r = first; r < rows; r += step) {
        let d = numbers(zs[r * n + quad]) - near;
        squares += d * d;
        rest += d;
    }
    let off = column_sum(lane, rest) / count;
    let variance = column_sum(lane, squares) / count - off * off;
    let mean = near + off;
    let inv_std = 1.0 / sqrt(variance + args.eps);
    if (mine && first == 0u) {
        zs[args.saved / 4u + quad] = packed(mean);
        zs[args.saved / 4u + n + quad] = packed(inv_std);
        zs[args.saved / 4u + 2u * n + quad] = packed(variance);
    }
    if (mine) {
        let gamma = numbers(params[args.gamma / 4u + quad]);
        let beta = numbers(params[args.beta / 4u + quad]);
        let seed = vec2u(args.seed_low, args.seed_high);
        let threshold = unfolded(args.threshold);
        let step_now = now.step;
        for (var r = first; r < rows; r += step) {
            let y = (numbers(zs[r * n + quad]) - mean) * inv_std * gamma + beta;
            var kept = vec4<bool>(true, true, true, true);
            if (threshold > 0u) {
                kept = philox(vec4u(r * n + quad, step_now, args.layer, 0u), seed) >= vec4u(threshold);
            }
            h[r * n + quad] = packed(select(vec4f(0.0), relu(y) * args.scale, kept));
        }
    }
}
