//! Ranges of numbers. Kernels compute in float32, so a number must lie in its range also after rounding to float32.

use super::kinds::HeldOut;
use std::ops::Range;

pub(super) fn any<T>(_: &T) -> Result<(), String> {
    Ok(())
}

/// At least 0 and less than 1.
pub(super) fn share(value: &f64) -> Result<(), String> {
    within(*value, 0.0..1.0)
}

/// A share of at least 0 and less than 1, or a file. Where other rows are trained on, a share may be all.
pub(super) fn held_out(value: &HeldOut) -> Result<(), String> {
    if value.share() == 1.0 { Ok(()) } else { share(&value.share()) }
}

pub(super) fn at_least_0(value: &f64) -> Result<(), String> {
    within(*value, 0.0..f64::INFINITY)
}

pub(super) fn positive(value: &f64) -> Result<(), String> {
    let fits = *value > 0.0 && (*value as f32).is_normal();
    ensure(fits, || format!("must be more than 0 as a 32-bit number, not {value}"))
}

pub(super) fn at_least_1<T: Copy + Into<u64>>(value: &T) -> Result<(), String> {
    ensure((*value).into() >= 1, || "must be at least 1, not 0".into())
}

pub(super) fn rows_at_least_1(value: &usize) -> Result<(), String> {
    at_least_1(&(*value as u64))
}

/// Sizes of at least 1.
pub(super) fn sizes<T: AsRef<[usize]>>(value: &T) -> Result<(), String> {
    let value = value.as_ref();
    ensure(!value.is_empty() && !value.contains(&0), || "must be sizes of at least 1".into())
}

pub(super) fn ensure(right: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if right { Ok(()) } else { Err(what()) }
}

fn within(value: f64, range: Range<f64>) -> Result<(), String> {
    let upper = if range.end.is_infinite() { String::new() } else { format!(" and less than {}", range.end) };
    ensure(range.contains(&value), || format!("must be at least {}{upper}, not {value}", range.start))?;
    let rounded = f64::from(value as f32);
    let what = || format!("must be at least {}{upper} as a 32-bit number, which {value:e} is not", range.start);
    ensure(range.contains(&rounded), what)
}
