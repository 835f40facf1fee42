// Adds up the parts' sums of four columns:
//   dgamma = Σ u x̂, dbeta = Σ u;   dz = γ / √(var + eps) · (u - (dbeta + x̂ · dgamma) / pixels).
fn finish(column: u32, first: u32, step: u32) {
    let n = args.n;
    let pixels = f32(now.rows * args.pixels);
    let parts = (now.rows * args.part_units + args.of_part - 1u) / args.of_part;
    var dbeta = vec4f(0.0);
    var dgamma = vec4f(0.0);
    for (var p = turn; p < parts; p += step) {
        dbeta += parts_at(2u * p * n + column);
        dgamma += parts_at(2u * p * n + n + column);
    }
    //@with column_sum dbeta = column_sum(dbeta);
    //@with column_sum dgamma = column_sum(dgamma);
    let mean = zs_at(args.saved + column);
    let inv_std = zs_at(args.saved + n + column);
    let gamma = params_at(args.gamma + column);
    dgamma *= inv_std;
    if (leads && part == 0u) {
        grads_keep(args.dgamma + column, dgamma);
        grads_keep(args.dbeta + column, dbeta);
    }
    for (var r = first; r < end; r += step) {
        let i = r * n + column;
        let x_hat = (zs_at(i) - mean) * inv_std;
        dz_keep(i, gamma * inv_std * (u_at(i) - (dbeta + x_hat * dgamma) / pixels));
    }
}
