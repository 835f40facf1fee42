// Where pixel q of x lies: the first output pixel of its image, row and column, both counted from the border.
fn bordered(q: u32) -> vec3u {
    let row = q / args.in_w;
    let image = row / args.in_h;
    return vec3u(image * args.out_h * args.out_w, row % args.in_h + args.padding, q % args.in_w + args.padding);
}

// The output pixel whose tap (u, v) reads the pixel of x at such a place, or NOWHERE.
fn reader(place: vec3u, u: u32, v: u32) -> u32 {
    let down = place.y - u * args.dilation;
    let right = place.z - v * args.dilation;
    var y = down;
    var x = right;
    if (args.stride != 1u) {
        y = down / args.stride;
        x = right / args.stride;
    }
    let reads = y * args.stride == down && x * args.stride == right && y < args.out_h && x < args.out_w;
    return select(NOWHERE, place.x + y * args.out_w + x, reads);
}
