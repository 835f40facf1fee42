// What follows the gradient by h, for four columns; as in columns_forward.wgsl:
//   u = the gradient by y = x̂ γ + β;   dgamma = Σ u x̂, dbeta = Σ u;   γ / √(var + eps) · (u - (dbeta + x̂ · dgamma) / rows),
// and the running statistics move. u is kept where the stages behind y are gone through again for it, else taken twice.
fn finish(column: u32, first: u32, step: u32) {
    //@with set_present set_present(args.n - column);
    let n = args.n;
    let rows = now.rows;
    let divisor = f32(rows);
    let mean = zs_at(args.saved + column);
    let inv_std = zs_at(args.saved + n + column);
    let gamma = params_at(args.gamma + column);
    //@with gradient_again let beta = params_at(args.beta + column);
    //@with learned_begin learned_begin(column);
    var dgamma = vec4f(0.0);
    var dbeta = vec4f(0.0);
    for (var r = first; r < rows; r += step) {
        let i = r * n + column;
        let centred = zs_at(i) - mean;
        //@with gradient_again let u = gradient_again(i, centred * inv_std * gamma + beta, dh_at(i));
        //@with gradient_again dz_keep(i, u);
        //@with gradient_seen let u = gradient_seen(i);
        dbeta += u;
        dgamma += u * centred;
    }
    //@with column_sum dbeta = column_sum(dbeta);
    //@with column_sum dgamma = column_sum(dgamma);
    //@with learned_total learned_total();
    dgamma *= inv_std;
    for (var r = first; r < rows; r += step) {
        let i = r * n + column;
        let z = zs_at(i);
        let x_hat = (z - mean) * inv_std;
        //@with gradient_again let u = dz_at(i);
        //@with gradient_seen let u = gradient_seen(i);
        var d = gamma * inv_std * (u - (dbeta + x_hat * dgamma) / divisor);
        //@with gradient_before d = gradient_before(d, z);
        dz_keep(i, d);
    }
    if (first != 0u) {
        return;
    }
    //@with learned_end learned_end(column);
    grads_keep(args.dgamma + column, dgamma);
    grads_keep(args.dbeta + column, dbeta);
    running_keep(column, divisor);
}
