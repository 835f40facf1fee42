// c[m, n] = Σ_k a · b. One of m and k may be the rows of the batch: then `rows_in` names it (1 is m, 2 is k), the
// sizes here are the capacity, by which memory is laid out, and the step says how many rows there are.
// A sum split into parts writes c[part, m, n], part number z adding k from z * part to the next.
struct Args {
    m: u32,
    n: u32,
    k: u32,
    rows_in: u32,
    part: u32,
}
@group(0) @binding(0) var<uniform> args: Args;

fn size_m() -> u32 {
    return select(args.m, now.rows, args.rows_in == 1u);
}

fn size_k() -> u32 {
    return select(args.k, now.rows, args.rows_in == 2u);
}
