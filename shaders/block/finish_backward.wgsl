// What follows the product, which is in dz, for one quad of columns; as in finish_forward.wgsl.
fn finish(quad: u32, first: u32, step: u32, lane: u32, mine: bool) {
    let n = args.n / 4u;
    let rows = now.rows;
    let count = f32(rows);
    let mean = numbers(zs[args.saved / 4u + quad]);
    let inv_std = numbers(zs[args.saved / 4u + n + quad]);
    var with_z = vec4f(0.0);
    var plain = vec4f(0.0);
    for (var r = first; r < rows; r += step) {
        let i = r * n + quad;
        let u = through(numbers(dz[i]), numbers(h[i]), args.scale);
        plain += u;
        with_z += u * (numbers(zs[i]) - mean);
    }
    let dbeta = column_sum(lane, plain);
    let dgamma = column_sum(lane, with_z) * inv_std;
    if (!mine) {
        return;
    }
    let gamma = numbers(params[args.gamma / 4u + quad]);
    for (var r = first; r < rows; r += step) {
        let i = r * n + quad;
        let x_hat = (numbers(zs[i]) - mean) * inv_std;
        let u = through(numbers(dz[i]), numbers(h[i]), args.scale);
        dz[i] = packed(gamma * inv_std * (u - (dbeta + x_hat * dgamma) / count));
    }
    if (first != 0u) {
        return;
    }
    grads[args.dgamma / 4u + quad] = packed(dgamma);
    grads[args.dbeta / 4u + quad] = packed(dbeta);
    if (now.halted == 0u) {
        let unbiased = numbers(zs[args.saved / 4u + 2u * n + quad]) * (count / (count - 1.0));
        let at_mean = args.running_mean / 4u + quad;
        let at_var = args.running_var / 4u + quad;
        let old_mean = numbers(state[at_mean]);
        let old_var = numbers(state[at_var]);
        state[at_mean] = packed(old_mean + args.momentum * (mean - old_mean));
        state[at_var] = packed(old_var + args.momentum * (unbiased - old_var));
    }
}
