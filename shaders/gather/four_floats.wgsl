// A data set of floats.
@group(0) @binding(1) var<storage, read> data: array<Quad>;

fn values(i: u32) -> vec4f {
    return numbers(data[i]);
}
