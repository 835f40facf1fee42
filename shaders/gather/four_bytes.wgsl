// A data set of bytes, four in a word.
@group(0) @binding(1) var<storage, read> data: array<u32>;

fn values(i: u32) -> vec4f {
    return vec4f((vec4u(data[i]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(0xffu));
}
