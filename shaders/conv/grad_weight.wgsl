// dweight [out, taps · in] = dyᵀ · patches of x, a sum over the pixels of dy [pixels, out].
fn size_m() -> u32 {
    return args.m;
}

fn size_k() -> u32 {
    return now.rows * args.out_h * args.out_w;
}

fn load_a(i: u32, k: u32) -> f32 {
    return a[k * args.out_c + i];
}

fn load_b(k: u32, j: u32) -> f32 {
    let pixel = pixel_of(k, j / args.in_c);
    if (pixel == 0xffffffffu) {
        return 0.0;
    }
    return b[pixel * args.in_c + j % args.in_c];
}
