// A data set of floats.
@group(0) @binding(1) var<storage, read> data: array<f32>;

fn value(i: u32) -> f32 {
    return data[i];
}
