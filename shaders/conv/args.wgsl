// c[m, n] = Σ_k a · b, with rows of a or b gathered from images [rows, height, width, channels]. Sizes that count the rows of the
// batch are the capacity here; the step says how many rows there are.
struct Args {
    m: u32,
    n: u32,
    k: u32,
    part: u32,
    in_h: u32,
    in_w: u32,
    in_c: u32,
    out_h: u32,
    out_w: u32,
    out_c: u32,
    kernel: u32,
    stride: u32,
    padding: u32,
    dilation: u32,
}
@group(0) @binding(0) var<uniform> args: Args;

// The pixel of x that a tap of output pixel p reads: its number in the batch; 0xffffffff beyond the image.
fn pixel_of(p: u32, tap: u32) -> u32 {
    let row = p / args.out_w;
    let image = row / args.out_h;
    // Less than 0 is more than any size.
    let y = row % args.out_h * args.stride + tap / args.kernel * args.dilation - args.padding;
    let x = p % args.out_w * args.stride + tap % args.kernel * args.dilation - args.padding;
    return select(0xffffffffu, (image * args.in_h + y) * args.in_w + x, y < args.in_h && x < args.in_w);
}

// The output pixel whose tap reads pixel q of x, if there is one: its number in the batch, or 0xffffffff.
fn output_of(q: u32, tap: u32) -> u32 {
    let row = q / args.in_w;
    let image = row / args.in_h;
    let down = row % args.in_h + args.padding - tap / args.kernel * args.dilation;
    let right = q % args.in_w + args.padding - tap % args.kernel * args.dilation;
    let y = down / args.stride;
    let x = right / args.stride;
    let reads = y * args.stride == down && x * args.stride == right && y < args.out_h && x < args.out_w;
    return select(0xffffffffu, (image * args.out_h + y) * args.out_w + x, reads);
}
