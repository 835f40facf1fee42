// Four neighbours at a time; every stride must be a multiple of four.
@group(0) @binding(1) var<storage, read> a: array<Quad>;
@group(0) @binding(2) var<storage, read> b: array<Quad>;
@group(0) @binding(3) var<storage, read> now: Now;

// Elements `column` to `column + 3` of a row of `width`; 0 beyond its end.
fn four_of_a(row: u32, column: u32, width: u32) -> vec4f {
    return select(vec4f(0.0), numbers(a[(row * width + min(column, width - 4u)) / 4u]), column < width);
}

fn four_of_b(row: u32, column: u32, width: u32) -> vec4f {
    return select(vec4f(0.0), numbers(b[(row * width + min(column, width - 4u)) / 4u]), column < width);
}
