// Four features at a time.
@group(0) @binding(4) var<storage, read> affine: array<Quad>;
@group(0) @binding(6) var<storage, read_write> x: array<Quad>;

fn pieces_of_row() -> u32 {
    return args.features / 4u;
}

fn offset_at(p: u32) -> vec4f {
    return numbers(affine[args.offset / 4u + p]);
}

fn factor_at(p: u32) -> vec4f {
    return numbers(affine[args.factor / 4u + p]);
}

fn x_keep(i: u32, v: vec4f) {
    x[i] = packed(v);
}
