// As wide.wgsl, for any stride: four loads.
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> now: Now;

fn four_of_a(row: u32, column: u32, width: u32) -> vec4f {
    let first = row * width;
    let last = width - 1u;
    let within = vec4u(column, column + 1u, column + 2u, column + 3u) < vec4u(width);
    let v = vec4f(a[first + min(column, last)], a[first + min(column + 1u, last)],
        a[first + min(column + 2u, last)], a[first + min(column + 3u, last)]);
    return select(vec4f(0.0), v, within);
}

fn four_of_b(row: u32, column: u32, width: u32) -> vec4f {
    let first = row * width;
    let last = width - 1u;
    let within = vec4u(column, column + 1u, column + 2u, column + 3u) < vec4u(width);
    let v = vec4f(b[first + min(column, last)], b[first + min(column + 1u, last)],
        b[first + min(column + 2u, last)], b[first + min(column + 3u, last)]);
    return select(vec4f(0.0), v, within);
}
