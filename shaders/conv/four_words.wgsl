// As four_quads.wgsl, for any number of channels: four loads.
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> now: Now;

fn four_of_a(pixel: u32, c: u32, channels: u32) -> vec4f {
    let first = select(pixel, 0u, pixel == NOWHERE) * channels;
    let last = channels - 1u;
    let there = vec4u(c, c + 1u, c + 2u, c + 3u) < vec4u(select(channels, 0u, pixel == NOWHERE));
    let v = vec4f(a[first + min(c, last)], a[first + min(c + 1u, last)], a[first + min(c + 2u, last)],
        a[first + min(c + 3u, last)]);
    return select(vec4f(0.0), v, there);
}

fn four_of_b(pixel: u32, c: u32, channels: u32) -> vec4f {
    let first = select(pixel, 0u, pixel == NOWHERE) * channels;
    let last = channels - 1u;
    let there = vec4u(c, c + 1u, c + 2u, c + 3u) < vec4u(select(channels, 0u, pixel == NOWHERE));
    let v = vec4f(b[first + min(c, last)], b[first + min(c + 1u, last)], b[first + min(c + 2u, last)],
        b[first + min(c + 3u, last)]);
    return select(vec4f(0.0), v, there);
}
