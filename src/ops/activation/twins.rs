//! The twins of the activations: plain formulas in float64, over chunks of the tensor.

use super::Args;
use crate::kernel::{Io, args_of};
use crate::{simd, threads};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Elements of one chunk, which one thread does: many where a comparison is all that there is to do for each.
pub(super) const CHEAP: usize = 8192;

/// The same, where an exponential is taken.
pub(super) const DEAR: usize = 4096;

pub(super) fn forward(a: &[u8], io: &mut Io<'_>, size: usize, value: impl Fn(f32, f32) -> f32 + Sync) {
    let [x, now, mut y] = io.take();
    let (a, x): (Args, _) = (args_of(a), x.f32());
    let count = (now.now().rows * a.width) as usize;
    threads::for_chunks(&mut y.f32_mut()[..count], size, |chunk, y| {
        simd::run(
            #[inline(always)]
            || {
                for (y, &x) in y.iter_mut().zip(&x[chunk * size..]) {
                    *y = if x.is_nan() { x } else { value(x, a.parameter) };
                }
            },
        );
    });
}

pub(super) fn backward(a: &[u8], io: &mut Io<'_>, size: usize, gradient: impl Fn(f32, f32, f32) -> f32 + Sync) {
    let [v, dy, now, mut dx] = io.take();
    let (a, v, dy): (Args, _, _) = (args_of(a), v.f32(), dy.f32());
    let count = (now.now().rows * a.width) as usize;
    threads::for_chunks(&mut dx.f32_mut()[..count], size, |chunk, dx| {
        let first = chunk * size;
        simd::run(
            #[inline(always)]
            || {
                for (dx, (&v, &dy)) in dx.iter_mut().zip(v[first..].iter().zip(&dy[first..])) {
                    *dx = if v.is_nan() { v } else { gradient(v, dy, a.parameter) };
                }
            },
        );
    });
}

/// max(0, x), with NaN passed on; shared with the kernels that end in a ReLU.
#[inline(always)]
pub fn relu(x: f32) -> f32 {
    if x > 0.0 || x.is_nan() { x } else { 0.0 }
}

#[inline(always)]
pub(super) fn relu_gradient(y: f32, dy: f32, _: f32) -> f32 {
    if y > 0.0 { dy } else { 0.0 }
}

#[inline(always)]
pub(super) fn leaky_relu(x: f32, slope: f32) -> f32 {
    if x > 0.0 { x } else { slope * x }
}

#[inline(always)]
pub(super) fn leaky_relu_gradient(y: f32, dy: f32, slope: f32) -> f32 {
    if y > 0.0 { dy } else { slope * dy }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub(super) fn sigmoid(x: f32, _: f32) -> f32 {
    logistic(f64::from(x)) as f32
}

pub(super) fn sigmoid_gradient(y: f32, dy: f32, _: f32) -> f32 {
    let y = f64::from(y);
    (f64::from(dy) * (y * (1.0 - y))) as f32
}

pub(super) fn tanh(x: f32, _: f32) -> f32 {
    f64::from(x).tanh() as f32
}

pub(super) fn tanh_gradient(y: f32, dy: f32, _: f32) -> f32 {
    let y = f64::from(y);
    (f64::from(dy) * ((1.0 - y) * (1.0 + y))) as f32
}

pub(super) fn elu(x: f32, alpha: f32) -> f32 {
    if x > 0.0 { x } else { (f64::from(alpha) * f64::from(x).exp_m1()) as f32 }
}

pub(super) fn elu_gradient(y: f32, dy: f32, alpha: f32) -> f32 {
    let slope = if y > 0.0 { 1.0 } else { f64::from(y) + f64::from(alpha) };
    (f64::from(dy) * slope) as f32
}

/// Φ, the normal distribution function.
fn normal_below(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// Where the limits of x · Φ(x) and x · σ(x) are reached: Φ and σ are 0 at its negative, in float64 too.
const FAR: f64 = 1e3;

pub(super) fn gelu(x: f32, _: f32) -> f32 {
    let x = f64::from(x);
    (x.max(-FAR) * normal_below(x)) as f32
}

pub(super) fn gelu_gradient(x: f32, dy: f32, _: f32) -> f32 {
    let x = f64::from(x).clamp(-FAR, FAR);
    let density = (-0.5 * x * x).exp() / (2.0 * PI).sqrt();
    (f64::from(dy) * (normal_below(x) + x * density)) as f32
}

pub(super) fn silu(x: f32, _: f32) -> f32 {
    let x = f64::from(x);
    (x.max(-FAR) * logistic(x)) as f32
}

pub(super) fn silu_gradient(x: f32, dy: f32, _: f32) -> f32 {
    let x = f64::from(x).clamp(-FAR, FAR);
    (f64::from(dy) * (logistic(x) * (1.0 + x * logistic(-x)))) as f32
}
