// What follows the product, which is in dz, for one quad of columns; as in finish_forward.wgsl.
fn finish(quad: u32, first: u32, step: u32, lane: u32, mine: bool) {
    let n = args.n / 4u;
    let count = f32(now.rows);
    let mean = zs[args.saved / 4u + quad];
    let inv_std = zs[args.saved / 4u + n + quad];
    var with_z = vec4f(0.0);
    var plain = vec4f(0.0);
    for (var r = first; r < now.rows; r += step) {
        let i = r * n + quad;
        let u = through(dz[i], h[i], args.scale);
        plain += u;
        with_z += u * (zs[i] - mean);
    }
    let dbeta = column_sum(lane, plain);
    let dgamma = column_sum(lane, with_z) * inv_std;
    if (!mine) {
        return;
    }
    let gamma = params[args.gamma / 4u + quad];
    for (var r = first; r < now.rows; r += step) {
        let i = r * n + quad;
        let x_hat = (zs[i] - mean) * inv_std;
        dz[i] = gamma * inv_std * (through(dz[i], h[i], args.scale) - (dbeta + x_hat * dgamma) / count);
    }
    if (first != 0u) {
        return;
    }
    grads[args.dgamma / 4u + quad] = dgamma;
    grads[args.dbeta / 4u + quad] = dbeta;
    if (now.halted == 0u) {
        let unbiased = zs[args.saved / 4u + 2u * n + quad] * (count / (count - 1.0));
        let at_mean = args.running_mean / 4u + quad;
        let at_var = args.running_var / 4u + quad;
        state[at_mean] += args.momentum * (mean - state[at_mean]);
        state[at_var] += args.momentum * (unbiased - state[at_var]);
    }
}
