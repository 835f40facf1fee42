//! The CPU path's forms: loops that the compiler vectorises, over chunks of rows, blocks of columns, or a strip.

use super::Args;
use crate::op::stage::{Place, Row};
use crate::{simd, threads};
use ndarray::ArrayView2;

/// Elements of a chunk of rows, about.
const CHUNK: usize = 8 * 1024;

/// Columns whose sums are taken at a time: they stay in registers.
const COLUMNS: usize = 16;

/// out = v where x > 0, else α · v; NaN where x is.
pub(super) fn scale(a: Args, x: &[f32], alpha: &[f32], v: &[f32], rows: u32, out: &mut [f32]) {
    let width = (a.features * a.pixels) as usize;
    let size = (CHUNK / width).max(1) * width;
    let alpha = &alpha[..a.alphas as usize];
    threads::for_chunks(&mut out[..rows as usize * width], size, |chunk, out| {
        let own = chunk * size..chunk * size + out.len();
        let (x, v) = (&x[own.clone()], &v[own]);
        simd::run(
            #[inline(always)]
            || scale_rows(a, x, alpha, v, out),
        );
    });
}

#[inline(always)]
fn scaled(x: f32, alpha: f32, v: f32) -> f32 {
    let below = alpha * v;
    let y = if x > 0.0 { v } else { below };
    if x.is_nan() { x } else { y }
}

#[inline(always)]
fn scale_rows(a: Args, x: &[f32], alpha: &[f32], v: &[f32], out: &mut [f32]) {
    if let [alpha] = *alpha {
        return scale_all(x, alpha, v, out);
    }
    let features = a.features as usize;
    let rows = x.chunks_exact(features).zip(v.chunks_exact(features)).zip(out.chunks_exact_mut(features));
    for ((x, v), out) in rows {
        for (((out, &x), &v), &alpha) in out.iter_mut().zip(x).zip(v).zip(alpha) {
            *out = scaled(x, alpha, v);
        }
    }
}

#[inline(always)]
fn scale_all(x: &[f32], alpha: f32, v: &[f32], out: &mut [f32]) {
    for ((out, &x), &v) in out.iter_mut().zip(x).zip(v) {
        *out = scaled(x, alpha, v);
    }
}

/// What an element adds to the gradient by its α, in float64.
#[inline(always)]
fn term(x: f32, dy: f32) -> f64 {
    let product = f64::from(dy) * f64::from(x);
    if x > 0.0 { 0.0 } else { product }
}

/// The sums of each feature, in the order of the rows.
pub(super) fn grad_alpha(a: Args, x: &[f32], dy: &[f32], rows: u32, dalpha: &mut [f32]) {
    let (features, each) = (a.features as usize, (rows * a.pixels) as usize);
    let (x, dy) = (&x[..each * features], &dy[..each * features]);
    threads::for_pieces(&mut dalpha[..features], COLUMNS, each, |chunk, out: &mut [f32]| {
        let own = chunk * COLUMNS..chunk * COLUMNS + out.len();
        let mut sums = [0.0; COLUMNS];
        simd::run(
            #[inline(always)]
            || {
                for (x, dy) in x.chunks_exact(features).zip(dy.chunks_exact(features)) {
                    add_columns(&x[own.clone()], &dy[own.clone()], &mut sums);
                }
            },
        );
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum as f32);
    });
}

#[inline(always)]
fn add_columns(x: &[f32], dy: &[f32], sums: &mut [f64; COLUMNS]) {
    // Where all columns are there, the compiler knows how many.
    if let (Some(x), Some(dy)) = (x.first_chunk::<COLUMNS>(), dy.first_chunk::<COLUMNS>()) {
        return (0..COLUMNS).for_each(|j| sums[j] += term(x[j], dy[j]));
    }
    sums.iter_mut().zip(x).zip(dy).for_each(|((sum, &x), &dy)| *sum += term(x, dy));
}

pub(super) fn value_of_strip(_: &[u32], rows: &mut [Row], place: Place<'_>) {
    simd::run(
        #[inline(always)]
        || {
            for row in rows {
                for (x, alpha) in row.iter_mut().zip(place.weights) {
                    *x = if *x > 0.0 { *x } else { alpha * *x };
                }
            }
        },
    );
}

pub(super) fn gradient_of_strip(_: &[u32], seen: ArrayView2<'_, f32>, rows: &mut [Row], place: Place<'_>) {
    simd::run(
        #[inline(always)]
        || {
            for (d, x) in rows.iter_mut().zip(seen.rows()) {
                for ((d, &x), alpha) in d.iter_mut().zip(x).zip(place.weights) {
                    let dx = if x > 0.0 { *d } else { alpha * *d };
                    *d = if x.is_nan() { x } else { dx };
                }
            }
        },
    );
}

pub(super) fn weight_of_strip(seen: ArrayView2<'_, f32>, rows: &[Row], sums: &mut Row) {
    simd::run(
        #[inline(always)]
        || {
            for (d, x) in rows.iter().zip(seen.rows()) {
                for ((sum, &d), &x) in sums.iter_mut().zip(d).zip(x) {
                    *sum += if x > 0.0 { 0.0 } else { d * x };
                }
            }
        },
    );
}
