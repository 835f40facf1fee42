// A picture's pixels. Coordinates and sizes have y before x.
@group(0) @binding(1) var<storage, read> data: array<u32>;

// A pixel's width in the box's coordinates.
const ONE: i32 = 65536;

// A channel of a pixel that is there, of the picture whose first byte is `first`.
fn value_of(first: u32, size: vec2i, at: vec2i, c: u32) -> f32 {
    let interleaved = u32(at.x * size.y + at.y) * args.channels + c;
    let planar = (c * u32(size.x) + u32(at.x)) * u32(size.y) + u32(at.y);
    let i = first + select(interleaved, planar, args.planes != 0u);
    return f32((data[i / 4u] >> (8u * (i % 4u))) & 0xffu);
}

// The pixel at a place, which may lie beyond the picture's edges.
fn pixel_at(first: u32, size: vec2i, place: vec2i, c: u32) -> f32 {
    var at = place;
    if (args.reflect != 0u) {
        at = abs(at);
        at = select(at, 2 * size - 2 - at, at >= size);
    }
    if (any(at < vec2i(0)) || any(at >= size)) {
        return 0.0;
    }
    return value_of(first, size, at, c);
}

// The mean of the pixels around `centre`, each weighed by a triangle that reaches one output pixel, or one of the picture's if
// that is larger. Pixels beyond the edges count nothing.
fn resampled(first: u32, size: vec2i, centre: vec2i, step: vec2i, c: u32) -> f32 {
    let reach = max(step, vec2i(ONE));
    let low = max((centre - reach + ONE / 2) >> vec2u(16u), vec2i(0));
    let high = min((centre + reach + ONE / 2) >> vec2u(16u), size);
    let taps = vec2i(i32(unfolded(args.taps)));
    let end = min(high, low + taps);
    var sum = 0.0;
    var weights = vec2f(0.0);
    for (var y = low.x; y < end.x; y++) {
        let weight_y = f32(max(reach.x - abs(y * ONE + ONE / 2 - centre.x), 0));
        var row = 0.0;
        var row_weights = 0.0;
        for (var x = low.y; x < end.y; x++) {
            let weight_x = f32(max(reach.y - abs(x * ONE + ONE / 2 - centre.y), 0));
            row += weight_x * value_of(first, size, vec2i(y, x), c);
            row_weights += weight_x;
        }
        sum += weight_y * row;
        weights = vec2f(weights.x + weight_y, row_weights);
    }
    return sum / (weights.x * weights.y);
}
