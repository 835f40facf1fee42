// What the group's units add to the gradients of batch norm's weights.
var<private> dgamma: vec4f;
var<private> dbeta: vec4f;

// u = the gradient by y = x̂ γ + β of four elements.
fn take(i: u32, u: vec4f) {
    dbeta += u;
    dgamma += u * (zs_at(i) - mean);
    //@with gradient_again dz_keep(i, u);
}

// Σ u and Σ u (z - mean) of four columns; the running statistics move.
fn finish(column: u32, first: u32, step: u32) {
    let n = args.n;
    mean = zs_at(args.saved + column);
    //@with y_at inv_std = zs_at(args.saved + n + column);
    //@with y_at gamma = params_at(args.gamma + column);
    //@with y_at beta = params_at(args.beta + column);
    for (var r = first; r < end; r += step) {
        unit(r, column);
    }
    //@with column_sum dbeta = column_sum(dbeta);
    //@with column_sum dgamma = column_sum(dgamma);
    if (leads) {
        parts_keep(2u * part * n + column, dbeta);
        parts_keep(2u * part * n + n + column, dgamma);
    }
    if (leads && part == 0u) {
        running_keep(column, f32(now.rows * args.pixels));
    }
}
