//! The CPU path's form: columns are cut into one block for each thread, which computes all rows of its columns and then has
//! their statistics. Sums are over the rows in their order, so no bit depends on the cuts.

use super::{BackwardArgs, ForwardArgs};
use crate::gemm::{gemm, matrix, matrix_mut};
use crate::kernel::{Io, Now};
use crate::random::philox_words;
use crate::{simd, threads};
use ndarray::{ArrayView2, ArrayViewMut2, Axis, Slice};

/// Columns whose rows are worked on together: they stay in the first cache.
const STRIP: usize = 128;

/// Products that one thread should have at least: some 10 µs of work, which pays for waking it.
const WORTH_A_THREAD: usize = 1 << 18;

/// One number for each column of a strip.
type Strip = [f32; STRIP];

/// `count` floats from `first` on.
fn part(data: &[f32], first: u32, count: usize) -> &[f32] {
    &data[first as usize..][..count]
}

/// The values that a strip takes of a vector over all columns.
fn of_strip(vector: &[f32], first: usize, count: usize) -> Strip {
    let mut strip = [0.0; STRIP];
    strip[..count].copy_from_slice(&vector[first..][..count]);
    strip
}

/// Into how many blocks of columns the work goes, and where the first half of those ends.
fn blocks(products: usize) -> usize {
    (products / WORTH_A_THREAD).clamp(1, threads::count())
}

fn half(columns: usize, parts: usize) -> usize {
    (columns * (parts / 2) / parts).next_multiple_of(16).min(columns)
}

/// What all blocks of the forward kernel share.
struct Forward<'a> {
    a: ForwardArgs,
    now: Now,
    x: ArrayView2<'a, f32>,
    weight: ArrayView2<'a, f32>,
    bias: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
}

pub(super) fn forward(a: ForwardArgs, io: &mut Io<'_>) {
    let [x, params, now, mut zs, mut h] = io.take();
    let (k, n, now, params) = (a.k as usize, a.n as usize, now.now(), params.f32());
    let rows = now.rows as usize;
    let all = Forward {
        a,
        now,
        x: matrix(x.f32(), rows, k),
        weight: matrix(part(params, a.weight, n * k), n, k),
        bias: part(params, a.bias, n),
        gamma: part(params, a.gamma, n),
        beta: part(params, a.beta, n),
    };
    let (z, saved) = zs.f32_mut().split_at_mut(a.saved as usize);
    let out = [matrix_mut(z, rows, n), matrix_mut(h.f32_mut(), rows, n), matrix_mut(saved, 3, n)];
    all.columns(0, out, blocks(rows * k * n));
}

impl Forward<'_> {
    /// z, h and saved of the columns from `first` on.
    fn columns(&self, first: usize, out: [ArrayViewMut2<'_, f32>; 3], parts: usize) {
        let count = out[0].ncols();
        let half = half(count, parts);
        if parts > 1 && half > 0 && half < count {
            let [(z, z2), (h, h2), (saved, saved2)] = out.map(|out| out.split_at(Axis(1), half));
            let rest = parts - parts / 2;
            threads::join(
                || self.columns(first, [z, h, saved], parts / 2),
                || self.columns(first + half, [z2, h2, saved2], rest),
            );
            return;
        }
        let [mut z, mut h, mut saved] = out;
        let weight = self.weight.slice_axis(Axis(0), Slice::from(first..first + count));
        gemm(self.x, weight.reversed_axes(), z.view_mut());
        for from in (0..count).step_by(STRIP) {
            let width = STRIP.min(count - from);
            simd::run(
                #[inline(always)]
                || self.strip(first + from, from..from + width, [&mut z, &mut h, &mut saved]),
            );
        }
    }

    /// What follows the product, on a strip: `first` is its first column, `own` are those within the block.
    #[inline(always)]
    fn strip(&self, first: usize, own: std::ops::Range<usize>, [z, h, saved]: [&mut ArrayViewMut2<'_, f32>; 3]) {
        let width = own.len();
        let [bias, gamma, beta] = [self.bias, self.gamma, self.beta].map(|vector| of_strip(vector, first, width));
        let count = self.now.rows as f32;
        let mut strips = [[0.0; STRIP]; 5];
        // All of one length that the compiler sees, so that no bound is checked in the loops.
        let [shift, sum, mean, squares, rest] = strips.each_mut().map(|strip| &mut strip[..width]);
        let bias = &bias[..width];
        for (r, mut row) in z.rows_mut().into_iter().enumerate() {
            let Some(z) = row.as_slice_mut().map(|row| &mut row[own.clone()]) else { continue };
            if r == 0 {
                (0..width).for_each(|f| shift[f] = z[f] + bias[f]);
            }
            for f in 0..width {
                z[f] += bias[f];
                sum[f] += z[f] - shift[f];
            }
        }
        (0..width).for_each(|f| mean[f] = shift[f] + sum[f] / count);
        for row in z.rows() {
            let Some(z) = row.to_slice().map(|row| &row[own.clone()]) else { continue };
            for f in 0..width {
                let d = z[f] - mean[f];
                squares[f] += d * d;
                rest[f] += d;
            }
        }
        let mut factor = [0.0; STRIP];
        for f in 0..width {
            // What the mean is off by is taken out of the variance, as in batch_norm.stats.
            let off = rest[f] / count;
            let variance = squares[f] / count - off * off;
            mean[f] += off;
            factor[f] = 1.0 / (variance + self.a.eps).sqrt();
            saved[[0, own.start + f]] = mean[f];
            saved[[1, own.start + f]] = factor[f];
            saved[[2, own.start + f]] = variance;
        }
        self.activate(first, own, [mean, &factor[..width], &gamma[..width], &beta[..width]], [z, h]);
    }

    /// The output of a strip.
    #[inline(always)]
    fn activate(
        &self,
        first: usize,
        own: std::ops::Range<usize>,
        [mean, inv_std, gamma, beta]: [&[f32]; 4],
        [z, h]: [&mut ArrayViewMut2<'_, f32>; 2],
    ) {
        let (a, width, n) = (self.a, own.len(), self.a.n as usize);
        let mut words = [u32::MAX; STRIP];
        let words = &mut words[..width];
        let [mean, inv_std, gamma, beta] = [mean, inv_std, gamma, beta].map(|strip| &strip[..width]);
        for (r, (z, mut h)) in z.rows().into_iter().zip(h.rows_mut()).enumerate() {
            let (Some(z), Some(h)) = (z.to_slice(), h.as_slice_mut()) else { continue };
            let (z, h) = (&z[own.clone()], &mut h[own.clone()]);
            if a.threshold > 0 {
                let block = ((r * n + first) / 4) as u32;
                let key = [a.seed_low, a.seed_high];
                philox_words(block, self.now.step, a.layer, key, words);
            }
            for f in 0..width {
                let y = (z[f] - mean[f]) * inv_std[f] * gamma[f] + beta[f];
                // NaN is not less than 0, and goes through.
                let y = if y < 0.0 { 0.0 } else { y };
                h[f] = if words[f] < a.threshold { 0.0 } else { y * a.scale };
            }
        }
    }
}

/// What all blocks of the backward kernel share.
struct Backward<'a> {
    a: BackwardArgs,
    rows: f32,
    dy: ArrayView2<'a, f32>,
    weight: ArrayView2<'a, f32>,
    z: ArrayView2<'a, f32>,
    h: ArrayView2<'a, f32>,
    saved: ArrayView2<'a, f32>,
    gamma: &'a [f32],
}

pub(super) fn backward(a: BackwardArgs, io: &mut Io<'_>) {
    let [dy, params, zs, h, now, mut dz, mut grads, mut state] = io.take();
    let (k, n, now, params, zs) = (a.k as usize, a.n as usize, now.now(), params.f32(), zs.f32());
    let rows = now.rows as usize;
    let saved = part(zs, a.saved, 3 * n);
    let all = Backward {
        a,
        rows: rows as f32,
        dy: matrix(dy.f32(), rows, k),
        weight: matrix(part(params, a.weight, n * k), k, n),
        z: matrix(zs, rows, n),
        h: matrix(h.f32(), rows, n),
        saved: matrix(saved, 3, n),
        gamma: part(params, a.gamma, n),
    };
    let (low, high) = (a.dgamma.min(a.dbeta) as usize, a.dgamma.max(a.dbeta) as usize);
    let (before, after) = grads.f32_mut().split_at_mut(high);
    let (low, high) = (&mut before[low..][..n], &mut after[..n]);
    let affine = if a.dgamma < a.dbeta { [low, high] } else { [high, low] };
    all.columns(0, matrix_mut(dz.f32_mut(), rows, n), affine, blocks(rows * k * n));
    if now.halted == 0 {
        let unbiased = all.rows / (all.rows - 1.0);
        let mut moved = |at: u32, batch: &[f32], factor: f32| {
            let running = &mut state.f32_mut()[at as usize..][..n];
            running
                .iter_mut()
                .zip(batch)
                .for_each(|(running, batch)| *running += a.momentum * (batch * factor - *running));
        };
        moved(a.running_mean, &saved[..n], 1.0);
        moved(a.running_var, &saved[2 * n..], unbiased);
    }
}

impl Backward<'_> {
    /// dz, dγ and dβ of the columns from `first` on.
    fn columns(&self, first: usize, mut dz: ArrayViewMut2<'_, f32>, affine: [&mut [f32]; 2], parts: usize) {
        let count = dz.ncols();
        let half = half(count, parts);
        if parts > 1 && half > 0 && half < count {
            let (dz, dz2) = dz.split_at(Axis(1), half);
            let [(dgamma, dgamma2), (dbeta, dbeta2)] = affine.map(|vector| vector.split_at_mut(half));
            let rest = parts - parts / 2;
            threads::join(
                || self.columns(first, dz, [dgamma, dbeta], parts / 2),
                || self.columns(first + half, dz2, [dgamma2, dbeta2], rest),
            );
            return;
        }
        let weight = self.weight.slice_axis(Axis(1), Slice::from(first..first + count));
        gemm(self.dy, weight, dz.view_mut());
        let [dgamma, dbeta] = affine;
        for from in (0..count).step_by(STRIP) {
            let own = from..count.min(from + STRIP);
            let affine = [&mut dgamma[own.clone()], &mut dbeta[own.clone()]];
            simd::run(
                #[inline(always)]
                || self.strip(first + from, own, &mut dz, affine),
            );
        }
    }

    /// What follows the product, which is in dz, on a strip.
    #[inline(always)]
    fn strip(
        &self,
        first: usize,
        own: std::ops::Range<usize>,
        dz: &mut ArrayViewMut2<'_, f32>,
        [dgamma, dbeta]: [&mut [f32]; 2],
    ) {
        let (width, scale, columns) = (own.len(), self.a.scale, first..first + own.len());
        let saved = |row: usize| self.saved.row(row).to_slice().map_or([0.0; STRIP], |row| of_strip(row, first, width));
        let (mean, inv_std, gamma) = (saved(0), saved(1), of_strip(self.gamma, first, width));
        let mut sums = [[0.0; STRIP]; 2];
        let [plain, with_z] = sums.each_mut().map(|strip| &mut strip[..width]);
        let (mean, inv_std, gamma) = (&mean[..width], &inv_std[..width], &gamma[..width]);
        for ((mut dz, z), h) in dz.rows_mut().into_iter().zip(self.z.rows()).zip(self.h.rows()) {
            let (Some(dz), Some(z), Some(h)) = (dz.as_slice_mut(), z.to_slice(), h.to_slice()) else { continue };
            let (dz, z, h) = (&mut dz[own.clone()], &z[columns.clone()], &h[columns.clone()]);
            for f in 0..width {
                // Through dropout and ReLU: 0 where h is 0, NaN where it is NaN.
                let u = if h[f] > 0.0 { dz[f] * scale } else { h[f] };
                dz[f] = u;
                plain[f] += u;
                with_z[f] += u * (z[f] - mean[f]);
            }
        }
        let mut along = [0.0; STRIP];
        let along = &mut along[..width];
        for f in 0..width {
            (dgamma[f], dbeta[f]) = (with_z[f] * inv_std[f], plain[f]);
            along[f] = inv_std[f] * dgamma[f];
        }
        for (mut dz, z) in dz.rows_mut().into_iter().zip(self.z.rows()) {
            let (Some(dz), Some(z)) = (dz.as_slice_mut(), z.to_slice()) else { continue };
            let (dz, z) = (&mut dz[own.clone()], &z[columns.clone()]);
            for f in 0..width {
                let shared = plain[f] + (z[f] - mean[f]) * along[f];
                dz[f] = gamma[f] * inv_std[f] * (dz[f] - shared / self.rows);
            }
        }
    }
}
