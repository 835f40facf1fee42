//! The CPU path's form: columns are cut into one block for each thread, which goes through them strip by strip: the product
//! of all rows into memory of its own, then their statistics, then what is stored. Sums are over the rows in their order,
//! so no bit depends on the cuts.

use super::{BackwardArgs, ForwardArgs};
use crate::gemm::{
    self, Form, Mask, Packed, STRIP, gemm_masked, is_worth_a_mask, mask_of, matrix, matrix_mut, workspace,
};
use crate::kernel::{Io, Now};
use crate::random::philox_words;
use crate::{simd, threads};
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, Slice};
use std::ops::Range;

/// Columns whose sums stay in registers.
const GROUP: usize = 16;

/// One row of a strip, the columns that are worked on together: all rows of them stay in the second cache.
type Row = [f32; STRIP];

/// Masks that lie in the place of a row.
const MASKS: usize = size_of::<Row>() / size_of::<Mask>();

/// Products that take as long as what follows the product, for one element.
const END: usize = 64;

/// `count` floats from `first` on.
fn part(data: &[f32], first: u32, count: usize) -> &[f32] {
    &data[first as usize..][..count]
}

/// The values that a strip takes of a vector over all columns; 0 beyond the last.
fn of_strip(vector: &[f32], first: usize, count: usize) -> Row {
    let mut strip = [0.0; STRIP];
    strip[..count].copy_from_slice(&vector[first..][..count]);
    strip
}

/// Into how many blocks of columns the work goes.
fn blocks([rows, k, n]: [usize; 3]) -> usize {
    gemm::parts(rows * (k + END) * n, n)
}

/// Lends room for `a` packed, and for a strip and its masks of each of `parts` threads.
fn with_room(a: ArrayView2<'_, f32>, parts: usize, work: impl FnOnce(&mut [f32], &mut [Row])) {
    let (packed, strip) = (Packed::floats(a.dim()), a.nrows() + a.nrows().div_ceil(MASKS));
    workspace(packed + parts * strip * STRIP, |memory| {
        let (packed, strips) = memory.split_at_mut(packed);
        work(packed, strips.as_chunks_mut().0);
    });
}

/// The product of all rows by the columns of a strip.
fn strip_of_product(a: Packed<'_>, b: ArrayView2<'_, f32>, strip: &mut [Row]) {
    let (rows, width) = (strip.len(), b.ncols());
    let mut strip = matrix_mut(strip.as_flattened_mut(), rows, STRIP);
    a.gemm(b, strip.slice_axis_mut(Axis(1), Slice::from(..width)));
}

/// The part of a row that a strip takes: to be written at once where it is whole.
#[inline(always)]
fn own_part<'a>(row: ArrayViewMut1<'a, f32>, own: &Range<usize>) -> &'a mut [f32] {
    row.into_slice().map_or(&mut [], |row| &mut row[own.clone()])
}

/// The part of a row that a strip takes, or its copy with 0 beyond the last column.
#[inline(always)]
fn load<'a>(row: ArrayView1<'a, f32>, columns: &Range<usize>, copy: &'a mut Row) -> &'a Row {
    let row = row.to_slice().map_or(&[][..], |row| &row[columns.clone()]);
    row.first_chunk().unwrap_or_else(|| {
        copy[..row.len()].copy_from_slice(row);
        copy
    })
}

/// What all blocks of the forward kernel share.
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
    let out = [matrix_mut(z, rows, n), matrix_mut(h.f32_mut(), rows, n), matrix_mut(saved, 3, n)];
    let parts = blocks([rows, k, n]);
    let x = matrix(x.f32(), rows, k);
    with_room(x, parts, |room, strips| all.columns(0, Packed::new(Form::of(x, n), x, room), out, strips, parts));
}

impl Forward<'_> {
    /// z, h and saved of the columns from `first` on.
    fn columns(&self, first: usize, x: Packed<'_>, out: [ArrayViewMut2<'_, f32>; 3], strips: &mut [Row], parts: usize) {
        let count = out[0].ncols();
        let half = gemm::half(count, parts);
        if half > 0 && half < count {
            let [(z, z2), (h, h2), (saved, saved2)] = out.map(|out| out.split_at(Axis(1), half));
            let (less, more) = (parts / 2, parts - parts / 2);
            let (strips, strips2) = strips.split_at_mut(strips.len() / parts * less);
            threads::join(
                || self.columns(first, x, [z, h, saved], strips, less),
                || self.columns(first + half, x, [z2, h2, saved2], strips2, more),
            );
            return;
        }
        let [mut z, mut h, mut saved] = out;
        let strip = &mut strips[..z.nrows()];
        for own in (0..count).step_by(STRIP).map(|own| own..count.min(own + STRIP)) {
            let weight = self.weight.slice_axis(Axis(0), Slice::from(first + own.start..first + own.end));
            strip_of_product(x, weight.reversed_axes(), strip);
            simd::run(
                #[inline(always)]
                || self.strip(first + own.start, own, strip, [&mut z, &mut h, &mut saved]),
            );
        }
    }

    /// What follows the product, on a strip: `first` is its first column, `own` are those within the block.
    #[inline(always)]
    fn strip(
        &self,
        first: usize,
        own: Range<usize>,
        strip: &mut [Row],
        [z, h, saved]: [&mut ArrayViewMut2<'_, f32>; 3],
    ) {
        let [bias, gamma, beta] = [self.bias, self.gamma, self.beta].map(|vector| of_strip(vector, first, own.len()));
        let mut stats = [[0.0; STRIP]; 3];
        for from in (0..own.len()).step_by(GROUP) {
            self.statistics(from, &bias, strip, &mut stats);
        }
        for (mut saved, stats) in saved.rows_mut().into_iter().zip(&stats) {
            own_part(saved.view_mut(), &own).copy_from_slice(&stats[..own.len()]);
        }
        let [mean, inv_std, _] = stats;
        let (a, mut words, mut last) = (self.a, [u32::MAX; STRIP], [0.0; STRIP]);
        for (r, ((strip, z), h)) in strip.iter().zip(z.rows_mut()).zip(h.rows_mut()).enumerate() {
            let (z, h) = (own_part(z, &own), own_part(h, &own));
            if a.threshold > 0 {
                let block = ((r * a.n as usize + first) / 4) as u32;
                philox_words(block, self.now.step, a.layer, [a.seed_low, a.seed_high], &mut words[..own.len()]);
            }
            z.copy_from_slice(&strip[..own.len()]);
            let (is_whole, out) = match h.first_chunk_mut() {
                Some(h) => (true, h),
                None => (false, &mut last),
            };
            for f in 0..STRIP {
                let y = (strip[f] - mean[f]) * inv_std[f] * gamma[f] + beta[f];
                // NaN is not less than 0, and goes through.
                let y = if y < 0.0 { 0.0 } else { y };
                out[f] = if words[f] < a.threshold { 0.0 } else { y * a.scale };
            }
            if !is_whole {
                h.copy_from_slice(&last[..own.len()]);
            }
        }
    }

    /// Adds the bias to a group of columns, and takes their mean, 1/√(var + eps) and variance.
    #[inline(always)]
    fn statistics(&self, from: usize, bias: &Row, strip: &mut [Row], stats: &mut [Row; 3]) {
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

/// What all blocks of the backward kernel share.
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
    let affine = if a.dgamma < a.dbeta { [low, high] } else { [high, low] };
    let (dz, parts) = (matrix_mut(dz.f32_mut(), rows, n), blocks([rows, k, n]));
    let dy = matrix(dy.f32(), rows, k);
    with_room(dy, parts, |room, strips| {
        let few = is_worth_a_mask(all.h, k);
        let dy = if few { Gradient::Few(dy) } else { Gradient::All(Packed::new(Form::of(dy, n), dy, room)) };
        all.columns(0, dy, dz, affine, (strips, parts));
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

impl Backward<'_> {
    /// dz, dγ and dβ of the columns from `first` on.
    fn columns(
        &self,
        first: usize,
        dy: Gradient<'_>,
        mut dz: ArrayViewMut2<'_, f32>,
        affine: [&mut [f32]; 2],
        (strips, parts): (&mut [Row], usize),
    ) {
        let count = dz.ncols();
        let half = gemm::half(count, parts);
        if half > 0 && half < count {
            let (dz, dz2) = dz.split_at(Axis(1), half);
            let [(dgamma, dgamma2), (dbeta, dbeta2)] = affine.map(|vector| vector.split_at_mut(half));
            let (less, more) = (parts / 2, parts - parts / 2);
            let (strips, strips2) = strips.split_at_mut(strips.len() / parts * less);
            threads::join(
                || self.columns(first, dy, dz, [dgamma, dbeta], (strips, less)),
                || self.columns(first + half, dy, dz2, [dgamma2, dbeta2], (strips2, more)),
            );
            return;
        }
        let (strip, masks) = strips.split_at_mut(dz.nrows());
        let [dgamma, dbeta] = affine;
        for own in (0..count).step_by(STRIP).map(|own| own..count.min(own + STRIP)) {
            let columns = first + own.start..first + own.end;
            let weight = self.weight.slice_axis(Axis(1), Slice::from(columns.clone()));
            match dy {
                Gradient::All(dy) => strip_of_product(dy, weight, strip),
                Gradient::Few(dy) => gemm_masked(dy, weight, self.masks(columns, strip.len(), masks), strip),
            }
            let affine = [&mut dgamma[own.clone()], &mut dbeta[own.clone()]];
            simd::run(
                #[inline(always)]
                || self.strip(first + own.start, own, strip, &mut dz, affine),
            );
        }
    }

    /// Which elements of a strip dropout and ReLU let through.
    fn masks<'m>(&self, columns: Range<usize>, rows: usize, memory: &'m mut [Row]) -> &'m [Mask] {
        let masks = &mut bytemuck::cast_slice_mut(memory.as_flattened_mut())[..rows];
        let h = self.h.slice_axis(Axis(1), Slice::from(columns));
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

    /// What follows the product, on a strip.
    #[inline(always)]
    fn strip(
        &self,
        first: usize,
        own: Range<usize>,
        strip: &mut [Row],
        dz: &mut ArrayViewMut2<'_, f32>,
        [dgamma, dbeta]: [&mut [f32]; 2],
    ) {
        let (width, scale, columns) = (own.len(), self.a.scale, first..first + own.len());
        let saved = |row: usize| self.saved.row(row).to_slice().map_or([0.0; STRIP], |row| of_strip(row, first, width));
        let (mean, inv_std, gamma) = (saved(0), saved(1), of_strip(self.gamma, first, width));
        let [mut plain, mut with_z] = [[0.0; STRIP]; 2];
        let [mut last, mut other] = [[0.0; STRIP]; 2];
        for ((strip, z), h) in strip.iter_mut().zip(self.z.rows()).zip(self.h.rows()) {
            let (z, h) = (load(z, &columns, &mut last), load(h, &columns, &mut other));
            for f in 0..STRIP {
                // Through dropout and ReLU: 0 where h is 0, NaN where it is NaN.
                let u = if h[f] > 0.0 { strip[f] * scale } else { h[f] };
                strip[f] = u;
                plain[f] += u;
                with_z[f] += u * (z[f] - mean[f]);
            }
        }
        let [mut factor, mut along] = [[0.0; STRIP]; 2];
        for f in 0..STRIP {
            with_z[f] *= inv_std[f];
            along[f] = inv_std[f] * with_z[f] / self.rows;
            factor[f] = gamma[f] * inv_std[f];
        }
        dgamma.copy_from_slice(&with_z[..width]);
        dbeta.copy_from_slice(&plain[..width]);
        (0..STRIP).for_each(|f| plain[f] /= self.rows);
        for ((strip, z), dz) in strip.iter().zip(self.z.rows()).zip(dz.rows_mut()) {
            let (z, dz) = (load(z, &columns, &mut last), own_part(dz, &own));
            let (is_whole, out) = match dz.first_chunk_mut() {
                Some(dz) => (true, dz),
                None => (false, &mut other),
            };
            for f in 0..STRIP {
                out[f] = factor[f] * (strip[f] - (plain[f] + (z[f] - mean[f]) * along[f]));
            }
            if !is_whole {
                dz.copy_from_slice(&other[..width]);
            }
        }
    }
}
