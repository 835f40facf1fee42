// y [pixels, out] = patches [pixels, taps · in] · weightᵀ, weight [out, taps · in].
fn size_m() -> u32 {
    return now.rows * args.out_h * args.out_w;
}

fn size_k() -> u32 {
    return args.k;
}

fn load_a(i: u32, k: u32) -> f32 {
    let pixel = pixel_of(i, k / args.in_c);
    if (pixel == 0xffffffffu) {
        return 0.0;
    }
    return a[pixel * args.in_c + k % args.in_c];
}

fn load_b(k: u32, j: u32) -> f32 {
    return b[j * args.k + k];
}
