@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> c: array<f32>;

fn store(part: u32, i: u32, j: u32, value: f32) {
    let z = value + bias[j];
    c[(part * args.m + i) * args.n + j] = pass_nan(z, relu_value(z, 0.0));
}
