// x is [rows, pixels, features]; pixels is 1 for a table. alpha has one element for each feature, or one for all.
struct Args {
    features: u32,
    pixels: u32,
    alphas: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
