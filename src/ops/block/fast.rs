//! The CPU path's form: columns are cut into strips, which threads take one after the other: the product of all rows into
//! memory of the thread's own, then their statistics, then what is stored. Sums are over the rows in their order, so no bit
//! depends on the cuts.

use super::{BackwardArgs, ForwardArgs};
use crate::gemm::{
    self, Form, Mask, Packed, STRIP, gemm_masked, is_worth_a_mask, mask_of, matrix, matrix_mut, workspace,
};
use crate::kernel::{Io, Now};
use crate::random::philox_words;
use crate::{simd, threads};
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2, Axis, Slice};

/// Columns that are worked on together: their sums stay in registers.
const GROUP: usize = 16;

/// One row of a strip, the columns whose product is computed at a time: all rows of them stay in the second cache.
type Row = [f32; STRIP];

/// Masks that lie in the place of a row.
const MASKS: usize = size_of::<Row>() / size_of::<Mask>();

/// Products that take as long as what follows the product, for one element.
const END: usize = 64;

/// `count` floats from `first` on.
fn part(data: &[f32], first: u32, count: usize) -> &[f32] {
    &data[first as usize..][..count]
}

/// The columns `first..end`.
fn columns(mut x: ArrayView2<'_, f32>, first: usize, end: usize) -> ArrayView2<'_, f32> {
    x.slice_axis_inplace(Axis(1), Slice::from(first..end));
    x
}

/// The values that there are, then 0.
#[inline(always)]
fn filled<const W: usize>(values: &[f32]) -> [f32; W] {
    let mut all = [0.0; W];
    all[..values.len()].copy_from_slice(values);
    all
}

/// Columns of a narrow strip.
const HALF: usize = STRIP / 2;

/// Lends room for `a` packed, and, for each of the threads that this is worth, for a strip and its masks.
fn with_room(a: ArrayView2<'_, f32>, columns: usize, work: impl FnOnce(&mut [f32], &mut [Row], usize)) {
    let (rows, k) = a.dim();
    // So that the strips begin at a cache line.
    let (packed, strip) = (Packed::floats(a.dim()).next_multiple_of(STRIP), (rows + rows.div_ceil(MASKS)).max(1));
    let workers = gemm::workers(rows * (k + END) * columns);
    workspace(packed + workers * strip * STRIP, |memory| {
        let (packed, strips) = memory.split_at_mut(packed);
        work(packed, strips.as_chunks_mut().0, strip);
    });
}

/// The product of all rows by the columns of a strip.
fn strip_of_product(a: Packed<'_>, b: ArrayView2<'_, f32>, strip: &mut [Row]) {
    let (rows, width) = (strip.len(), b.ncols());
    let mut strip = matrix_mut(strip.as_flattened_mut(), rows, STRIP);
    a.gemm(b, strip.slice_axis_mut(Axis(1), Slice::from(..width)));
}

/// Where a row is written: itself, or, where it has fewer columns, a copy that is to be stored.
#[inline(always)]
fn place<'a, const W: usize>(row: &'a mut [f32], copy: &'a mut [f32; W]) -> (&'a mut [f32; W], bool) {
    match row.first_chunk_mut() {
        Some(row) => (row, true),
        None => (copy, false),
    }
}

/// A row, or, where it has fewer columns, its copy with 0 beyond the last.
#[inline(always)]
fn load<'a, const W: usize>(row: ArrayView1<'a, f32>, copy: &'a mut [f32; W]) -> &'a [f32; W] {
    let row = row.to_slice().unwrap_or(&[]);
    row.first_chunk().unwrap_or_else(|| {
        copy[..row.len()].copy_from_slice(row);
        copy
    })
}

/// What all strips of the forward kernel share.
struct Forward<'a> {
    a: ForwardArgs,
    now: Now,
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
        weight: matrix(part(params, a.weight, n * k), n, k),
        bias: part(params, a.bias, n),
        gamma: part(params, a.gamma, n),
        beta: part(params, a.beta, n),
    };
    let (z, saved) = zs.f32_mut().split_at_mut(a.saved as usize);
    let out = (matrix_mut(z, rows, n), matrix_mut(h.f32_mut(), rows, n), matrix_mut(saved, 3, n));
    let x = matrix(x.f32(), rows, k);
    with_room(x, n, |room, strips, size| {
        let x = Packed::new(Form::of(x, n), x, room);
        threads::share(out, [x.least(), STRIP], strips, size, |strip, first, (z, h, saved)| {
            let (weight, strip) = (columns(all.weight.t(), first, first + z.ncols()), &mut strip[..rows]);
            strip_of_product(x, weight, strip);
            simd::run(
                #[inline(always)]
                || match z.ncols() {
                    ..=HALF => all.end::<HALF>(first, strip, [z, h, saved]),
                    _ => all.end::<STRIP>(first, strip, [z, h, saved]),
                },
            );
        });
    });
}

impl Forward<'_> {
    /// What follows the product, on the columns from `first` on, at most W.
    #[inline(always)]
    fn end<const W: usize>(&self, first: usize, strip: &mut [Row], out: [ArrayViewMut2<'_, f32>; 3]) {
        let [mut z, mut h, mut saved] = out;
        let width = z.ncols();
        let [bias, gamma, beta] =
            [self.bias, self.gamma, self.beta].map(|vector| filled::<W>(&vector[first..][..width]));
        let mut stats = [[0.0; W]; 3];
        for from in (0..width).step_by(GROUP) {
            self.statistics(from, &bias, strip, &mut stats);
        }
        for (saved, stats) in saved.rows_mut().into_iter().zip(&stats) {
            saved.into_slice().unwrap_or(&mut []).copy_from_slice(&stats[..width]);
        }
        let [mean, inv_std, _] = stats;
        let (a, mut words, mut last) = (self.a, [u32::MAX; W], [0.0; W]);
        for (r, ((strip, z), h)) in strip.iter().zip(z.rows_mut()).zip(h.rows_mut()).enumerate() {
            let (z, h) = (z.into_slice().unwrap_or(&mut []), h.into_slice().unwrap_or(&mut []));
            if a.threshold > 0 {
                let block = ((r * a.n as usize + first) / 4) as u32;
                philox_words(block, self.now.step, a.layer, [a.seed_low, a.seed_high], &mut words[..width]);
            }
            z.copy_from_slice(&strip[..width]);
            let (out, is_whole) = place(h, &mut last);
            for f in 0..W {
                let y = (strip[f] - mean[f]) * inv_std[f] * gamma[f] + beta[f];
                // NaN is not less than 0, and goes through.
                let y = if y < 0.0 { 0.0 } else { y };
                out[f] = if words[f] < a.threshold { 0.0 } else { y * a.scale };
            }
            if !is_whole {
                h.copy_from_slice(&last[..width]);
            }
        }
    }

    /// Adds the bias to a group of columns, and takes their mean, 1/√(var + eps) and variance.
    #[inline(always)]
    fn statistics<const W: usize>(&self, from: usize, bias: &[f32; W], strip: &mut [Row], stats: &mut [[f32; W]; 3]) {
        let count = self.now.rows as f32;
        let (mut bias_here, mut shift) = ([0.0; GROUP], [0.0; GROUP]);
        bias_here.copy_from_slice(&bias[from..from + GROUP]);
        if let Some(row) = strip.first() {
            (0..GROUP).for_each(|f| shift[f] = row[from + f] + bias_here[f]);
        }
        let (mut sum, mut squares, mut rest) = ([0.0; GROUP], [0.0; GROUP], [0.0; GROUP]);
        for row in strip.iter_mut() {
            let z = &mut row[from..from + GROUP];
            for f in 0..GROUP {
                z[f] += bias_here[f];
                sum[f] += z[f] - shift[f];
            }
        }
        let mut mean = [0.0; GROUP];
        (0..GROUP).for_each(|f| mean[f] = shift[f] + sum[f] / count);
        for row in strip.iter() {
            let z = &row[from..from + GROUP];
            for f in 0..GROUP {
                let d = z[f] - mean[f];
                squares[f] += d * d;
                rest[f] += d;
            }
        }
        for f in 0..GROUP {
            // What the mean is off by is taken out of the variance, as in batch_norm.stats.
            let off = rest[f] / count;
            let variance = squares[f] / count - off * off;
            stats[0][from + f] = mean[f] + off;
            stats[1][from + f] = 1.0 / (variance + self.a.eps).sqrt();
            stats[2][from + f] = variance;
        }
    }
}

/// dy: where few elements of the product are asked for, as it is, else packed.
#[derive(Clone, Copy)]
enum Gradient<'a> {
    Few(ArrayView2<'a, f32>),
    All(Packed<'a>),
}

/// What all strips of the backward kernel share.
struct Backward<'a> {
    a: BackwardArgs,
    rows: f32,
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
        weight: matrix(part(params, a.weight, n * k), k, n),
        z: matrix(zs, rows, n),
        h: matrix(h.f32(), rows, n),
        saved: matrix(saved, 3, n),
        gamma: part(params, a.gamma, n),
    };
    let (low, high) = (a.dgamma.min(a.dbeta) as usize, a.dgamma.max(a.dbeta) as usize);
    let (before, after) = grads.f32_mut().split_at_mut(high);
    let (low, high) = (&mut before[low..][..n], &mut after[..n]);
    let [dgamma, dbeta] = if a.dgamma < a.dbeta { [low, high] } else { [high, low] };
    let (dy, dz) = (matrix(dy.f32(), rows, k), matrix_mut(dz.f32_mut(), rows, n));
    with_room(dy, n, |room, strips, size| {
        let few = is_worth_a_mask(all.h, k);
        let dy = if few { Gradient::Few(dy) } else { Gradient::All(Packed::new(Form::of(dy, n), dy, room)) };
        let least = if let Gradient::All(dy) = dy { dy.least() } else { STRIP };
        threads::share((dz, dgamma, dbeta), [least, STRIP], strips, size, |strip, first, (dz, dgamma, dbeta)| {
            all.strip(first, dy, strip.split_at_mut(rows), dz, [dgamma, dbeta]);
        });
    });
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

/// Which elements of h dropout and ReLU let through.
fn masks<'m>(h: ArrayView2<'_, f32>, memory: &'m mut [Row]) -> &'m [Mask] {
    let masks = &mut bytemuck::cast_slice_mut(memory.as_flattened_mut())[..h.nrows()];
    simd::run(
        #[inline(always)]
        || {
            for (mask, h) in masks.iter_mut().zip(h.rows()) {
                *mask = mask_of(h.to_slice().unwrap_or(&[]));
            }
        },
    );
    masks
}

impl Backward<'_> {
    /// dz, dγ and dβ of the columns from `first` on.
    fn strip(
        &self,
        first: usize,
        dy: Gradient<'_>,
        (strip, memory): (&mut [Row], &mut [Row]),
        dz: ArrayViewMut2<'_, f32>,
        affine: [&mut [f32]; 2],
    ) {
        let end = first + dz.ncols();
        let [weight, z, h, saved] = [self.weight, self.z, self.h, self.saved].map(|x| columns(x, first, end));
        match dy {
            Gradient::All(dy) => strip_of_product(dy, weight, strip),
            Gradient::Few(dy) => gemm_masked(dy, weight, masks(h, memory), strip),
        }
        simd::run(
            #[inline(always)]
            || match dz.ncols() {
                ..=HALF => self.end::<HALF>(first, strip, [z, h, saved], dz, affine),
                _ => self.end::<STRIP>(first, strip, [z, h, saved], dz, affine),
            },
        );
    }

    /// What follows the product, on the columns from `first` on, at most W.
    #[inline(always)]
    fn end<const W: usize>(
        &self,
        first: usize,
        strip: &mut [Row],
        [z, h, saved]: [ArrayView2<'_, f32>; 3],
        mut dz: ArrayViewMut2<'_, f32>,
        [dgamma, dbeta]: [&mut [f32]; 2],
    ) {
        let (width, scale) = (dz.ncols(), self.a.scale);
        let saved = |row: usize| filled::<W>(saved.row(row).to_slice().unwrap_or(&[]));
        let (mean, inv_std, gamma) = (saved(0), saved(1), filled::<W>(&self.gamma[first..][..width]));
        let [mut plain, mut with_z, mut last, mut other] = [[0.0; W]; 4];
        for ((strip, z), h) in strip.iter_mut().zip(z.rows()).zip(h.rows()) {
            let (z, h) = (load(z, &mut last), load(h, &mut other));
            for f in 0..W {
                // Through dropout and ReLU: 0 where h is 0, NaN where it is NaN.
                let u = if h[f] > 0.0 { strip[f] * scale } else { h[f] };
                strip[f] = u;
                plain[f] += u;
                with_z[f] += u * (z[f] - mean[f]);
            }
        }
        let [mut factor, mut along] = [[0.0; W]; 2];
        for f in 0..W {
            with_z[f] *= inv_std[f];
            along[f] = inv_std[f] * with_z[f] / self.rows;
            factor[f] = gamma[f] * inv_std[f];
        }
        dgamma.copy_from_slice(&with_z[..width]);
        dbeta.copy_from_slice(&plain[..width]);
        (0..W).for_each(|f| plain[f] /= self.rows);
        for ((strip, z), dz) in strip.iter().zip(z.rows()).zip(dz.rows_mut()) {
            let (z, dz) = (load(z, &mut last), dz.into_slice().unwrap_or(&mut []));
            let (out, is_whole) = place(dz, &mut other);
            for f in 0..W {
                out[f] = factor[f] * (strip[f] - (plain[f] + (z[f] - mean[f]) * along[f]));
            }
            if !is_whole {
                dz.copy_from_slice(&other[..width]);
            }
        }
    }
}
