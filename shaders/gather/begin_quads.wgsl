// Four features at a time.
const PIECE: u32 = 4u;
@group(0) @binding(4) var<storage, read> affine: array<Quad>;
@group(0) @binding(6) var<storage, read_write> x: array<Quad>;

fn affine_at(i: u32) -> vec4f {
    return numbers(affine[i]);
}

fn x_keep(i: u32, v: vec4f) {
    x[i] = packed(v);
}
