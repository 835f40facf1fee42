//! The CPU path's form: columns are cut into strips, which threads take one after the other: the product of all rows into
//! memory of the thread's own, then what the stages make of it, stage by stage while the strip lies in the caches. Sums are over
//! the rows in their order, so no bit depends on the cuts.

use super::args::{Args, FORWARD};
use super::chain::Chain;
use crate::gemm::{self, Form, Mask, Packed, STRIP, matrix, matrix_mut, slice_mut, workspace};
use crate::kernel::{Io, MAX_BINDINGS, Now, Tensor};
use crate::op::stage::{Link, Place, Row};
use crate::threads::Pieces;
use crate::{simd, threads};
use ndarray::{ArrayView2, ArrayViewMut2, Axis, Slice};

/// The place of batch norm's eps among the arguments.
const EPS: usize = FORWARD.len() - 1;

/// Columns that are worked on together: their sums stay in registers.
const GROUP: usize = 16;

/// Masks that lie in the place of a row.
const MASKS: usize = size_of::<Row>() / size_of::<Mask>();

/// Multiply-adds that cost as much as what follows the product, for one element.
const END: usize = 64;

/// The columns of h, counted by those of the product, of which `times` neighbours become one.
pub(super) struct Narrow<'a> {
    columns: ArrayViewMut2<'a, f32>,
    times: usize,
}

impl Pieces for Narrow<'_> {
    fn size(&self) -> usize {
        self.columns.ncols() * self.times
    }

    fn cut(self, at: usize) -> (Self, Self) {
        let (a, b) = self.columns.cut(at / self.times);
        (Self { columns: a, times: self.times }, Self { columns: b, times: self.times })
    }
}

/// The learned weights of all columns: a number for each, or one for all.
pub(super) fn weights_of(learned: Option<&[f32]>, first: usize, width: usize) -> Row {
    match learned {
        None => [0.0; STRIP],
        Some([alpha]) => [*alpha; STRIP],
        Some(all) => filled(&all[first..][..width]),
    }
}

/// `count` floats from `first` on.
pub(super) fn part(data: &[f32], first: u32, count: usize) -> &[f32] {
    &data[first as usize..][..count]
}

/// The columns `first..end`.
pub(super) fn columns(mut x: ArrayView2<'_, f32>, first: usize, end: usize) -> ArrayView2<'_, f32> {
    x.slice_axis_inplace(Axis(1), Slice::from(first..end));
    x
}

/// The values that there are, then 0.
#[inline(always)]
pub(super) fn filled(values: &[f32]) -> Row {
    let mut all = [0.0; STRIP];
    all[..values.len()].copy_from_slice(values);
    all
}

/// Has a link make its values of a strip, in place.
pub(super) fn value(link: &Link, args: &[u32], strip: &mut [Row], place: Place<'_>) {
    match link.stage.fast {
        Some(fast) => (fast.value)(args, strip, place),
        None => unreachable!("a stage of elements has a fast form"),
    }
}

/// Lends room for `a` packed, and, for each of the threads that this is worth, for so many strips and their masks.
pub(super) fn with_room(
    a: ArrayView2<'_, f32>,
    columns: usize,
    strips: usize,
    work: impl FnOnce(&mut [f32], &mut [Row], usize),
) {
    let (rows, k) = a.dim();
    // So that the strips begin at a cache line.
    let packed = Packed::floats(a.dim()).next_multiple_of(STRIP);
    let strip = (strips * rows + rows.div_ceil(MASKS)).max(1);
    let workers = gemm::workers(rows * (k + END) * columns);
    workspace(packed + workers * strip * STRIP, |memory| {
        let (packed, strips) = memory.split_at_mut(packed);
        work(packed, strips.as_chunks_mut().0, strip);
    });
}

/// The product of all rows by the columns of a strip.
pub(super) fn strip_of_product(a: Packed<'_>, b: ArrayView2<'_, f32>, strip: &mut [Row]) {
    let (rows, width) = (strip.len(), b.ncols());
    let mut strip = matrix_mut(strip.as_flattened_mut(), rows, STRIP);
    a.gemm(b, strip.slice_axis_mut(Axis(1), Slice::from(..width)));
}

/// What all strips of the forward kernel share.
struct Forward<'a> {
    chain: &'a Chain,
    args: Args<'a>,
    now: Now,
    weight: ArrayView2<'a, f32>,
    bias: Option<&'a [f32]>,
    /// γ and β.
    affine: Option<[&'a [f32]; 2]>,
    /// The weights that a stage learns.
    learned: Option<&'a [f32]>,
    /// The other tensor of a stage.
    other: Option<ArrayView2<'a, f32>>,
}

pub(super) fn forward(chain: &Chain, has_bias: bool, bytes: &[u8], io: &mut Io<'_>) {
    let args = Args::new(bytes, false);
    let [k, n, weight, bias, gamma, beta, learned, saved] = [0, 1, 2, 3, 4, 5, 6, 7].map(|at| args.word(at));
    let (k, n) = (k as usize, n as usize);
    let mut bound = io.take::<MAX_BINDINGS>().into_iter();
    let mut next = |is: bool| if is { bound.next().unwrap_or_default() } else { Tensor::None };
    let [x, params, other, now] = [true, true, chain.takes_other(), true].map(&mut next);
    let [mut h, zs] = [true, chain.keeps_product()].map(&mut next);
    let mut zs = chain.keeps_product().then_some(zs);
    let (now, params) = (now.now(), params.f32());
    let rows = now.rows as usize;
    let all = Forward {
        chain,
        args,
        now,
        weight: matrix(part(params, weight, n * k), n, k),
        bias: has_bias.then(|| part(params, bias, n)),
        affine: chain.column.map(|_| [gamma, beta].map(|at| part(params, at, n))),
        learned: chain.learned().map(|(_, of)| part(params, learned, if of.total.is_some() { 1 } else { n })),
        other: chain.takes_other().then(|| matrix(other.f32(), rows, n)),
    };
    let mut none = [];
    let zs = zs.as_mut().map_or(&mut none[..], |zs| zs.f32_mut());
    let (product, saved) = zs.split_at_mut(if chain.column.is_some() { saved as usize } else { zs.len() });
    // What is not bound has no rows.
    let [product_rows, saved_rows] = [usize::from(!product.is_empty()) * rows, usize::from(!saved.is_empty()) * 3];
    let times = chain.narrows();
    let h = Narrow { columns: matrix_mut(h.f32_mut(), rows, n / times), times };
    let out = (matrix_mut(product, product_rows, n), h, matrix_mut(saved, saved_rows, n));
    let x = matrix(x.f32(), rows, k);
    with_room(x, n, 1, |room, strips, size| {
        let x = Packed::new(Form::of(x, n), x, room);
        threads::share(out, [x.least(), STRIP], strips, size, |strip, first, (product, h, saved)| {
            let (weight, strip) = (columns(all.weight.t(), first, first + h.size()), &mut strip[..rows]);
            strip_of_product(x, weight, strip);
            all.end(first, strip, [product, h.columns, saved]);
        });
    });
}

impl Forward<'_> {
    /// What follows the product, on the columns from `first` on.
    fn end(&self, first: usize, strip: &mut [Row], [mut product, mut h, mut saved]: [ArrayViewMut2<'_, f32>; 3]) {
        let (width, columns) = (h.ncols() * self.chain.narrows(), self.weight.nrows());
        let weights = &weights_of(self.learned, first, width);
        let other = self.other.map_or(matrix(&[], 0, width), |other| self::columns(other, first, first + width));
        let place = Place { first, width, columns, weights, other, now: self.now };
        let here = |vector: &[f32]| filled(&vector[first..][..width]);
        if let Some(bias) = self.bias {
            let bias = here(bias);
            simd::run(
                #[inline(always)]
                || strip.iter_mut().for_each(|row| (0..STRIP).for_each(|f| row[f] += bias[f])),
            );
        }
        let link = |strip: &mut [Row], at: usize| {
            let place = place.narrowed(self.chain.narrows_after(at));
            value(&self.chain.links[at], self.args.of_link(self.chain, at), strip, place);
        };
        (0..self.chain.before().len()).for_each(|at| link(strip, at));
        for (row, product) in strip.iter().zip(product.rows_mut()) {
            slice_mut(product).copy_from_slice(&row[..width]);
        }
        if let Some([gamma, beta]) = self.affine {
            let stats = self.statistics(strip, width);
            for (saved, stats) in saved.rows_mut().into_iter().zip(&stats) {
                slice_mut(saved).copy_from_slice(&stats[..width]);
            }
            normalize(strip, &stats, &here(gamma), &here(beta));
        }
        let behind = self.chain.column.map_or(0, |at| at + 1);
        (behind..self.chain.links.len()).for_each(|at| link(strip, at));
        let narrow = h.ncols();
        for (row, h) in strip.iter().zip(h.rows_mut()) {
            slice_mut(h).copy_from_slice(&row[..narrow]);
        }
    }

    /// Mean, 1/√(var + eps) and variance of each column.
    fn statistics(&self, strip: &[Row], width: usize) -> [Row; 3] {
        let eps = f32::from_bits(self.args.word(EPS));
        let mut stats = [[0.0; STRIP]; 3];
        for from in (0..width).step_by(GROUP) {
            simd::run(
                #[inline(always)]
                || statistics_of_group(from, self.now.rows as f32, eps, strip, &mut stats),
            );
        }
        stats
    }
}

#[inline(always)]
fn statistics_of_group(from: usize, count: f32, eps: f32, strip: &[Row], stats: &mut [Row; 3]) {
    let mut shift = [0.0; GROUP];
    if let Some(row) = strip.first() {
        shift.copy_from_slice(&row[from..from + GROUP]);
    }
    let (mut sum, mut squares, mut rest) = ([0.0; GROUP], [0.0; GROUP], [0.0; GROUP]);
    for row in strip {
        let z = &row[from..from + GROUP];
        (0..GROUP).for_each(|f| sum[f] += z[f] - shift[f]);
    }
    let mut mean = [0.0; GROUP];
    (0..GROUP).for_each(|f| mean[f] = shift[f] + sum[f] / count);
    for row in strip {
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
        stats[1][from + f] = 1.0 / (variance + eps).sqrt();
        stats[2][from + f] = variance;
    }
}

/// y = (z − mean) / √(var + eps) · γ + β, in place.
pub(super) fn normalize(strip: &mut [Row], [mean, inv_std, _]: &[Row; 3], gamma: &Row, beta: &Row) {
    simd::run(
        #[inline(always)]
        || {
            for row in strip {
                for f in 0..STRIP {
                    row[f] = (row[f] - mean[f]) * inv_std[f] * gamma[f] + beta[f];
                }
            }
        },
    );
}
