// x is [rows, pixels, channels], y [rows, channels].
struct Args {
    channels: u32,
    pixels: u32,
}
@group(0) @binding(0) var<uniform> args: Args;
