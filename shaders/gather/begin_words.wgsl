// One feature at a time, for rows whose features are no multiple of four.
@group(0) @binding(4) var<storage, read> affine: array<f32>;
@group(0) @binding(6) var<storage, read_write> x: array<f32>;

fn pieces_of_row() -> u32 {
    return args.features;
}

fn offset_at(p: u32) -> f32 {
    return affine[args.offset + p];
}

fn factor_at(p: u32) -> f32 {
    return affine[args.factor + p];
}

fn values(i: u32) -> f32 {
    return value(i);
}

fn x_keep(i: u32, v: f32) {
    x[i] = v;
}
