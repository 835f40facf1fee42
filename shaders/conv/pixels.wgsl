// The pixel of x that a tap of output pixel p reads: its number in the batch; 0xffffffff beyond the image.
fn pixel_of(p: u32, tap: u32) -> u32 {
    let row = p / args.out_w;
    let image = row / args.out_h;
    // Less than 0 is more than any size.
    let y = row % args.out_h * args.stride + tap / args.kernel * args.dilation - args.padding;
    let x = p % args.out_w * args.stride + tap % args.kernel * args.dilation - args.padding;
    return select(0xffffffffu, (image * args.in_h + y) * args.in_w + x, y < args.in_h && x < args.in_w);
}
