// Moves the running statistics of four columns to those of so many rows, once the loss is known to be finite.
fn running_keep(column: u32, rows: f32) {
    if (now.halted != 0u) {
        return;
    }
    let mean = zs_at(args.saved + column);
    let unbiased = zs_at(args.saved + 2u * args.n + column) * (rows / (rows - 1.0));
    let at_mean = args.running_mean + column;
    let at_var = args.running_var + column;
    let old_mean = state_at(at_mean);
    let old_var = state_at(at_var);
    state_keep(at_mean, old_mean + args.momentum * (mean - old_mean));
    state_keep(at_var, old_var + args.momentum * (unbiased - old_var));
}
