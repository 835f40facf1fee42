//! The twins: the formulas in float64, element by element.

use super::Args;
use crate::kernel::{Io, args_of};

pub(super) fn forward(a: &[u8], io: &mut Io<'_>, value: impl Fn(f64, f64) -> f64) {
    let [x, now, mut y] = io.take();
    let a: Args = args_of(a);
    let count = (now.now().rows * a.width) as usize;
    for (y, &x) in y.f32_mut()[..count].iter_mut().zip(x.f32()) {
        *y = if x.is_nan() { x } else { value(x.into(), a.parameter.into()) as f32 };
    }
}

pub(super) fn backward(a: &[u8], io: &mut Io<'_>, gradient: impl Fn(f64, f64, f64) -> f64) {
    let [v, dy, now, mut dx] = io.take();
    let a: Args = args_of(a);
    let count = (now.now().rows * a.width) as usize;
    for (dx, (&v, &dy)) in dx.f32_mut()[..count].iter_mut().zip(v.f32().iter().zip(dy.f32())) {
        *dx = if v.is_nan() { v } else { gradient(v.into(), dy.into(), a.parameter.into()) as f32 };
    }
}
