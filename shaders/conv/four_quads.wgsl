// Four neighbouring channels of a pixel, or of a tap of the weights; 0 where there is no pixel. All sizes are multiples of four.
@group(0) @binding(1) var<storage, read> a: array<Quad>;
@group(0) @binding(2) var<storage, read> b: array<Quad>;
@group(0) @binding(3) var<storage, read> now: Now;

fn four_of_a(pixel: u32, c: u32, channels: u32) -> vec4f {
    let place = select(pixel, 0u, pixel == NOWHERE) * channels + min(c, channels - 4u);
    return select(vec4f(0.0), numbers(a[place / 4u]), pixel != NOWHERE && c < channels);
}

fn four_of_b(pixel: u32, c: u32, channels: u32) -> vec4f {
    let place = select(pixel, 0u, pixel == NOWHERE) * channels + min(c, channels - 4u);
    return select(vec4f(0.0), numbers(b[place / 4u]), pixel != NOWHERE && c < channels);
}
