//! The end of a classifier in one kernel: the last linear layer, softmax with cross-entropy, its gradient and the step's
//! metrics, by one group of threads, which sees all rows. The plain kernels one after the other; logits, probabilities and
//! single rows' losses are not kept.
//!
//! Allowed where nothing else wants those, and where one group is enough for the work: [`MOST_LOGITS`] logits, and for the
//! layer [`MOST_WORK`] products, its inputs a multiple of four.
//! Source: as the parts (`matmul`, `cross_entropy`, `metrics`).

use crate::gemm::{gemm, matrix, matrix_mut};
use crate::kernel::{
    Binding, Io, Kernel, Needs, Now, Part, Size, Tensor, Tolerance, UPDATE_NOW, args_of, read, update, write,
};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, SlotId, Wire, Wires};
use crate::ops::cross_entropy::{self, Softmax};
use crate::ops::matmul;
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};

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
    twin: |a, io| given(args_of(a), io, cross_entropy::softmax),
    fast: Some(|a, io| given(args_of(a), io, cross_entropy::fast_softmax)),
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
        fast: Some(|a, io| linear_fast(args_of(a), io)),
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

fn given(a: Args, io: &mut Io<'_>, softmax: Softmax) {
    let [logits, labels, weights, mut d_logits, losses, corrects, now] = io.take();
    let count = now.now().rows as usize * a.classes as usize;
    d_logits.f32_mut()[..count].copy_from_slice(&logits.f32()[..count]);
    rows(a, softmax, [&labels, &weights], d_logits.f32_mut(), [losses, corrects, now]);
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
    rows(a, cross_entropy::softmax, [&labels, &weights], d_logits.f32_mut(), [losses, corrects, now]);
}

fn linear_fast(a: Args, io: &mut Io<'_>) {
    let [h, params, labels, weights, mut d_logits, losses, corrects, now] = io.take();
    let (k, classes, batch) = (a.k as usize, a.classes as usize, now.now().rows as usize);
    let weight = matrix(&params.f32()[a.weight as usize..], classes, k);
    let bias = &params.f32()[a.bias as usize..][..classes];
    let logits = d_logits.f32_mut();
    gemm(matrix(h.f32(), batch, k), weight.reversed_axes(), matrix_mut(logits, batch, classes));
    for row in logits[..batch * classes].chunks_exact_mut(classes) {
        row.iter_mut().zip(bias).for_each(|(z, b)| *z += b);
    }
    rows(a, cross_entropy::fast_softmax, [&labels, &weights], logits, [losses, corrects, now]);
}

/// Loss and gradient of each row, whose logits are in `d_logits`, and the metrics of the step.
fn rows(
    a: Args,
    softmax: Softmax,
    [labels, weights]: [&Tensor<'_>; 2],
    d_logits: &mut [f32],
    [mut losses, mut corrects, mut now_tensor]: [Tensor<'_>; 3],
) {
    let (mut now, classes): (Now, _) = (now_tensor.now(), a.classes as usize);
    let (labels, weights) = (labels.u32(), weights.f32());
    let (mut loss, mut correct) = (0.0, 0);
    let sizes = cross_entropy::Args { classes: a.classes, smoothing: a.smoothing };
    for (row, label) in d_logits.chunks_mut(classes).zip(labels).take(now.rows as usize) {
        let label = *label as usize;
        let (mut row_loss, best) = softmax(sizes, row, label);
        row_loss *= weights[label];
        correct += u32::from(best == label && !row_loss.is_nan());
        loss += f64::from(row_loss);
    }
    cross_entropy::backward_in_place(sizes, (labels, weights), &now, d_logits);
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
