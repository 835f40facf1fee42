//! The CPU path's form: rows are shared by the threads, each row's loss and gradient as its outputs are made.

use super::ARGS;
use crate::gemm::{self, gemm, matrix, matrix_mut, workspace};
use crate::kernel::{Io, Now, Tensor};
use crate::op::stage::RowLoss;
use crate::threads;
use ndarray::{ArrayView1, ArrayViewMut2, s};

/// Writes the step's metrics of the sums over its rows, and halts the run where the loss is not finite.
fn keep((loss, correct): (f64, u32), [mut losses, mut corrects, mut now_tensor]: [Tensor<'_>; 3]) {
    let mut now: Now = now_tensor.now();
    if now.halted != 0 {
        return;
    }
    let mean = (loss / f64::from(now.rows)) as f32;
    losses.f32_mut()[now.index as usize] = mean;
    corrects.u32_mut()[now.index as usize] = correct;
    if !mean.is_finite() {
        now.halted = Now::HALTED_BY_LOSS;
        now_tensor.set_now(&now);
    }
}

/// The CPU path's form.
pub(super) fn fast(row: &RowLoss, layer: Option<bool>, args: &[u32], io: &mut Io<'_>) {
    let [outputs, k, weight, bias] = [0, 1, 2, 3].map(|at| args[at] as usize);
    let mut bound = io.take::<{ crate::kernel::MAX_BINDINGS }>().into_iter();
    let mut next = |is: bool| if is { bound.next().unwrap_or_default() } else { Tensor::None };
    let [x, params, targets, weights] = [true, layer.is_some(), true, row.takes_weights].map(&mut next);
    let [mut d_outputs, losses, corrects, now] = [true; 4].map(&mut next);
    let rows = now.now().rows as usize;
    let class_weights = if row.takes_weights { weights.f32() } else { &[] };
    let known = (targets.u32(), class_weights);
    let metrics = [losses, corrects, now];
    let job = Rows { row, args: &args[ARGS.len()..], outputs, k, known };
    if layer.is_none() {
        let given = matrix(x.f32(), rows, outputs);
        job.run(&mut d_outputs, metrics, |first, mut rows| {
            let end = first + rows.nrows();
            rows.assign(&given.slice(s![first..end, ..]));
        });
        return;
    }
    let (h, weight) = (matrix(x.f32(), rows, k), matrix(&params.f32()[weight..], outputs, k));
    let bias = (layer == Some(true)).then(|| ArrayView1::from(&params.f32()[bias..][..outputs]));
    job.run(&mut d_outputs, metrics, |first, mut rows| {
        gemm(h.slice(s![first..first + rows.nrows(), ..]), weight.t(), rows.view_mut());
        if let Some(bias) = &bias {
            rows += bias;
        }
    });
}

/// Fewest rows that a thread takes at a time.
const ROWS: usize = 32;

/// Multiply-adds that cost as much as one output beside its own.
const END: usize = 512;

/// What all rows share.
struct Rows<'a> {
    row: &'a RowLoss,
    args: &'a [u32],
    outputs: usize,
    k: usize,
    /// Targets and class weights.
    known: (&'a [u32], &'a [f32]),
}

impl Rows<'_> {
    /// Goes over the rows on all threads, where `outputs(first row, rows)` writes those of some rows. The sums are over the rows
    /// in their order.
    fn run(
        &self,
        d_outputs: &mut Tensor<'_>,
        metrics: [Tensor<'_>; 3],
        outputs: impl Fn(usize, ArrayViewMut2<'_, f32>) + Sync,
    ) {
        let (now, width) = (metrics[2].now(), self.outputs);
        let batch = now.rows as usize;
        let d_outputs = matrix_mut(d_outputs.f32_mut(), batch, width).reversed_axes();
        let mut rooms = vec![(); gemm::workers(batch * width * (self.k + END))];
        let words = if self.row.takes_class { 1 } else { width };
        workspace(2 * batch, |found| {
            let (losses, corrects) = found.split_at_mut(batch);
            let corrects = bytemuck::cast_slice_mut::<f32, u32>(corrects);
            let data = (d_outputs, &mut *losses, &mut *corrects);
            threads::share(data, [ROWS, usize::MAX], &mut rooms[..], 1, |_, first, (rows, losses, corrects)| {
                let mut rows = rows.reversed_axes();
                outputs(first, rows.view_mut());
                let Some(rows) = rows.into_slice() else { panic!("rows are contiguous") };
                let found = losses.iter_mut().zip(corrects);
                for (r, (row, (loss, correct))) in rows.chunks_mut(width).zip(found).enumerate() {
                    let target = &self.known.0[(first + r) * words..][..words];
                    (*loss, *correct) = (self.row.fast)(self.args, row, target, self.known.1, &now);
                }
            });
            keep((losses.iter().copied().map(f64::from).sum(), corrects.iter().sum()), metrics);
        });
    }
}
