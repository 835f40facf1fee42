// x is [rows, pixels, features]; pixels is 1 for a table. `saved` is [3, features]: mean, 1/√(var + eps), var.
struct Args {
    features: u32,
    pixels: u32,
    eps: f32,
    momentum: f32,
}
@group(0) @binding(0) var<uniform> args: Args;

// Where element k of feature f lies: k counts over rows and pixels.
fn at(f: u32, k: u32) -> u32 {
    return k * args.features + f;
}
