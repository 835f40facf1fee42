// x is [rows, features, pixels] and y [rows, features / pieces, pixels]; pixels is 1 for a table.
struct Args {
    outputs: u32,
    pixels: u32,
    pieces: u32,
}
@group(0) @binding(0) var<uniform> args: Args;

// Where the group of output i begins in x; its members lie `pixels` apart.
fn first_of(i: u32) -> u32 {
    return i / args.pixels * args.pieces * args.pixels + i % args.pixels;
}
