// x is [rows, pixels, outputs * pieces] and y [rows, pixels, outputs]; pixels is 1 for a table. Output i is the largest of
// the `pieces` elements of x from i * pieces on.
struct Args {
    outputs: u32,
    pixels: u32,
    pieces: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
