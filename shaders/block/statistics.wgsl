// Keeps what batch norm's gradient needs of four columns.
fn statistics_keep(column: u32, mean: vec4f, inv_std: vec4f, variance: vec4f) {
    zs_keep(args.saved + column, mean);
    zs_keep(args.saved + args.n + column, inv_std);
    zs_keep(args.saved + 2u * args.n + column, variance);
}
