// dx [pixels, in] = patches of dy [pixels, taps · out] · weight, turned to [taps · out, in].
fn size_m() -> u32 {
    return now.rows * args.in_h * args.in_w;
}

fn size_k() -> u32 {
    return args.k;
}

fn load_a(i: u32, k: u32) -> f32 {
    let pixel = output_of(i, k / args.out_c);
    if (pixel == 0xffffffffu) {
        return 0.0;
    }
    return a[pixel * args.out_c + k % args.out_c];
}

fn load_b(k: u32, j: u32) -> f32 {
    let taps = args.kernel * args.kernel;
    return b[(k % args.out_c * taps + k / args.out_c) * args.in_c + j];
}
