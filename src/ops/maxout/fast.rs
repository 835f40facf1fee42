//! The CPU path's forms, without branches, so that the compiler vectorises them: over chunks of rows, or over a strip.

use super::Args;
use crate::gemm::{STRIP, slice_of};
use crate::op::stage::{Fast, Place, Row};
use crate::{simd, threads};
use ndarray::ArrayView2;

/// Elements of a chunk of rows of y, about.
const CHUNK: usize = 4 * 1024;

/// Calls `work(first row, rows of the chunk)` for the rows of `out`, of this width.
fn by_rows(width: usize, rows: u32, out: &mut [f32], work: impl Fn(usize, &mut [f32]) + Sync) {
    let size = (CHUNK / width).max(1) * width;
    threads::for_chunks(&mut out[..rows as usize * width], size, |chunk, out| work(chunk * size / width, out));
}

/// Whether x takes the place of the largest so far: a NaN stays.
#[inline(always)]
fn is_better(x: f32, best: f32) -> bool {
    (x > best) | (x.is_nan() & !best.is_nan())
}

/// The largest of a group and its place: the first of the largest, or the first NaN.
#[inline(always)]
fn largest(first: f32, rest: impl Iterator<Item = f32>) -> (f32, u32) {
    let (mut best, mut place) = (first, 0);
    for (x, at) in rest.zip(1..) {
        let better = is_better(x, best);
        best = if better { x } else { best };
        place = if better { at } else { place };
    }
    (best, place)
}

/// The same of a group whose size the compiler knows.
#[inline(always)]
fn largest_of<const K: usize>(group: &[f32; K]) -> (f32, u32) {
    largest(group[0], group[1..].iter().copied())
}

/// The gradient by one of a group.
#[inline(always)]
fn taken(at: u32, (best, place): (f32, u32), dy: f32) -> f32 {
    let dx = if at == place { dy } else { 0.0 };
    if best.is_nan() { best } else { dx }
}

pub(super) fn forward(a: Args, x: &[f32], rows: u32, y: &mut [f32]) {
    let (width, pieces) = ((a.outputs * a.pixels) as usize, a.pieces as usize);
    by_rows(width, rows, y, |first, y| {
        let x = &x[first * width * pieces..][..y.len() * pieces];
        simd::run(
            #[inline(always)]
            || match pieces {
                2 => values::<2>(x, y),
                4 => values::<4>(x, y),
                _ => {
                    for (y, x) in y.iter_mut().zip(x.chunks_exact(pieces)) {
                        *y = largest(x[0], x[1..].iter().copied()).0;
                    }
                }
            },
        );
    });
}

#[inline(always)]
fn values<const K: usize>(x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x.as_chunks::<K>().0) {
        *y = largest_of(x).0;
    }
}

pub(super) fn backward(a: Args, x: &[f32], dy: &[f32], rows: u32, dx: &mut [f32]) {
    let (width, pieces) = ((a.outputs * a.pixels) as usize, a.pieces as usize);
    by_rows(width * pieces, rows, dx, |first, dx| {
        let x = &x[first * width * pieces..][..dx.len()];
        let dy = &dy[first * width..][..dx.len() / pieces];
        simd::run(
            #[inline(always)]
            || match pieces {
                2 => gradients::<2>(x, dy, dx),
                4 => gradients::<4>(x, dy, dx),
                _ => {
                    let groups = x.chunks_exact(pieces).zip(dx.chunks_exact_mut(pieces));
                    for ((x, dx), &dy) in groups.zip(dy) {
                        let found = largest(x[0], x[1..].iter().copied());
                        dx.iter_mut().zip(0..).for_each(|(dx, at)| *dx = taken(at, found, dy));
                    }
                }
            },
        );
    });
}

#[inline(always)]
fn gradients<const K: usize>(x: &[f32], dy: &[f32], dx: &mut [f32]) {
    for ((x, &dy), dx) in x.as_chunks::<K>().0.iter().zip(dy).zip(dx.as_chunks_mut::<K>().0) {
        let found = largest_of(x);
        *dx = std::array::from_fn(|at| taken(at as u32, found, dy));
    }
}

/// The stage of groups of K, as a strip.
pub(super) const fn of<const K: usize>() -> Fast {
    Fast { value: value_of_strip::<K>, gradient: gradient_of_strip::<K> }
}

/// What lies beyond the width of a row may be any number.
fn value_of_strip<const K: usize>(_: &[u32], rows: &mut [Row], _: Place<'_>) {
    simd::run(
        #[inline(always)]
        || {
            for row in rows {
                let x = *row;
                values::<K>(&x, &mut row[..STRIP / K]);
            }
        },
    );
}

fn gradient_of_strip<const K: usize>(_: &[u32], seen: ArrayView2<'_, f32>, rows: &mut [Row], place: Place<'_>) {
    simd::run(
        #[inline(always)]
        || {
            for (d, x) in rows.iter_mut().zip(seen.rows()) {
                let dy = *d;
                gradients::<K>(&slice_of(x)[..place.width], &dy, &mut d[..place.width]);
            }
        },
    );
}
