//! The CPU path's forms, in float32: loops that the compiler vectorises, over chunks of a tensor or over a strip.

use super::Args;
use crate::gemm::slice_of;
use crate::kernel::{Io, args_of};
use crate::op::stage::{Place, Row};
use crate::{simd, threads};
use ndarray::ArrayView2;

/// Elements of a strip's row are taken so many at a time.
const LANES: usize = 16;

/// Elements of one chunk, which one thread does.
const CHUNK: usize = 4096;

pub(super) fn forward(a: &[u8], io: &mut Io<'_>, value: impl Fn(f32, f32) -> f32 + Sync) {
    let [x, now, mut y] = io.take();
    let (a, x): (Args, _) = (args_of(a), x.f32());
    let count = (now.now().rows * a.width) as usize;
    threads::for_chunks(&mut y.f32_mut()[..count], CHUNK, |chunk, y| {
        simd::run(
            #[inline(always)]
            || {
                for (y, &x) in y.iter_mut().zip(&x[chunk * CHUNK..]) {
                    *y = if x.is_nan() { x } else { value(x, a.parameter) };
                }
            },
        );
    });
}

pub(super) fn backward(a: &[u8], io: &mut Io<'_>, gradient: impl Fn(f32, f32, f32) -> f32 + Sync) {
    let [v, dy, now, mut dx] = io.take();
    let (a, v, dy): (Args, _, _) = (args_of(a), v.f32(), dy.f32());
    let count = (now.now().rows * a.width) as usize;
    threads::for_chunks(&mut dx.f32_mut()[..count], CHUNK, |chunk, dx| {
        let first = chunk * CHUNK;
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

/// The values of a strip, in place. What lies beyond its width in a row may be any number.
pub(super) fn strip(args: &[u32], rows: &mut [Row], place: Place<'_>, value: impl Fn(f32, f32) -> f32) {
    let (parameter, lanes) = (f32::from_bits(args[0]), place.width.next_multiple_of(LANES));
    simd::run(
        #[inline(always)]
        || {
            for row in rows {
                for x in row[..lanes].as_chunks_mut::<LANES>().0 {
                    // Written as a whole: a store for some lanes alone is many times slower.
                    let mut y = [0.0; LANES];
                    for f in 0..LANES {
                        let of = value(x[f], parameter);
                        y[f] = if x[f].is_nan() { x[f] } else { of };
                    }
                    *x = y;
                }
            }
        },
    );
}

/// The gradients of a strip, in place.
pub(super) fn strip_gradient(
    args: &[u32],
    seen: ArrayView2<'_, f32>,
    rows: &mut [Row],
    place: Place<'_>,
    gradient: impl Fn(f32, f32, f32) -> f32,
) {
    let parameter = f32::from_bits(args[0]);
    simd::run(
        #[inline(always)]
        || {
            for (d, v) in rows.iter_mut().zip(seen.rows()) {
                let (d, last_d) = d[..place.width].as_chunks_mut::<LANES>();
                let (v, last_v) = slice_of(v).as_chunks::<LANES>();
                for (d, v) in d.iter_mut().zip(v) {
                    let mut dx = [0.0; LANES];
                    for f in 0..LANES {
                        let of = gradient(v[f], d[f], parameter);
                        dx[f] = if v[f].is_nan() { v[f] } else { of };
                    }
                    *d = dx;
                }
                for (d, &v) in last_d.iter_mut().zip(last_v) {
                    let dx = gradient(v, *d, parameter);
                    *d = if v.is_nan() { v } else { dx };
                }
            }
        },
    );
}
