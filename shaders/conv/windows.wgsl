// Where the window of output pixel p begins: the first pixel of its image, row and column. Less than 0 is more than any size.
fn corner(p: u32) -> vec3u {
    let row = p / args.out_w;
    let image = row / args.out_h;
    return vec3u(image * args.in_h * args.in_w, row % args.out_h * args.stride - args.padding,
        p % args.out_w * args.stride - args.padding);
}

// The pixel of x that tap (u, v) of a window reads, or NOWHERE.
fn tapped(first: vec3u, u: u32, v: u32) -> u32 {
    let y = first.y + u * args.dilation;
    let x = first.z + v * args.dilation;
    return select(NOWHERE, first.x + y * args.in_w + x, y < args.in_h && x < args.in_w);
}
