//! The CPU path's forms of what batch normalisation does to every element: the twins' arithmetic in the twins' order, so the
//! same bits, in loops over whole rows that a compiler makes SIMD of. Rows are cut into chunks for threads.

use super::Args;
use crate::threads;

/// Elements of a chunk, about: a thread does so many in some 20 µs, which is what pays for waking it.
const CHUNK: usize = 64 * 1024;

/// Calls `work(first row, rows of the chunk)` for the rows of `out`.
fn by_rows(a: Args, rows: u32, out: &mut [f32], work: impl Fn(usize, &mut [f32]) + Sync) {
    let width = (a.features * a.pixels) as usize;
    let size = (CHUNK / width).max(1) * width;
    threads::for_chunks(&mut out[..rows as usize * width], size, |chunk, out| work(chunk * size / width, out));
}

pub(super) fn normalize(
    a: Args,
    x: &[f32],
    (mean, inv_std): (&[f32], &[f32]),
    (gamma, beta): (&[f32], &[f32]),
    rows: u32,
    y: &mut [f32],
) {
    let (features, pixels) = (a.features as usize, a.pixels as usize);
    let [mean, inv_std, gamma, beta] = [mean, inv_std, gamma, beta].map(|values| &values[..features]);
    let width = features * pixels;
    by_rows(a, rows, y, |first, y| {
        let x = &x[first * width..][..y.len()];
        for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
            if pixels == 1 {
                // All of one length that the compiler sees, so that no bound is checked in the loop.
                let (x, y) = (&x[..features], &mut y[..features]);
                for f in 0..features {
                    y[f] = (x[f] - mean[f]) * inv_std[f] * gamma[f] + beta[f];
                }
                continue;
            }
            for (f, (x, y)) in x.chunks_exact(pixels).zip(y.chunks_exact_mut(pixels)).enumerate() {
                let (mean, inv_std, gamma, beta) = (mean[f], inv_std[f], gamma[f], beta[f]);
                y.iter_mut().zip(x).for_each(|(y, x)| *y = (x - mean) * inv_std * gamma + beta);
            }
        }
    });
}

/// The gradient by one row of a table. A function of its own, so that the compiler knows that dx is no other slice.
#[allow(clippy::too_many_arguments, reason = "one slice for each tensor")]
#[inline(never)]
fn gradient_of_row(
    x: &[f32],
    dy: &[f32],
    (mean, inv_std): (&[f32], &[f32]),
    gamma: &[f32],
    (dgamma, dbeta): (&[f32], &[f32]),
    count: f32,
    dx: &mut [f32],
) {
    let features = dx.len();
    let [x, dy, mean, inv_std, gamma, dgamma, dbeta] =
        [x, dy, mean, inv_std, gamma, dgamma, dbeta].map(|values| &values[..features]);
    for f in 0..features {
        let x_hat = (x[f] - mean[f]) * inv_std[f];
        dx[f] = gamma[f] * inv_std[f] * (dy[f] - (dbeta[f] + x_hat * dgamma[f]) / count);
    }
}

#[allow(clippy::too_many_arguments, reason = "a kernel's bindings")]
pub(super) fn grad_input(
    a: Args,
    x: &[f32],
    saved: &[f32],
    gamma: &[f32],
    dy: &[f32],
    (dgamma, dbeta): (&[f32], &[f32]),
    rows: u32,
    dx: &mut [f32],
) {
    let (features, pixels, count) = (a.features as usize, a.pixels as usize, a.count(rows) as f32);
    let (mean, inv_std) = (&saved[..features], &saved[features..2 * features]);
    let width = features * pixels;
    by_rows(a, rows, dx, |first, dx| {
        let (x, dy) = (&x[first * width..][..dx.len()], &dy[first * width..][..dx.len()]);
        let rows = x.chunks_exact(width).zip(dy.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
        for ((x, dy), dx) in rows {
            if pixels == 1 {
                gradient_of_row(x, dy, (mean, inv_std), gamma, (dgamma, dbeta), count, dx);
                continue;
            }
            for f in 0..features {
                let (mean, inv_std, own) = (mean[f], inv_std[f], f * pixels..(f + 1) * pixels);
                for i in own {
                    let x_hat = (x[i] - mean) * inv_std;
                    dx[i] = gamma[f] * inv_std * (dy[i] - (dbeta[f] + x_hat * dgamma[f]) / count);
                }
            }
        }
    });
}
