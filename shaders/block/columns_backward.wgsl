// What follows the gradient by h, for one quad of columns; as in columns_forward.wgsl:
//   u = the gradient by y = x̂ γ + β;   dgamma = Σ u x̂, dbeta = Σ u;   γ / √(var + eps) · (u - (dbeta + x̂ · dgamma) / rows),
// and the running statistics move.
fn finish(quad: u32, first: u32, step: u32, lane: u32, mine: bool) {
    let column = quad * 4u;
    let n = args.n;
    let count = min(4u, n - column);
    let rows = now.rows;
    let divisor = f32(rows);
    let mean = zs_at(args.saved + column, count);
    let inv_std = zs_at(args.saved + n + column, count);
    let gamma = params_at(args.gamma + column, count);
    let beta = shift_at(column, count);
    //@with learned_begin learned_begin(column, count);
    var with_z = vec4f(0.0);
    var plain = vec4f(0.0);
    for (var r = first; r < rows; r += step) {
        let i = r * n + column;
        let centred = zs_at(i, count) - mean;
        let u = gradient_behind(At(i, count), dh_at_place(i, count), centred * inv_std * gamma + beta);
        if (!CHEAP && mine) {
            dz_keep(i, count, u);
        }
        plain += u;
        with_z += u * centred;
    }
    let dbeta = column_sum(lane, plain);
    let dgamma = column_sum(lane, with_z) * inv_std;
    //@with learned_end learned_end(lane, column, count, mine && first == 0u);
    if (!mine) {
        return;
    }
    for (var r = first; r < rows; r += step) {
        let i = r * n + column;
        let z = zs_at(i, count);
        let x_hat = (z - mean) * inv_std;
        var u: vec4f;
        if (CHEAP) {
            u = gradient_behind(At(i, count), dh_at_place(i, count), x_hat * gamma + beta);
        } else {
            u = dz_at(i, count);
        }
        let d = gamma * inv_std * (u - (dbeta + x_hat * dgamma) / divisor);
        dz_keep(i, count, gradient_before(At(i, count), d, z));
    }
    if (first != 0u) {
        return;
    }
    grads_keep(args.dgamma + column, count, dgamma);
    grads_keep(args.dbeta + column, count, dbeta);
    if (now.halted == 0u) {
        let unbiased = zs_at(args.saved + 2u * n + column, count) * (divisor / (divisor - 1.0));
        let at_mean = args.running_mean + column;
        let at_var = args.running_var + column;
        let old_mean = state_at(at_mean, count);
        let old_var = state_at(at_var, count);
        state_keep(at_mean, count, old_mean + args.momentum * (mean - old_mean));
        state_keep(at_var, count, old_var + args.momentum * (unbiased - old_var));
    }
}
