//! The CPU path's forms of batch normalisation: loops over whole rows that the compiler vectorises. All is in
//! float32. Sums over rows are taken for a block of columns at a time, with the terms in the order of the rows. Of more than
//! [`BAND`] rows, as the pixels of images are, they are taken band by band and merged in the order of the bands.

use super::Args;
use crate::gemm::workspace;
use crate::{simd, threads};
use std::ops::Range;

/// Elements of a chunk of rows, about.
const CHUNK: usize = 8 * 1024;

/// Columns whose sums are taken at a time: they stay in registers, four cache lines of each row.
const COLUMNS: usize = 32;

/// Most rows whose sums are taken at a time.
const BAND: usize = 2048;

/// Calls `work(first row, rows of the chunk)` for the rows of `out`, where a pixel of an image is a row.
fn by_rows(a: Args, rows: u32, out: &mut [f32], work: impl Fn(usize, &mut [f32]) + Sync) {
    let width = a.features as usize;
    let size = (CHUNK / width).max(1) * width;
    threads::for_chunks(&mut out[..a.count(rows) * width], size, |chunk, out| work(chunk * size / width, out));
}

/// Two numbers of a column, from the rows of a band.
type OfBand = (usize, [f32; 2]);

/// Calls `work(rows, first column)` for blocks of columns of each band of rows, and then `merge(column, numbers)` for each column,
/// with the rows of each band and what `work` gave for it, in the order of the bands.
fn by_bands(
    rows: usize,
    features: usize,
    work: impl Fn(Range<usize>, usize) -> [[f32; COLUMNS]; 2] + Sync,
    mut merge: impl FnMut(usize, &mut dyn Iterator<Item = OfBand>),
) {
    let of_band = |band: usize| band * BAND..rows.min((band + 1) * BAND);
    workspace(rows.div_ceil(BAND) * 2 * features, |partial| {
        threads::for_chunks(partial, 2 * features, |band, out| {
            let (a, b) = out.split_at_mut(features);
            for (block, (a, b)) in a.chunks_mut(COLUMNS).zip(b.chunks_mut(COLUMNS)).enumerate() {
                let [of_a, of_b] = simd::run(
                    #[inline(always)]
                    || work(of_band(band), block * COLUMNS),
                );
                a.copy_from_slice(&of_a[..a.len()]);
                b.copy_from_slice(&of_b[..b.len()]);
            }
        });
        for f in 0..features {
            let bands = partial.chunks_exact(2 * features).enumerate();
            merge(f, &mut bands.map(|(band, p)| (of_band(band).len(), [p[f], p[features + f]])));
        }
    });
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

/// Mean and variance of each column, band by band, merged by Chan's formula (the paper's equation 2.1) in float64.
fn stats_by_bands(x: &[f32], features: usize, (mean, variance): (&mut [f32], &mut [f32])) {
    let of_rows = |rows: Range<usize>| &x[rows.start * features..rows.end * features];
    let merge = |f: usize, bands: &mut dyn Iterator<Item = OfBand>| {
        let (mut before, mut so_far, mut squares) = (0.0, 0.0, 0.0);
        for (count, [mean, variance]) in bands {
            let (count, off) = (count as f64, f64::from(mean) - so_far);
            let all = before + count;
            squares += count * f64::from(variance) + off * off * before * count / all;
            (before, so_far) = (all, so_far + off * count / all);
        }
        (mean[f], variance[f]) = (so_far as f32, (squares / before) as f32);
    };
    by_bands(
        x.len() / features,
        features,
        #[inline(always)]
        |rows, first| moments(of_rows(rows), features, first),
        merge,
    );
}

pub(super) fn stats(a: Args, x: &[f32], rows: u32, saved: &mut [f32]) {
    let (features, eps, count) = (a.features as usize, a.eps, a.count(rows));
    let x = &x[..count * features];
    let (mean, rest) = saved.split_at_mut(features);
    let (inv_std, variance) = rest.split_at_mut(features);
    let variance = &mut variance[..features];
    if count > BAND {
        stats_by_bands(x, features, (&mut *mean, &mut *variance));
    } else {
        threads::for_pieces(
            (mean, &mut *variance),
            COLUMNS,
            count,
            |chunk, (mean, variance): (&mut [f32], &mut [f32])| {
                let [means, variances] = simd::run(
                    #[inline(always)]
                    || moments(x, features, chunk * COLUMNS),
                );
                mean.copy_from_slice(&means[..mean.len()]);
                variance.copy_from_slice(&variances[..variance.len()]);
            },
        );
    }
    inv_std.iter_mut().zip(variance).for_each(|(inv_std, v)| *inv_std = 1.0 / (*v + eps).sqrt());
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

pub(super) fn grad_affine(
    a: Args,
    x: &[f32],
    saved: &[f32],
    dy: &[f32],
    rows: u32,
    (dgamma, dbeta): (&mut [f32], &mut [f32]),
) {
    let (features, rows) = (a.features as usize, a.count(rows));
    let (mean, inv_std) = (&saved[..features], &saved[features..2 * features]);
    let (x, dy) = (&x[..rows * features], &dy[..rows * features]);
    let (dgamma, dbeta) = (&mut dgamma[..features], &mut dbeta[..features]);
    if rows > BAND {
        let of_rows = |rows: Range<usize>| rows.start * features..rows.end * features;
        by_bands(
            rows,
            features,
            #[inline(always)]
            |rows, first| sums(&x[of_rows(rows.clone())], &dy[of_rows(rows)], mean, first),
            |f, bands| {
                let all = bands.fold([0.0; 2], |[a, b], (_, [x, y])| [a + f64::from(x), b + f64::from(y)]);
                (dgamma[f], dbeta[f]) = ((all[0] * f64::from(inv_std[f])) as f32, all[1] as f32);
            },
        );
        return;
    }
    threads::for_pieces((dgamma, dbeta), COLUMNS, rows, |chunk, (dgamma, dbeta): (&mut [f32], &mut [f32])| {
        let first = chunk * COLUMNS;
        let [with_x, plain] = simd::run(
            #[inline(always)]
            || sums(x, dy, mean, first),
        );
        dgamma.iter_mut().zip(with_x).zip(&inv_std[first..]).for_each(|((d, sum), inv_std)| *d = sum * inv_std);
        dbeta.copy_from_slice(&plain[..dbeta.len()]);
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
    let features = a.features as usize;
    let [mean, inv_std, gamma, beta] = [mean, inv_std, gamma, beta].map(|values| &values[..features]);
    by_rows(a, rows, y, |first, y| {
        let x = &x[first * features..][..y.len()];
        simd::run(
            #[inline(always)]
            || {
                for (x, y) in x.chunks_exact(features).zip(y.chunks_exact_mut(features)) {
                    // All of one length that the compiler sees, so that no bound is checked in the loop.
                    let (x, y) = (&x[..features], &mut y[..features]);
                    for f in 0..features {
                        y[f] = (x[f] - mean[f]) * inv_std[f] * gamma[f] + beta[f];
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
    let (features, count) = (a.features as usize, a.count(rows) as f32);
    let (mean, inv_std) = (&saved[..features], &saved[features..2 * features]);
    by_rows(a, rows, dx, |first, dx| {
        let (x, dy) = (&x[first * features..][..dx.len()], &dy[first * features..][..dx.len()]);
        simd::run(
            #[inline(always)]
            || {
                let rows = x.chunks_exact(features).zip(dy.chunks_exact(features)).zip(dx.chunks_exact_mut(features));
                for ((x, dy), dx) in rows {
                    gradient_of_row(x, dy, (mean, inv_std), gamma, (dgamma, dbeta), count, dx);
                }
            },
        );
    });
}
