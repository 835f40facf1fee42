//! The CPU path's forms of the products, by [`crate::gemm`].

use super::jobs::{MOST, NOWHERE, Placed};
use super::{Args, ColumnArgs};
use crate::gemm::{Task, gemm_on_all, matrix, matrix_mut, run_on_all, slice_mut};
use crate::kernel::{Io, Now, args_of};
use crate::ops::activation::relu;
use crate::simd;

/// A split sum is only recorded for GPUs; its plain twin serves where a GPU plan is judged on the host.
fn is_whole(a: &Args, now: &Now) -> bool {
    a.part as usize >= a.sizes(now).1
}

fn value_of(args: &[u8], io: &mut Io<'_>, has_bias: bool, has_relu: bool) {
    let a: Args = args_of(args);
    let [x, w, now, four, five] = io.take();
    let (mut y, bias) = if has_bias { (five, Some(four)) } else { (four, None) };
    let ((m, k), n) = (a.sizes(&now.now()), a.n as usize);
    assert!(is_whole(&a, &now.now()), "the CPU path does not split sums");
    let bias = bias.as_ref().map(|bias| bias.f32());
    let (x, w, y) = (matrix(x.f32(), m, k), matrix(w.f32(), n, k).reversed_axes(), matrix_mut(y.f32_mut(), m, n));
    gemm_on_all(x, w, y, |[_, first], mut block| {
        let Some(bias) = bias else { return };
        let bias = &bias[first..first + block.ncols()];
        for row in block.rows_mut() {
            add_bias(slice_mut(row), bias, has_relu);
        }
    });
}

/// y ← y + b, and its ReLU.
fn add_bias(y: &mut [f32], bias: &[f32], has_relu: bool) {
    simd::run(
        #[inline(always)]
        || {
            for (y, b) in y.iter_mut().zip(bias) {
                *y = if has_relu { relu(*y + b) } else { *y + b };
            }
        },
    );
}

pub(super) fn nt(args: &[u8], io: &mut Io<'_>) {
    value_of(args, io, false, false);
}

pub(super) fn nt_bias(args: &[u8], io: &mut Io<'_>) {
    value_of(args, io, true, false);
}

pub(super) fn nt_bias_relu(args: &[u8], io: &mut Io<'_>) {
    value_of(args, io, true, true);
}

pub(super) fn nn(args: &[u8], io: &mut Io<'_>) {
    let a: Args = args_of(args);
    let [dy, w, now, mut dx] = io.take();
    let ((m, k), n) = (a.sizes(&now.now()), a.n as usize);
    assert!(is_whole(&a, &now.now()), "the CPU path does not split sums");
    let (dy, w, dx) = (matrix(dy.f32(), m, k), matrix(w.f32(), k, n), matrix_mut(dx.f32_mut(), m, n));
    gemm_on_all(dy, w, dx, |_, _| ());
}

pub(super) fn tn(args: &[u8], io: &mut Io<'_>) {
    let a: Args = args_of(args);
    let [dy, x, now, mut dw] = io.take();
    let ((m, k), n) = (a.sizes(&now.now()), a.n as usize);
    assert!(is_whole(&a, &now.now()), "the CPU path does not split sums");
    let (dy, x, dw) = (matrix(dy.f32(), k, m).reversed_axes(), matrix(x.f32(), k, n), matrix_mut(dw.f32_mut(), m, n));
    gemm_on_all(dy, x, dw, |_, _| ());
}

/// Sums over rows, in float32: the terms in the order of the rows.
pub(super) fn column_sums(args: &[u8], io: &mut Io<'_>) {
    let [dy, now, mut sums] = io.take();
    let (columns, rows) = (args_of::<ColumnArgs>(args).columns as usize, now.now().rows as usize);
    run_on_all([Task::Sums { b: matrix(dy.f32(), rows, columns), c: matrix_mut(sums.f32_mut(), 1, columns) }]);
}

/// Gradients of several layers' weights and biases, each at its place in the gradients.
pub(super) fn jobs(jobs: [Placed; MOST], io: &mut Io<'_>) {
    let [dy0, x0, dy1, x1, dy2, x2, now, mut grads] = io.take();
    let (rows, operands) = (now.now().rows as usize, [[dy0, x0], [dy1, x1], [dy2, x2]]);
    // Of each job the weight's gradient and the bias's, in the order in which they lie in memory.
    let mut places: [(u32, usize); 2 * MOST] = std::array::from_fn(|part| {
        let job = jobs[part / 2];
        let place = if part % 2 == 0 { job.weight } else { job.bias };
        (if job.m == 0 { NOWHERE } else { place }, part)
    });
    places.sort_unstable();
    let (mut rest, mut start) = (grads.f32_mut(), 0);
    let tasks = places.map(|(place, part)| {
        if place == NOWHERE {
            return Task::nothing();
        }
        let (job, [dy, x]) = (jobs[part / 2], &operands[part / 2]);
        let (m, n, dy) = (job.m as usize, job.n as usize, matrix(dy.f32(), rows, job.m as usize));
        let from = &mut std::mem::take(&mut rest)[place as usize - start..];
        let (own, after) = from.split_at_mut(if part % 2 == 0 { m * n } else { m });
        start = place as usize + own.len();
        rest = after;
        if part % 2 == 0 {
            Task::Product { a: dy.reversed_axes(), b: matrix(x.f32(), rows, n), c: matrix_mut(own, m, n) }
        } else {
            Task::Sums { b: dy, c: matrix_mut(own, 1, m) }
        }
    });
    run_on_all(tasks);
}
