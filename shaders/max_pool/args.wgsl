// x is [rows, in_h, in_w, channels], y [rows, out_h, out_w, channels]; `place` is the pixel of the image that an output took.
struct Args {
    in_h: u32,
    in_w: u32,
    out_h: u32,
    out_w: u32,
    channels: u32,
    kernel: u32,
    stride: u32,
    padding: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
