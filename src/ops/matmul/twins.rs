//! Twins of the products: the definition, with sums in float64; and the CPU path's fast variants, by a GEMM crate.

use super::{Args, ColumnArgs, RowsIn};
use crate::kernel::{Io, Now, args_of};
use crate::ops::activation::relu;
use crate::threads;
use bytemuck::bytes_of;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, s};

impl Args {
    /// m and k with the rows of the step in place of the capacity.
    fn sizes(&self, now: &Now) -> (usize, usize) {
        let m = if self.rows_in == RowsIn::M as u32 { now.rows } else { self.m };
        let k = if self.rows_in == RowsIn::K as u32 { now.rows } else { self.k };
        (m as usize, k as usize)
    }
}

/// c[part, i, j] = end(j, Σ_k a(i, k) · b(k, j)), the sum over the part's k.
fn define(
    a: Args,
    now: &Now,
    term: impl Fn(usize, usize, usize) -> f64,
    end: impl Fn(usize, f64) -> f32,
    c: &mut [f32],
) {
    let (m, k) = a.sizes(now);
    let (capacity, n, part) = (a.m as usize, a.n as usize, a.part as usize);
    for z in 0..c.len() / (capacity * n) {
        for i in 0..m {
            for j in 0..n {
                let sum: f64 = (z * part..k.min((z + 1) * part)).map(|k| term(i, j, k)).sum();
                c[(z * capacity + i) * n + j] = end(j, sum);
            }
        }
    }
}

fn product(x: &[f32], y: &[f32], i: usize, j: usize) -> f64 {
    f64::from(x[i]) * f64::from(y[j])
}

pub(super) fn nt(args: &[u8], io: &mut Io<'_>) {
    let [x, w, now, mut y] = io.take();
    let (a, k): (Args, _) = (args_of(args), args_of::<Args>(args).k as usize);
    let term = |i, j, at| product(x.f32(), w.f32(), i * k + at, j * k + at);
    define(a, &now.now(), term, |_, sum| sum as f32, y.f32_mut());
}

pub(super) fn nt_bias(args: &[u8], io: &mut Io<'_>) {
    let [x, w, now, bias, mut y] = io.take();
    let (a, k): (Args, _) = (args_of(args), args_of::<Args>(args).k as usize);
    let term = |i, j, at| product(x.f32(), w.f32(), i * k + at, j * k + at);
    define(a, &now.now(), term, |j, sum| (sum + f64::from(bias.f32()[j])) as f32, y.f32_mut());
}

/// The two plain twins one after the other.
pub(super) fn nt_bias_relu(args: &[u8], io: &mut Io<'_>) {
    let [x, w, now, bias, mut y] = io.take();
    let (a, k): (Args, _) = (args_of(args), args_of::<Args>(args).k as usize);
    let term = |i, j, at| product(x.f32(), w.f32(), i * k + at, j * k + at);
    define(a, &now.now(), term, |j, sum| relu((sum + f64::from(bias.f32()[j])) as f32), y.f32_mut());
}

pub(super) fn nn(args: &[u8], io: &mut Io<'_>) {
    let [dy, w, now, mut dx] = io.take();
    let a: Args = args_of(args);
    let (k, n) = (a.k as usize, a.n as usize);
    let term = |i, j, at| product(dy.f32(), w.f32(), i * k + at, at * n + j);
    define(a, &now.now(), term, |_, sum| sum as f32, dx.f32_mut());
}

pub(super) fn tn(args: &[u8], io: &mut Io<'_>) {
    let [dy, x, now, mut dw] = io.take();
    let a: Args = args_of(args);
    let (m, n) = (a.m as usize, a.n as usize);
    let term = |i, j, at| product(dy.f32(), x.f32(), at * m + i, at * n + j);
    define(a, &now.now(), term, |_, sum| sum as f32, dw.f32_mut());
}

pub(super) fn sum_parts(
    (capacity, m, n, parts): (u32, u32, u32, u32),
    partial: &[f32],
    bias: impl Fn(usize) -> f64,
    c: &mut [f32],
) {
    let stride = (capacity * n) as usize;
    for i in 0..(m * n) as usize {
        let sum: f64 = (0..parts as usize).map(|part| f64::from(partial[part * stride + i])).sum();
        c[i] = (sum + bias(i % n as usize)) as f32;
    }
}

pub(super) fn column_sums(a: ColumnArgs, dy: &[f32], rows: usize, sums: &mut [f32]) {
    let columns = a.columns as usize;
    let mut totals = vec![0.0; columns];
    for row in dy[..rows * columns].chunks(columns) {
        totals.iter_mut().zip(row).for_each(|(total, &dy)| *total += f64::from(dy));
    }
    sums.iter_mut().zip(totals).for_each(|(sum, total)| *sum = total as f32);
}

/// The value's twin for other operations' twins: y `[m, n]` = x Wᵀ + b, bound as x, W, step, b, y.
pub(in crate::ops) fn value_twin([m, n, k]: [usize; 3], io: &mut Io<'_>) {
    nt_bias(bytes_of(&whole([m, n, k])), io);
}

/// The twin of the gradient by x, likewise: c `[m, n]` = a `[m, k]` · b `[k, n]`, bound as a, b, step, c.
pub(in crate::ops) fn input_gradient_twin([m, n, k]: [usize; 3], io: &mut Io<'_>) {
    nn(bytes_of(&whole([m, n, k])), io);
}

fn whole(sizes: [usize; 3]) -> Args {
    let [m, n, k] = sizes.map(|size| size as u32);
    Args { m, n, k, rows_in: RowsIn::M as u32, part: k }
}

/// A matrix as the GEMM crate takes it.
fn view(data: &[f32], rows: usize, columns: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((rows, columns), &data[..rows * columns]).unwrap_or_else(|e| panic!("{e}"))
}

/// Rows of c that one call of the GEMM crate computes: by the sizes alone, so that no bit depends on the threads. Each
/// call packs all of b again, so a call gets as much work as pays for that, and no fewer rows than the crate's blocks.
fn chunk_rows(m: usize, n: usize, k: usize) -> usize {
    const WORTH_A_CALL: usize = 6 << 20;
    const LEAST_ROWS: usize = 32;
    m.div_ceil((m * n * k / WORTH_A_CALL).max(1)).max(LEAST_ROWS).next_multiple_of(8)
}

/// c = a b for views of any strides, cut into chunks of rows, then `end` on each finished chunk.
fn gemm(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>, c: &mut [f32], end: impl Fn(&mut [f32]) + Sync + Send) {
    let ((m, k), n) = (a.dim(), b.dim().1);
    let rows = chunk_rows(m, n, k);
    let chunks: Vec<_> = c[..m * n].chunks_mut(rows * n).enumerate().collect();
    let work = |(i, chunk): (usize, &mut [f32])| {
        let first = i * rows;
        let last = first + chunk.len() / n;
        let mut out = ArrayViewMut2::from_shape((last - first, n), &mut *chunk).unwrap_or_else(|e| panic!("{e}"));
        general_mat_mul(1.0, &a.slice(s![first..last, ..]), &b, 0.0, &mut out);
        end(chunk);
    };
    if chunks.len() == 1 { chunks.into_iter().for_each(work) } else { threads::for_each(chunks, work) }
}

/// A split sum is only recorded for GPUs; its plain twin serves where a GPU plan is judged on the host.
fn is_whole(a: &Args, now: &Now) -> bool {
    a.part as usize >= a.sizes(now).1
}

fn fast_value(args: &[u8], io: &mut Io<'_>, has_bias: bool, has_relu: bool) {
    let a: Args = args_of(args);
    let [x, w, now, four, five] = io.take();
    let (mut y, bias) = if has_bias { (five, Some(four)) } else { (four, None) };
    let ((m, k), n) = (a.sizes(&now.now()), a.n as usize);
    assert!(is_whole(&a, &now.now()), "the CPU path does not split sums");
    let bias = bias.as_ref().map(|bias| bias.f32());
    gemm(view(x.f32(), m, k), view(w.f32(), n, k).reversed_axes(), y.f32_mut(), |rows| {
        let Some(bias) = bias else { return };
        for row in rows.chunks_mut(n) {
            for (y, b) in row.iter_mut().zip(bias) {
                *y = if has_relu { relu(*y + b) } else { *y + b };
            }
        }
    });
}

pub(super) fn fast_nt(args: &[u8], io: &mut Io<'_>) {
    fast_value(args, io, false, false);
}

pub(super) fn fast_nt_bias(args: &[u8], io: &mut Io<'_>) {
    fast_value(args, io, true, false);
}

pub(super) fn fast_nt_bias_relu(args: &[u8], io: &mut Io<'_>) {
    fast_value(args, io, true, true);
}

pub(super) fn fast_nn(args: &[u8], io: &mut Io<'_>) {
    let a: Args = args_of(args);
    let [dy, w, now, mut dx] = io.take();
    let (m, k) = a.sizes(&now.now());
    assert!(is_whole(&a, &now.now()), "the CPU path does not split sums");
    gemm(view(dy.f32(), m, k), view(w.f32(), k, a.n as usize), dx.f32_mut(), |_| ());
}

pub(super) fn fast_tn(args: &[u8], io: &mut Io<'_>) {
    let a: Args = args_of(args);
    let [dy, x, now, mut dw] = io.take();
    let (m, k) = a.sizes(&now.now());
    assert!(is_whole(&a, &now.now()), "the CPU path does not split sums");
    gemm(view(dy.f32(), k, m).reversed_axes(), view(x.f32(), k, a.n as usize), dw.f32_mut(), |_| ());
}
