//! The CPU path's forms of batch normalisation: loops over whole rows that the compiler vectorises. All is in
//! float32. Sums over rows are taken for a block of columns at a time, with the terms in the order of the rows.

use super::Args;
use crate::{simd, threads};

/// Elements of a chunk of rows, about.
const CHUNK: usize = 8 * 1024;

/// Columns whose sums are taken at a time: they stay in registers, four cache lines of each row.
const COLUMNS: usize = 32;

/// Calls `work(first row, rows of the chunk)` for the rows of `out`.
fn by_rows(a: Args, rows: u32, out: &mut [f32], work: impl Fn(usize, &mut [f32]) + Sync) {
    let width = (a.features * a.pixels) as usize;
    let size = (CHUNK / width).max(1) * width;
    threads::for_chunks(&mut out[..rows as usize * width], size, |chunk, out| work(chunk * size / width, out));
}

/// Elements of a row from `first` on, 0 beyond its end.
#[inline(always)]
fn block(row: &[f32], first: usize) -> [f32; COLUMNS] {
    let rest = &row[first..];
    rest.first_chunk().copied().unwrap_or_else(|| {
        let mut padded = [0.0; COLUMNS];
        padded[..rest.len()].copy_from_slice(rest);
        padded
    })
}

/// Mean and biased variance of the columns from `first` on, of x `[rows, features]`. The mean is corrected by the mean of
/// the deviations from it, and so is the variance: with that, float32 is enough (Chan, Golub & LeVeque 1983, "Algorithms
/// for computing the sample variance", equation 1.7).
#[inline(always)]
fn moments(x: &[f32], features: usize, first: usize) -> [[f32; COLUMNS]; 2] {
    let count = (x.len() / features) as f32;
    let mut mean = [0.0; COLUMNS];
    for row in x.chunks_exact(features) {
        let x = block(row, first);
        (0..COLUMNS).for_each(|j| mean[j] += x[j]);
    }
    mean = mean.map(|sum| sum / count);
    let (mut deviation, mut squares) = ([0.0; COLUMNS], [0.0; COLUMNS]);
    for row in x.chunks_exact(features) {
        let x = block(row, first);
        for j in 0..COLUMNS {
            let d = x[j] - mean[j];
            deviation[j] += d;
            squares[j] += d * d;
        }
    }
    let mut variance = [0.0; COLUMNS];
    for j in 0..COLUMNS {
        let d = deviation[j] / count;
        // A mean that is not finite stays what it is.
        mean[j] += if d.is_finite() { d } else { 0.0 };
        let v = squares[j] / count - d * d;
        variance[j] = if v < 0.0 { 0.0 } else { v };
    }
    [mean, variance]
}

/// The same of one feature of images, in float64: mean and biased variance.
fn moments_of_images(a: Args, x: &[f32], feature: usize) -> [f64; 2] {
    let (pixels, width) = (a.pixels as usize, (a.features * a.pixels) as usize);
    let values = || x.chunks_exact(width).flat_map(|row| &row[feature * pixels..][..pixels]).map(|x| f64::from(*x));
    let count = (x.len() / width * pixels) as f64;
    let mean = values().sum::<f64>() / count;
    [mean, values().map(|x| (x - mean).powi(2)).sum::<f64>() / count]
}

pub(super) fn stats(a: Args, x: &[f32], rows: u32, saved: &mut [f32]) {
    let (features, eps) = (a.features as usize, a.eps);
    let x = &x[..(rows * a.features * a.pixels) as usize];
    let (mean, rest) = saved.split_at_mut(features);
    let (inv_std, variance) = rest.split_at_mut(features);
    let out = (mean, inv_std, &mut variance[..features]);
    threads::for_pieces(out, COLUMNS, a.count(rows), |chunk, out: (&mut [f32], &mut [f32], &mut [f32])| {
        let (first, (mean, inv_std, variance)) = (chunk * COLUMNS, out);
        if a.pixels == 1 {
            let [means, variances] = simd::run(
                #[inline(always)]
                || moments(x, features, first),
            );
            mean.copy_from_slice(&means[..mean.len()]);
            variance.copy_from_slice(&variances[..variance.len()]);
        } else {
            for f in 0..mean.len() {
                [mean[f], variance[f]] = moments_of_images(a, x, first + f).map(|moment| moment as f32);
            }
        }
        inv_std.iter_mut().zip(variance).for_each(|(inv_std, v)| *inv_std = 1.0 / (*v + eps).sqrt());
    });
}

/// Σ dy · (x − mean) and Σ dy of the columns from `first` on.
#[inline(always)]
fn sums(x: &[f32], dy: &[f32], mean: &[f32], first: usize) -> [[f32; COLUMNS]; 2] {
    let (features, mean) = (mean.len(), block(mean, first));
    let (mut with_x, mut plain) = ([0.0; COLUMNS], [0.0; COLUMNS]);
    for (x, dy) in x.chunks_exact(features).zip(dy.chunks_exact(features)) {
        let (x, dy) = (block(x, first), block(dy, first));
        for j in 0..COLUMNS {
            with_x[j] += dy[j] * (x[j] - mean[j]);
            plain[j] += dy[j];
        }
    }
    [with_x, plain]
}

/// The same of one feature of images, in float64.
fn sums_of_images(a: Args, x: &[f32], dy: &[f32], mean: f32, feature: usize) -> [f64; 2] {
    let (pixels, width) = (a.pixels as usize, (a.features * a.pixels) as usize);
    let (mut with_x, mut plain) = (0.0, 0.0);
    for (x, dy) in x.chunks_exact(width).zip(dy.chunks_exact(width)) {
        let own = feature * pixels..(feature + 1) * pixels;
        for (x, dy) in x[own.clone()].iter().zip(&dy[own]) {
            let dy = f64::from(*dy);
            with_x += dy * (f64::from(*x) - f64::from(mean));
            plain += dy;
        }
    }
    [with_x, plain]
}

pub(super) fn grad_affine(
    a: Args,
    x: &[f32],
    saved: &[f32],
    dy: &[f32],
    rows: u32,
    (dgamma, dbeta): (&mut [f32], &mut [f32]),
) {
    let features = a.features as usize;
    let (mean, inv_std) = (&saved[..features], &saved[features..2 * features]);
    let count = (rows * a.features * a.pixels) as usize;
    let (x, dy, out) = (&x[..count], &dy[..count], (&mut dgamma[..features], &mut dbeta[..features]));
    threads::for_pieces(out, COLUMNS, a.count(rows), |chunk, (dgamma, dbeta): (&mut [f32], &mut [f32])| {
        let first = chunk * COLUMNS;
        if a.pixels == 1 {
            let [with_x, plain] = simd::run(
                #[inline(always)]
                || sums(x, dy, mean, first),
            );
            dgamma.iter_mut().zip(with_x).zip(&inv_std[first..]).for_each(|((d, sum), inv_std)| *d = sum * inv_std);
            dbeta.copy_from_slice(&plain[..dbeta.len()]);
            return;
        }
        for f in 0..dgamma.len() {
            let [with_x, plain] = sums_of_images(a, x, dy, mean[first + f], first + f);
            (dgamma[f], dbeta[f]) = ((with_x * f64::from(inv_std[first + f])) as f32, plain as f32);
        }
    });
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
        simd::run(
            #[inline(always)]
            || {
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
            },
        );
    });
}

/// The gradient by one row of a table.
#[allow(clippy::too_many_arguments, reason = "one slice for each tensor")]
#[inline(always)]
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
        simd::run(
            #[inline(always)]
            || {
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
            },
        );
    });
}
