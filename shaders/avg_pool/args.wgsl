// x is [rows, in_h, in_w, channels], y [rows, out_h, out_w, channels].
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

// How many places of an output's window count along a side: all but those beyond the border.
fn counted(output: u32, size: u32) -> u32 {
    return min(args.kernel, size + 2u * args.padding - output * args.stride);
}
