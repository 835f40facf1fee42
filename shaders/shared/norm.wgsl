// A Euclidean norm whose squares neither overflow nor vanish: numbers of three sizes are added apart, each scaled by a
// power of two (Blue 1978, "A portable Fortran program to find the Euclidean norm of a vector").
const LANES: u32 = 64u;
const LARGE: f32 = 0x1p40;
const SMALL: f32 = 0x1p-32;
const SHRINK: f32 = 0x1p-80;
const GROW: f32 = 0x1p64;
var<workgroup> lanes: array<vec3f, LANES>;

// The square of a number in the sum of its size: small, middle, large. NaN is in the middle.
fn square_by_size(value: f32) -> vec3f {
    let size = abs(value);
    if (size > LARGE) {
        return vec3f(0.0, 0.0, (value * SHRINK) * (value * SHRINK));
    }
    if (size < SMALL) {
        return vec3f((value * GROW) * (value * GROW), 0.0, 0.0);
    }
    return vec3f(0.0, value * value, 0.0);
}

// The sum over all lanes, given to each. Must be called by all lanes together, and once.
fn sum_over_group(lane: u32, value: vec3f) -> vec3f {
    lanes[lane] = value;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if (lane < half) {
            lanes[lane] += lanes[lane + half];
        }
        workgroupBarrier();
    }
    return lanes[0];
}

// What brings a vector down to the norm `most`, as two factors to be multiplied one after the other; both 1 where the norm
// is not above it, NaN where the norm is.
fn factors(sums: vec3f, most: f32) -> vec2f {
    if (is_nan(sums.x + sums.y + sums.z)) {
        return vec2f(sums.x + sums.y + sums.z, 1.0);
    }
    let large = sums.z > 0.0;
    let scale = select(1.0, SHRINK, large);
    var norm = sqrt(sums.y + sums.x / GROW / GROW);
    if (large) {
        norm = sqrt(sums.z + sums.y * SHRINK * SHRINK);
    } else if (sums.y == 0.0) {
        norm = sqrt(sums.x) / GROW;
    }
    if (norm <= most * scale) {
        return vec2f(1.0, 1.0);
    }
    // Of a large `most` the first product might overflow, and the ratio as a whole is no small number.
    if (most >= LARGE) {
        return vec2f(most * scale / norm, 1.0);
    }
    return vec2f(most / norm, scale);
}
