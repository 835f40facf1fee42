//! Matrix product, in the three forms that a linear layer needs, with its bias and, joined on, a ReLU.
//!
//! x is `[rows, k]`, W `[n, k]` (as PyTorch), b `[n]`:
//! - value (nt): y = x Wᵀ + b, a sum over k;
//! - gradient by x (nn): dx = dy · W, a sum over n;
//! - gradient by W (tn): dW = dyᵀ · x, a sum over rows, and db = Σ dy over rows.
//!
//! Nothing is saved beyond x, and y where a ReLU is joined on (its gradient is taken from y).
//!
//! A product has a family (see [`Family`](crate::op::Family)), chosen when the plan is compiled. The family of GPUs has two sizes
//! of tiles: the large ones, read 16 bytes at a time, for products that fill the device with them. Where a product has too few tiles to
//! fill the device and a long sum, the sum is split: groups along z add parts of k into a private tensor
//! `[parts, m, n]`, and `matmul.sum_parts` adds those in order. Source: the register-tiled form is that of Volkov &
//! Demmel 2008, "Benchmarking GPUs to tune dense linear algebra".

mod cases;
mod cooperative;
mod fast;
mod jobs;
mod twins;
mod variants;

pub use cases::cases;
pub use jobs::{Job, MOST as MOST_JOBS, WeightGradients};
pub use variants::KERNELS;

use crate::args;
use crate::kernel::Kernel;
use crate::op::{Made, Op, Outputs, Recorder, SlotId, Target, Wire, Wires};
use crate::ops::activation::Activation;
use crate::shape::{Shape, ShapeError};
use std::sync::Arc;
use variants::{End, Form, kernels, product};

args! { struct Args { m: u32, n: u32, k: u32, rows_in: u32, part: u32 } }
args! { struct SumArgs { m: u32, n: u32, parts: u32, rows_in: u32 } }
args! { struct SumBiasArgs { m: u32, n: u32, parts: u32, relu: u32 } }
args! { struct ColumnArgs { columns: u32 } }

/// Which size of a product is the rows of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowsIn {
    M = 1,
    K = 2,
}

/// Parts of a split sum are multiples of this, so that every part begins on a 16-byte load.
const PART_STEP: usize = 64;

/// The operation. Inputs: x `[batch, …]` with k elements a row, W `[n, k]`, and b `[n]` if it has a bias; output `out`
/// `[batch, n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matmul {
    /// Whether a ReLU is joined on.
    pub relu: bool,
}

impl Op for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let (x, weight, bias) = match inputs {
            [x, weight] if !self.relu => (x, weight, None),
            [x, weight, bias] => (x, weight, Some(bias)),
            _ => return Err(ShapeError::new("matmul takes x, a weight and at most a bias")),
        };
        if weight.0.len() != 2 || weight.0[1] != x.width() {
            return Err(ShapeError::new(format!("weights {weight} do not fit inputs {x}")));
        }
        if bias.is_some_and(|b| b.0 != [weight.0[0]]) {
            return Err(ShapeError::new(format!("a bias {} does not fit weights {weight}", inputs[2])));
        }
        Ok(Outputs { outputs: vec![Made::f32("out", [x.rows(), weight.0[0]])], saved: vec![] })
    }

    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, weight, y) = (&w.inputs[0], &w.inputs[1], &w.outputs[0]);
        let end = match w.inputs.get(2) {
            None => End::Plain,
            Some(bias) if self.relu => End::BiasRelu(bias.slot),
            Some(bias) => End::Bias(bias.slot),
        };
        let sizes = Sizes { m: x.shape.rows(), n: weight.shape.rows(), k: x.shape.width(), rows_in: RowsIn::M };
        sizes.record(Form::Nt, [x.slot, weight.slot], end, y.slot, rec);
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, weight) = (&w.inputs[0], &w.inputs[1]);
        let mut dy = w.d_outputs[0].clone();
        if self.relu {
            let dz = rec.private("dz", dy.shape.clone());
            Activation::RELU.record_gradient(&w.outputs[0], &dy, &dz, rec);
            dy = dz;
        }
        let (rows, n, k) = (x.shape.rows(), weight.shape.rows(), x.shape.width());
        if let Some(dweight) = &w.d_inputs[1] {
            let sizes = Sizes { m: n, n: k, k: rows, rows_in: RowsIn::K };
            sizes.record(Form::Tn, [dy.slot, x.slot], End::Plain, dweight.slot, rec);
        }
        if let Some(Some(dbias)) = w.d_inputs.get(2) {
            let now = rec.now();
            rec.elements(&variants::COLUMN_SUMS, &ColumnArgs { columns: n as u32 }, &[dy.slot, now, dbias.slot], n);
        }
        if let Some(dx) = &w.d_inputs[0] {
            let sizes = Sizes { m: rows, n: k, k: n, rows_in: RowsIn::M };
            sizes.record(Form::Nn, [dy.slot, weight.slot], End::Plain, dx.slot, rec);
        }
    }

    fn is_product(&self) -> bool {
        !self.relu
    }

    fn with_relu(&self) -> Option<Arc<dyn Op>> {
        (!self.relu).then(|| Arc::new(Self { relu: true }) as Arc<dyn Op>)
    }
}

/// Records x Wᵀ as parts of its sums, `[parts, m, n]`, that are still to be added up; one part where the product is not split.
pub(in crate::ops) fn record_parts(x: &Wire, weight: &Wire, rec: &mut Recorder) -> Wire {
    let sizes = Sizes { m: x.shape.rows(), n: weight.shape.rows(), k: x.shape.width(), rows_in: RowsIn::M };
    sizes.record_parts(Form::Nt, [x.slot, weight.slot], None, rec)
}

/// Records y = the sum of the parts, and a bias if there is one.
pub(in crate::ops) fn record_sum(partial: &Wire, bias: Option<&Wire>, y: &Wire, rec: &mut Recorder) {
    let sizes = Sizes { m: y.shape.rows(), n: y.shape.width(), k: 0, rows_in: RowsIn::M };
    let end = bias.map_or(End::Plain, |bias| End::Bias(bias.slot));
    sizes.record_sum(partial.shape.rows(), partial.slot, end, y.slot, rec);
}

/// Records a sum of parts `[parts, m, n]` that are whole tensors, not rows of the batch.
pub(in crate::ops) fn record_sum_of_parts(partial: &Wire, sum: &Wire, rec: &mut Recorder) {
    let sizes = Sizes { m: partial.shape.0[1], n: partial.shape.0[2], k: 0, rows_in: RowsIn::K };
    sizes.record_sum(partial.shape.rows(), partial.slot, End::Plain, sum.slot, rec);
}

/// Length and number of the parts into which sums over k are split, for a product of so many tiles.
pub(in crate::ops) fn split(k: usize, tiles: usize, target: &Target) -> (usize, usize) {
    let least = k.div_ceil(longest(target)).max(1);
    let parts = (target.groups_wanted as usize / tiles).max(least).min(k.div_ceil(PART_STEP).max(1));
    let part = k.div_ceil(parts).next_multiple_of(PART_STEP);
    if parts == 1 { (k, 1) } else { (part, k.div_ceil(part)) }
}

/// The sizes of one product c[m, n] = Σ_k a · b, by the batch's capacity.
struct Sizes {
    m: usize,
    n: usize,
    k: usize,
    rows_in: RowsIn,
}

/// Longest sum that every kernel of a product adds up within the target's turns. A kernel takes less than two turns for each term.
fn longest(target: &Target) -> usize {
    (target.max_turns as usize / 2).saturating_sub(PART_STEP).max(PART_STEP)
}

/// How a product is cut: its kernels, and tiles across and down.
struct Tiled {
    kernels: &'static [Kernel; 5],
    groups: [usize; 2],
}

impl Sizes {
    fn record(&self, form: Form, operands: [SlotId; 2], end: End, c: SlotId, rec: &mut Recorder) {
        let parts = self.record_parts(form, operands, Some((end, c)), rec);
        if parts.slot != c {
            self.record_sum(parts.shape.rows(), parts.slot, end, c, rec);
        }
    }

    /// Records the product; where it is not split, with this end, if there is one. Gives what it wrote, `[parts, m, n]`.
    fn record_parts(&self, form: Form, [a, b]: [SlotId; 2], whole: Option<(End, SlotId)>, rec: &mut Recorder) -> Wire {
        let Tiled { kernels, groups } = self.tiled(form, &rec.target);
        let (part, parts) = split(self.k, groups[0] * groups[1], &rec.target);
        let grid = [groups[0] as u32, groups[1] as u32, parts as u32];
        let shape = [parts, self.m, self.n];
        let (end, c) = match whole.filter(|_| parts == 1) {
            Some((end, c)) => (end, Wire { slot: c, shape: shape.into() }),
            None => (End::Plain, rec.private("parts", shape)),
        };
        let slots: Vec<SlotId> = [a, b, rec.now()].into_iter().chain(end.bias()).chain([c.slot]).collect();
        rec.dispatch(product(kernels, form, end), &self.args(part), &slots, grid);
        rec.flops(self.flops());
        c
    }

    /// The kernels for a target, and the groups of a product by them.
    fn tiled(&self, form: Form, target: &Target) -> Tiled {
        let groups = |[rows, columns]: [usize; 2]| [self.n.div_ceil(columns), self.m.div_ceil(rows)];
        // Tiles that are half empty, or fewer than the device wants, are too large.
        let fills = |tile: [usize; 2]| {
            let [across, down] = groups(tile);
            self.m > tile[0] / 2
                && self.n > tile[1] / 2
                && across * down >= target.groups_wanted as usize
                && self.k <= longest(target)
        };
        let (kernels, tile) = kernels(target.product, form, self.wide(form), fills);
        Tiled { kernels, groups: groups(tile) }
    }

    fn flops(&self) -> u64 {
        2 * (self.m * self.n * self.k) as u64
    }

    fn args(&self, part: usize) -> Args {
        let [m, n, k, part] = [self.m, self.n, self.k, part].map(|size| size as u32);
        Args { m, n, k, rows_in: self.rows_in as u32, part }
    }

    /// Whether a and b may be read four elements at a time: both strides are multiples of four.
    fn wide(&self, form: Form) -> bool {
        let strides = match form {
            Form::Nt => [self.k, self.k],
            Form::Nn => [self.k, self.n],
            Form::Tn => [self.m, self.n],
        };
        strides.iter().all(|stride| stride % 4 == 0)
    }

    fn record_sum(&self, parts: usize, partial: SlotId, end: End, c: SlotId, rec: &mut Recorder) {
        let [m, n, parts] = [self.m, self.n, parts].map(|size| size as u32);
        let (threads, now) = (self.m * self.n, rec.now());
        match end.bias() {
            None => {
                let args = SumArgs { m, n, parts, rows_in: self.rows_in as u32 };
                rec.elements(&variants::SUM_PARTS, &args, &[partial, now, c], threads);
            }
            Some(bias) => {
                let args = SumBiasArgs { m, n, parts, relu: u32::from(matches!(end, End::BiasRelu(_))) };
                rec.elements(&variants::SUM_PARTS_BIAS, &args, &[partial, now, bias, c], threads);
            }
        }
    }
}
