//! The end of a classifier in one kernel: the last linear layer, softmax with cross-entropy, its gradient and the step's
//! metrics, by one group of threads, which sees all rows. The plain kernels one after the other; logits, probabilities and
//! single rows' losses are not kept.
//!
//! Allowed where nothing else wants those, and where one group is enough for the work: [`MOST_LOGITS`] logits, and for the
//! layer [`MOST_WORK`] products, its inputs a multiple of four.
//! Source: as the parts (`matmul`, `cross_entropy`, `metrics`).

use crate::gemm::{self, gemm, matrix, matrix_mut, workspace};
use crate::kernel::{
    Binding, Io, Kernel, Needs, Now, Part, Size, Tensor, Tolerance, UPDATE_NOW, args_of, read, update, write,
};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, SlotId, Wire, Wires};
use crate::ops::cross_entropy::{self, CrossEntropy, Softmax};
use crate::ops::matmul;
use crate::shape::{Shape, ShapeError};
use crate::{args, parts, threads};
use ndarray::{ArrayView1, ArrayViewMut2, s};
use std::any::Any;
use std::sync::Arc;

args! { struct Args { classes: u32, smoothing: f32, k: u32, weight: u32, bias: u32 } }

/// Most logits of a batch that one group takes.
pub const MOST_LOGITS: usize = 1 << 14;

/// Most products of a last layer that one group takes.
pub const MOST_WORK: usize = 1 << 20;

/// As `cross_entropy.forward`, behind a sum over k where there is a product.
const TOLERANCE: Tolerance = Tolerance {
    c: 64.0,
    size: Size::Largest,
    terms: |a, rows| {
        let a: Args = args_of(a);
        (a.classes + a.k) as usize + rows
    },
};

static GIVEN: Kernel = Kernel {
    name: "head.cross_entropy",
    parts: parts!(
        "shared/now.wgsl",
        "shared/numbers.wgsl",
        "head/given.wgsl",
        "cross_entropy/row.wgsl",
        "head/cross_entropy.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[
        read("logits"),
        read("labels").u32(),
        read("class_weights"),
        write("d_logits"),
        update("losses"),
        update("corrects").u32(),
        UPDATE_NOW,
    ],
    needs: Needs::Nothing,
    tolerance: TOLERANCE,
    twin: |a, io| given_twin(args_of(a), io),
    fast: Some(&|a, io| given_fast(args_of(a), io)),
};

const LINEAR_BINDINGS: &[Binding] = &[
    read("h"),
    read("params"),
    read("labels").u32(),
    read("class_weights"),
    write("d_logits"),
    update("losses"),
    update("corrects").u32(),
    UPDATE_NOW,
];

const fn linear_kernel(name: &'static str, parts: &'static [Part], needs: Needs) -> Kernel {
    Kernel {
        name,
        parts,
        args: Args::FIELDS,
        bindings: LINEAR_BINDINGS,
        needs,
        tolerance: TOLERANCE,
        twin: |a, io| linear_twin(args_of(a), io),
        fast: Some(&|a, io| linear_fast(args_of(a), io)),
    }
}

macro_rules! with {
    ($quads:literal, $product:literal) => {
        parts!(
            "shared/now.wgsl",
            "shared/numbers.wgsl",
            $quads,
            "head/layer.wgsl",
            $product,
            "cross_entropy/row.wgsl",
            "head/cross_entropy.wgsl"
        )
    };
}

static LINEAR: [Kernel; 2] = [
    linear_kernel("head.linear_cross_entropy", with!("shared/quads.wgsl", "head/product.wgsl"), Needs::Nothing),
    linear_kernel(
        "head.linear_cross_entropy_subgroup",
        with!("shared/quads_u64.wgsl", "head/product_subgroup.wgsl"),
        Needs::SubgroupsOf8,
    ),
];

/// Its kernels.
pub static KERNELS: &[&Kernel] = &[&GIVEN, &LINEAR[0], &LINEAR[1]];

/// The operation. Inputs: logits `[batch, classes]`, or h `[batch, k]`, W `[classes, k]` and b `[classes]`; then labels
/// `[batch]`, class weights `[classes]`, losses and corrects `[lines]`. Output: the gradient by the logits.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Share of each target that is spread over all classes, in [0, 1).
    pub label_smoothing: f64,
    /// Whether the last layer is part of it.
    pub linear: bool,
}

/// What a loss becomes where it can be joined with its gradient and the step's metrics; without the last layer.
pub fn of_loss(op: &Arc<dyn Op>) -> Option<Head> {
    let op: &dyn Any = &**op;
    let &CrossEntropy { label_smoothing } = op.downcast_ref()?;
    Some(Head { label_smoothing, linear: false })
}

impl Op for Head {
    fn name(&self) -> &'static str {
        "head"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [x, rest @ ..] = inputs else { return Err(ShapeError::new("a head takes inputs")) };
        let classes = if self.linear { rest[0].rows() } else { x.width() };
        let logits = x.rows() * classes;
        if logits > MOST_LOGITS || self.linear && (x.width() % 4 != 0 || logits * x.width() > MOST_WORK) {
            return Err(ShapeError::new(format!("a head does not take inputs {x} for {classes} classes")));
        }
        Ok(Outputs { outputs: vec![Made::f32("d_logits", [x.rows(), classes])], saved: vec![] })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let slots: Vec<SlotId> = w.inputs.iter().map(|wire| wire.slot).collect();
        let (out, now) = (&w.outputs[0], rec.now());
        let mut args =
            Args { classes: out.shape.width() as u32, smoothing: self.label_smoothing as f32, ..Args::default() };
        if !self.linear {
            let [logits, labels, weights, losses, corrects] = slots[..] else { unreachable!("five inputs") };
            rec.dispatch(&GIVEN, &args, &[logits, labels, weights, out.slot, losses, corrects, now], [1, 1, 1]);
            return;
        }
        let [h, weight, bias, labels, weights, losses, corrects] = slots[..] else { unreachable!("seven inputs") };
        let params = rec.together(&[weight, bias]);
        (args.k, args.weight, args.bias) = (w.inputs[0].shape.width() as u32, rec.offset(weight), rec.offset(bias));
        rec.dispatch(
            rec.best(&LINEAR),
            &args,
            &[h, params, labels, weights, out.slot, losses, corrects, now],
            [1, 1, 1],
        );
        rec.flops(2 * (w.inputs[0].shape.elements() * out.shape.width()) as u64);
    }
}

fn given_twin(a: Args, io: &mut Io<'_>) {
    let [logits, labels, weights, mut d_logits, losses, corrects, now] = io.take();
    let count = now.now().rows as usize * a.classes as usize;
    d_logits.f32_mut()[..count].copy_from_slice(&logits.f32()[..count]);
    rows_twin(a, [&labels, &weights], d_logits.f32_mut(), [losses, corrects, now]);
}

fn linear_twin(a: Args, io: &mut Io<'_>) {
    let [h, params, labels, weights, mut d_logits, losses, corrects, now] = io.take();
    let (k, classes) = (a.k as usize, a.classes as usize);
    let capacity = d_logits.u32().len() / classes;
    let [weight, bias] = [(a.weight, classes * k), (a.bias, classes)].map(|(at, n)| &params.u32()[at as usize..][..n]);
    let mut product = Io::default();
    let read = [h.u32(), weight, now.u32(), bias];
    read.iter().enumerate().for_each(|(place, words)| product.bind(place, Tensor::Read(words)));
    product.bind(read.len(), Tensor::Write(d_logits.u32_mut()));
    matmul::value_twin([capacity, classes, k], &mut product);
    rows_twin(a, [&labels, &weights], d_logits.f32_mut(), [losses, corrects, now]);
}

/// Loss and gradient of each row, whose logits are in `d_logits`, and the metrics of the step.
fn rows_twin(a: Args, [labels, weights]: [&Tensor<'_>; 2], d_logits: &mut [f32], metrics: [Tensor<'_>; 3]) {
    let (now, known) = (metrics[2].now(), (labels.u32(), weights.f32()));
    let mut found = (0.0, 0);
    for (row, &label) in d_logits.chunks_mut(a.classes as usize).zip(known.0).take(now.rows as usize) {
        let (loss, is_correct) = row_of(a, cross_entropy::softmax, row, label as usize, known.1);
        found = (found.0 + f64::from(loss), found.1 + is_correct);
    }
    cross_entropy::backward_in_place(a.sizes(), known, &now, d_logits);
    keep(found, metrics);
}

impl Args {
    fn sizes(&self) -> cross_entropy::Args {
        cross_entropy::Args { classes: self.classes, smoothing: self.smoothing }
    }
}

/// A row's weighted loss, and 1 where its label has the largest logit. Leaves its probabilities.
fn row_of(a: Args, softmax: Softmax, row: &mut [f32], label: usize, weights: &[f32]) -> (f32, u32) {
    let (loss, best) = softmax(a.sizes(), row, label);
    let loss = loss * weights[label];
    (loss, u32::from(best == label && !loss.is_nan()))
}

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

fn given_fast(a: Args, io: &mut Io<'_>) {
    let [logits, labels, weights, mut d_logits, losses, corrects, now] = io.take();
    let (batch, classes) = (now.now().rows as usize, a.classes as usize);
    let logits = matrix(logits.f32(), batch, classes);
    rows_fast(a, 0, [&labels, &weights], &mut d_logits, [losses, corrects, now], |first, mut rows| {
        let end = first + rows.nrows();
        rows.assign(&logits.slice(s![first..end, ..]));
    });
}

fn linear_fast(a: Args, io: &mut Io<'_>) {
    let [h, params, labels, weights, mut d_logits, losses, corrects, now] = io.take();
    let (k, classes, batch) = (a.k as usize, a.classes as usize, now.now().rows as usize);
    let (h, weight) = (matrix(h.f32(), batch, k), matrix(&params.f32()[a.weight as usize..], classes, k));
    let bias = ArrayView1::from(&params.f32()[a.bias as usize..][..classes]);
    rows_fast(a, k, [&labels, &weights], &mut d_logits, [losses, corrects, now], |first, mut rows| {
        gemm(h.slice(s![first..first + rows.nrows(), ..]), weight.t(), rows.view_mut());
        rows += &bias;
    });
}

/// Fewest rows that a thread takes at a time.
const ROWS: usize = 32;

/// Products that take as long as what one logit costs beside its own.
const END: usize = 512;

/// [`rows_twin`] on all threads, where `logits(first row, rows)` writes those of some rows, of `k` products each. The sums
/// are over the rows in their order.
fn rows_fast(
    a: Args,
    k: usize,
    [labels, weights]: [&Tensor<'_>; 2],
    d_logits: &mut Tensor<'_>,
    metrics: [Tensor<'_>; 3],
    logits: impl Fn(usize, ArrayViewMut2<'_, f32>) + Sync,
) {
    let (now, labels, weights) = (metrics[2].now(), labels.u32(), weights.f32());
    let (batch, classes) = (now.rows as usize, a.classes as usize);
    let d_logits = matrix_mut(d_logits.f32_mut(), batch, classes).reversed_axes();
    let mut rooms = vec![(); gemm::workers(batch * classes * (k + END))];
    workspace(2 * batch, |found| {
        let (losses, corrects) = found.split_at_mut(batch);
        let corrects = bytemuck::cast_slice_mut::<f32, u32>(corrects);
        let data = (d_logits, &mut *losses, &mut *corrects);
        threads::share(data, [ROWS, usize::MAX], &mut rooms[..], 1, |_, first, (rows, losses, corrects)| {
            let (mut rows, labels) = (rows.reversed_axes(), &labels[first..]);
            logits(first, rows.view_mut());
            let rows = rows.into_slice().unwrap_or(&mut []);
            let found = losses.iter_mut().zip(corrects);
            for ((row, &label), (loss, correct)) in rows.chunks_mut(classes).zip(labels).zip(found) {
                (*loss, *correct) = row_of(a, cross_entropy::fast_softmax, row, label as usize, weights);
            }
            cross_entropy::backward_in_place(a.sizes(), (labels, weights), &now, rows);
        });
        keep((losses.iter().copied().map(f64::from).sum(), corrects.iter().sum()), metrics);
    });
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let tail = |batch: usize, classes: usize| {
        let weights = Fill::Words((0..classes).map(|class| (0.5 + 0.25 * class as f32).to_bits()).collect());
        let lines = || ([3].into(), Fill::Words(vec![0; 3]));
        vec![([batch].into(), Fill::Below(classes as u32)), ([classes].into(), weights), lines(), lines()]
    };
    let given = |name: &str, label_smoothing: f64, rows: usize, [batch, classes]: [usize; 2], fill: Fill| {
        let inputs = [vec![([batch, classes].into(), fill)], tail(batch, classes)].concat();
        Case::new(name, Head { label_smoothing, linear: false }, rows, inputs).not_smooth()
    };
    let linear = |name: &str, label_smoothing: f64, rows: usize, [batch, k, classes]: [usize; 3], fill: Fill| {
        let layer = vec![
            ([batch, k].into(), fill),
            ([classes, k].into(), Fill::Normal(0.0, 0.3)),
            ([classes].into(), Fill::Normal(0.0, 1.0)),
        ];
        let inputs = [layer, tail(batch, classes)].concat();
        Case::new(name, Head { label_smoothing, linear: true }, rows, inputs).not_smooth()
    };
    let normal = || Fill::Normal(0.0, 2.0);
    vec![
        given("1x2", 0.0, 1, [1, 2], normal()),
        given("smoothed, 301 of 307x7", 0.1, 301, [307, 7], normal()),
        given("scaled, 31x7", 0.1, 31, [31, 7], normal()).exponent(16),
        given("extreme", 0.0, 21, [21, 6], Fill::Extreme),
        linear("linear 1x4 to 2", 0.0, 1, [1, 4, 2], normal()),
        linear("linear 128x128 to 10", 0.0, 128, [128, 128, 10], Fill::Normal(0.0, 0.5)),
        linear("linear, smoothed, 301 of 307x20 to 7", 0.1, 301, [307, 20, 7], normal()),
        linear("linear, scaled 31x8 to 5", 0.0, 31, [31, 8, 5], Fill::Normal(0.0, 0.5)).exponent(16),
        linear("linear, extreme", 0.0, 21, [21, 8, 6], Fill::Extreme),
    ]
}
