// x is [rows, in_h, in_w, in_c], y [rows, out_h, out_w, out_c]; y's pixels are every `stride`-th of x, with channels of 0 behind.
struct Args {
    in_h: u32,
    in_w: u32,
    in_c: u32,
    out_h: u32,
    out_w: u32,
    out_c: u32,
    stride: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
