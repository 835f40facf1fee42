//! The CPU path's forms of batch normalisation: loops over whole rows that the compiler vectorises. All is in
//! float32. Sums over rows are taken for a block of columns at a time, with the terms in the order of the rows. Of more than
//! [`BAND`] rows, as the pixels of images are, they are taken band by band and merged in the order of the bands.

use super::Args;
use crate::gemm::workspace;
use crate::{simd, threads};
use std::ops::Range;

/// Elements of a chunk of rows, about.
const CHUNK: usize = 8 * 1024;

/// Columns whose sums are taken at a time: they stay in registers, two cache lines of each row.
pub(in crate::ops) const COLUMNS: usize = 32;

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

/// Adds up what each of some columns adds, where they are fewer than are taken at a time and divide their number: rows are then
/// taken several at once. `work(number of the element among those, element)` gives what an element adds to two sums.
#[inline(always)]
fn several_rows(features: usize, x: &[f32], work: impl Fn(usize, usize, f32) -> [f32; 2]) -> [[f32; COLUMNS]; 2] {
    let (mut a, mut b) = ([0.0; COLUMNS], [0.0; COLUMNS]);
    let (rows, rest) = x.as_chunks::<COLUMNS>();
    for (row, x) in rows.iter().enumerate() {
        for j in 0..COLUMNS {
            let [to_a, to_b] = work(j, row * COLUMNS + j, x[j]);
            a[j] += to_a;
            b[j] += to_b;
        }
    }
    for (j, x) in rest.iter().enumerate() {
        let [to_a, to_b] = work(j, rows.len() * COLUMNS + j, *x);
        a[j] += to_a;
        b[j] += to_b;
    }
    for sums in [&mut a, &mut b] {
        let (columns, others) = sums.split_at_mut(features);
        for others in others.chunks_exact(features) {
            columns.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        }
        columns_again(sums, features);
    }
    [a, b]
}

/// Repeats the first columns in the place of the others.
#[inline(always)]
fn columns_again(of: &mut [f32; COLUMNS], features: usize) {
    for j in features..COLUMNS {
        of[j] = of[j - features];
    }
}

/// Whether rows are taken several at once.
pub(in crate::ops) fn takes_several(features: usize) -> bool {
    features < COLUMNS && COLUMNS.is_multiple_of(features)
}

/// Mean and biased variance of the columns from `first` on, of x `[rows, features]`. The mean is corrected by the mean of
/// the deviations from it, and so is the variance: with that, float32 is enough (Chan, Golub & LeVeque 1983, "Algorithms
/// for computing the sample variance", equation 1.7).
#[inline(always)]
pub(in crate::ops) fn moments(x: &[f32], features: usize, first: usize) -> [[f32; COLUMNS]; 2] {
    let count = (x.len() / features) as f32;
    let (mut mean, mut deviation, mut squares) = ([0.0; COLUMNS], [0.0; COLUMNS], [0.0; COLUMNS]);
    if takes_several(features) {
        [mean, _] = several_rows(
            features,
            x,
            #[inline(always)]
            |_, _, x| [x, 0.0],
        );
        mean = mean.map(|sum| sum / count);
        [deviation, squares] = several_rows(
            features,
            x,
            #[inline(always)]
            |j, _, x| [x - mean[j], (x - mean[j]) * (x - mean[j])],
        );
    } else {
        for row in x.chunks_exact(features) {
            let x = block(row, first);
            (0..COLUMNS).for_each(|j| mean[j] += x[j]);
        }
        mean = mean.map(|sum| sum / count);
        for row in x.chunks_exact(features) {
            let x = block(row, first);
            for j in 0..COLUMNS {
                let d = x[j] - mean[j];
                deviation[j] += d;
                squares[j] += d * d;
            }
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
pub(in crate::ops) fn sums(x: &[f32], dy: &[f32], mean: &[f32], first: usize) -> [[f32; COLUMNS]; 2] {
    let (features, mut mean) = (mean.len(), block(mean, first));
    if takes_several(features) {
        columns_again(&mut mean, features);
        let dy = &dy[..x.len()];
        return several_rows(
            features,
            x,
            #[inline(always)]
            |j, i, x| [dy[i] * (x - mean[j]), dy[i]],
        );
    }
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

/// Floats that are worked on together where a row has no more: whole rows of them.
const LANES: usize = 64;

/// Coefficients of the columns, again and again for each row that the lanes hold.
fn repeated<const N: usize>(columns: [&[f32]; N], features: usize) -> [[f32; LANES]; N] {
    columns.map(|column| std::array::from_fn(|lane| column[lane % features]))
}

/// out = work(x, v, coefficients) for every element, where `columns` holds the coefficients of each feature.
fn by_columns<const N: usize>(
    a: Args,
    rows: u32,
    (x, v): (&[f32], &[f32]),
    columns: [&[f32]; N],
    out: &mut [f32],
    work: impl Fn(f32, f32, [f32; N]) -> f32 + Sync,
) {
    let features = a.features as usize;
    let columns = columns.map(|column| &column[..features]);
    let lanes = LANES.is_multiple_of(features).then(|| repeated(columns, features));
    by_rows(a, rows, out, |first, out| {
        let own = first * features..first * features + out.len();
        let (x, v) = (&x[own.clone()], &v[own]);
        simd::run(
            #[inline(always)]
            || {
                let Some(lanes) = &lanes else { return of_rows((x, v), columns, out, &work) };
                let (all, rest) = out.as_chunks_mut::<LANES>();
                let whole = all.len() * LANES;
                for ((out, x), v) in all.iter_mut().zip(x.as_chunks::<LANES>().0).zip(v.as_chunks::<LANES>().0) {
                    for f in 0..LANES {
                        out[f] = work(x[f], v[f], at(lanes, f));
                    }
                }
                for (f, out) in rest.iter_mut().enumerate() {
                    *out = work(x[whole + f], v[whole + f], at(lanes, f));
                }
            },
        );
    });
}

/// The coefficients of a lane.
#[inline(always)]
fn at<const N: usize>(lanes: &[[f32; LANES]; N], f: usize) -> [f32; N] {
    let mut all = [0.0; N];
    for i in 0..N {
        all[i] = lanes[i][f];
    }
    all
}

/// The same row by row.
#[inline(always)]
fn of_rows<const N: usize>(
    (x, v): (&[f32], &[f32]),
    columns: [&[f32]; N],
    out: &mut [f32],
    work: &impl Fn(f32, f32, [f32; N]) -> f32,
) {
    let features = columns[0].len();
    for ((x, v), out) in x.chunks_exact(features).zip(v.chunks_exact(features)).zip(out.chunks_exact_mut(features)) {
        // All of one length that the compiler sees, so that no bound is checked in the loop.
        let (x, v, out) = (&x[..features], &v[..features], &mut out[..features]);
        for f in 0..features {
            let mut own = [0.0; N];
            for i in 0..N {
                own[i] = columns[i][f];
            }
            out[f] = work(x[f], v[f], own);
        }
    }
}

pub(super) fn normalize(
    a: Args,
    x: &[f32],
    (mean, inv_std): (&[f32], &[f32]),
    (gamma, beta): (&[f32], &[f32]),
    rows: u32,
    y: &mut [f32],
) {
    by_columns(
        a,
        rows,
        (x, x),
        [mean, inv_std, gamma, beta],
        y,
        #[inline(always)]
        |x, _, [mean, inv_std, gamma, beta]| (x - mean) * inv_std * gamma + beta,
    );
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
    by_columns(
        a,
        rows,
        (x, dy),
        [mean, inv_std, gamma, dgamma, dbeta],
        dx,
        #[inline(always)]
        |x, dy, [mean, inv_std, gamma, dgamma, dbeta]| {
            gamma * inv_std * (dy - (dbeta + (x - mean) * inv_std * dgamma) / count)
        },
    );
}

/// The gradient by x where the statistics are given: each column by its own factor.
pub(super) fn grad_given(a: Args, scale: &[f32], dy: &[f32], rows: u32, dx: &mut [f32]) {
    let row = (a.pixels * a.features) as usize;
    threads::for_chunks(&mut dx[..rows as usize * row], row, |r, dx| {
        for (dx, dy) in dx.chunks_exact_mut(scale.len()).zip(dy[r * row..].chunks_exact(scale.len())) {
            dx.iter_mut().zip(dy).zip(scale).for_each(|((dx, dy), scale)| *dx = dy * scale);
        }
    });
}
