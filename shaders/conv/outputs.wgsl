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
