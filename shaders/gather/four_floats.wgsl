// A data set of floats.
@group(0) @binding(1) var<storage, read> data: array<vec4f>;

fn values(i: u32) -> vec4f {
    return data[i];
}
