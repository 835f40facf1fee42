// Compilers fold as if NaN did not exist (v != v is false, max swallows it), so a value is tested by its bits.
fn is_nan(v: f32) -> bool {
    return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn is_finite(v: f32) -> bool {
    return (bitcast<u32>(v) & 0x7fffffffu) < 0x7f800000u;
}

// y = f(x), or x where that is NaN: comparisons and built-in functions may make a number of it.
fn pass_nan(x: f32, y: f32) -> f32 {
    return select(y, x, is_nan(x));
}
