// A data set of bytes, four in a word.
@group(0) @binding(1) var<storage, read> data: array<u32>;

fn value(i: u32) -> f32 {
    return f32((data[i / 4u] >> (8u * (i % 4u))) & 0xffu);
}
