//! Sigmoid with binary cross-entropy over logits and targets `[rows, outputs]`: one output is logistic regression, several
//! are as many yes-or-no questions.
//!
//! loss of an element = −t log p − (1 − t) log(1 − p) with p = σ(z), computed from the logit as
//! max(z, 0) − z·t + log(1 + e^−|z|), so that logits of any size are safe; loss of a row = mean over its outputs. The
//! gradient of the mean over rows is (p − t) / (rows · outputs). An element is multiplied by the weight of a no or a yes,
//! between the two where t is. A NaN among the logits makes the row's loss NaN. Source: Goodfellow et al. 2016, eq. 6.25
//! and section 6.2.2.2.

use crate::kernel::{Kernel, NOW, Needs, Now, Size, Tolerance, args_of, read, write};
use crate::op::stage::RowLoss;
use crate::op::{Answer, Case, Fill, LossKind, Made, Op, Outputs, Recorder, SIGMOID, Weighing, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};
use std::sync::Arc;

args! { struct Args { outputs: u32 } }

/// Drivers' `exp` is good to some 20 roundings over its range, and its error passes into the result whole.
const TOLERANCE: Tolerance =
    Tolerance { c: 32.0, size: Size::Largest, terms: |a, _| args_of::<Args>(a).outputs as usize };

static FORWARD: Kernel = Kernel {
    name: "binary_cross_entropy.forward",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "shared/log1p.wgsl",
        "shared/sigmoid.wgsl",
        "binary_cross_entropy/args.wgsl",
        "binary_cross_entropy/element.wgsl",
        "binary_cross_entropy/forward.wgsl",
        "shared/row_loss.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[
        read("logits"),
        read("target_values"),
        read("class_weights"),
        NOW,
        write("row_loss"),
        write("correct").u32(),
    ],
    needs: Needs::Nothing,
    tolerance: TOLERANCE,
    twin: Some(|a, io| {
        let [logits, targets, weights, now, mut row_loss, mut correct] = io.take();
        let (row_loss, correct) = (row_loss.f32_mut(), correct.u32_mut());
        let outputs = args_of::<Args>(a).outputs as usize;
        for r in 0..now.now().rows as usize {
            let row = r * outputs..(r + 1) * outputs;
            let (logits, targets) = (&logits.f32()[row.clone()], &targets.f32()[row]);
            (row_loss[r], correct[r]) = forward(logits, targets, weights.f32());
        }
    }),
    fast: None,
};

static BACKWARD: Kernel = Kernel {
    name: "binary_cross_entropy.backward",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "shared/log1p.wgsl",
        "shared/sigmoid.wgsl",
        "binary_cross_entropy/args.wgsl",
        "binary_cross_entropy/element.wgsl",
        "binary_cross_entropy/backward.wgsl",
        "shared/row_gradient.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("logits"), read("target_values"), read("class_weights"), NOW, write("d_outputs")],
    needs: Needs::Nothing,
    tolerance: Tolerance { terms: |_, _| 1, ..TOLERANCE },
    twin: Some(|a, io| {
        let [logits, targets, weights, now, mut d_logits] = io.take();
        let (count, scale) =
            ((now.now().rows * args_of::<Args>(a).outputs) as usize, f64::from(now.now().loss_scale()));
        for i in 0..count {
            let (z, t) = (f64::from(logits.f32()[i]), f64::from(targets.f32()[i]));
            d_logits.f32_mut()[i] = (scale * weight(weights.f32(), t) * (sigmoid(z) - t) / count as f64) as f32;
        }
    }),
    fast: None,
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&FORWARD, &BACKWARD];

/// Binary cross-entropy of logits, as the registry of losses lists it.
pub static BINARY_CROSS_ENTROPY: LossKind = LossKind {
    name: "binary_cross_entropy",
    doc: "a sigmoid for each output, and the negative logarithm of the right answer's probability",
    settings: &[],
    answers: &[Answer::Binary, Answer::Labels],
    default_for: &[Answer::Binary, Answer::Labels],
    link: &SIGMOID,
    smooths_labels: false,
    weighs_classes: true,
    op: |_, _| Arc::new(BinaryCrossEntropy),
    of_row: |_, outputs, right, weighing| loss_of_row(outputs, right.numbers(), weighing),
};

/// The operation. Inputs: logits and targets `[batch, outputs]`, weights of a no and a yes `[2]`. Outputs: row_loss
/// and correct (right answers of the row) `[batch]`. It ends a network: its upstream gradient is that of the mean.
#[derive(Clone, Copy, Debug)]
pub struct BinaryCrossEntropy;

impl Op for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary_cross_entropy"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [logits, targets, weights] = inputs else {
            return Err(ShapeError::new("binary_cross_entropy takes logits, targets and class weights"));
        };
        if logits.0.len() != 2 || logits != targets || weights.0 != [2] {
            return Err(ShapeError::new(format!(
                "binary_cross_entropy wants logits {targets}, one for each target, not {logits}"
            )));
        }
        let rows = logits.rows();
        Ok(Outputs { outputs: vec![Made::f32("row_loss", [rows]), Made::u32("correct", [rows])], saved: vec![] })
    }

    fn differentiable(&self, input: usize) -> bool {
        input == 0
    }

    fn row_loss(&self) -> Option<RowLoss> {
        Some(RowLoss {
            name: "binary_cross_entropy",
            parts: parts!(
                "shared/log1p.wgsl",
                "shared/sigmoid.wgsl",
                "binary_cross_entropy/element.wgsl",
                "shared/row_judged.wgsl"
            ),
            args: vec![],
            takes_class: false,
            takes_weights: true,
            c: 32.0,
            fast: judged,
        })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let now = rec.now();
        let inputs = w.inputs.iter().map(|wire| wire.slot);
        let slots: Vec<_> = inputs.chain([now]).chain(w.outputs.iter().map(|wire| wire.slot)).collect();
        rec.elements(&FORWARD, &args(&w.inputs[0]), &slots, w.inputs[0].shape.rows());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        if let Some(d_logits) = &w.d_inputs[0] {
            let now = rec.now();
            let slots: Vec<_> = w.inputs.iter().map(|wire| wire.slot).chain([now, d_logits.slot]).collect();
            rec.elements(&BACKWARD, &args(&w.inputs[0]), &slots, d_logits.shape.elements());
        }
    }
}

fn args(logits: &Wire) -> Args {
    Args { outputs: logits.shape.width() as u32 }
}

/// Loss, right answers and gradient of one row.
fn judged(_: &[u32], outputs: &mut [f32], target: &[u32], weights: &[f32], now: &Now) -> (f32, u32) {
    let targets: &[f32] = bytemuck::cast_slice(target);
    let (loss, right) = forward(outputs, targets, weights);
    let share = f64::from(now.loss_scale()) / (now.rows as usize * outputs.len()) as f64;
    for (z, &t) in outputs.iter_mut().zip(targets) {
        let t = f64::from(t);
        *z = (share * weight(weights, t) * (sigmoid(f64::from(*z)) - t)) as f32;
    }
    (loss, right)
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, rows: usize, shape: [usize; 2], fill: Fill| {
        // 0 and 1, and what lies between.
        let target = |i: usize| [0.0f32, 1.0, 1.0, 0.0, 0.25, 0.9][i % 6].to_bits();
        let targets = (shape.into(), Fill::Words((0..shape[0] * shape[1]).map(target).collect()));
        let weights = ([2].into(), Fill::Words(vec![0.5f32.to_bits(), 2.0f32.to_bits()]));
        Case::new(name, BinaryCrossEntropy, rows, vec![(shape.into(), fill), targets, weights])
    };
    let normal = || Fill::Normal(0.0, 3.0);
    vec![
        case("1x1", 1, [1, 1], normal()),
        case("129x1", 129, [129, 1], normal()),
        case("1280x3", 1280, [1280, 3], normal()),
        // Errors are relative to the largest loss, which is small here.
        case("near 0, 31x7", 31, [31, 7], Fill::Normal(0.0, 0.2)),
        case("37x5 of 40 rows", 37, [40, 5], normal()),
        case("scaled 9x5", 9, [9, 5], normal()).exponent(16),
        case("huge logits", 33, [33, 3], Fill::Normal(0.0, 5e3)).not_smooth(),
        case("extreme", 21, [21, 4], Fill::Extreme).not_smooth(),
    ]
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn weight(weights: &[f32], t: f64) -> f64 {
    f64::from(weights[0]) + t * (f64::from(weights[1]) - f64::from(weights[0]))
}

/// The loss of one row in float64.
fn loss_of_row(logits: &[f32], targets: &[f32], weighing: &Weighing) -> f64 {
    let loss = |(&z, &t): (&f32, &f32)| {
        let (z, t) = (f64::from(z), f64::from(t));
        if z.is_nan() {
            return z;
        }
        // Of certain answers, whose logits are infinite, a right one costs nothing.
        let off = if z > 0.0 { 1.0 - t } else { t };
        let far = if off == 0.0 { 0.0 } else { z.abs() * off };
        let (no, yes) = (weighing.of(0), weighing.of(1));
        (no + t * (yes - no)) * (far + (-z.abs()).exp().ln_1p())
    };
    logits.iter().zip(targets).map(loss).sum::<f64>() / logits.len() as f64
}

/// One row: its loss, and how many answers are right.
fn forward(logits: &[f32], targets: &[f32], weights: &[f32]) -> (f32, u32) {
    let (mut sum, mut right) = (0.0, 0);
    for (&z, &t) in logits.iter().zip(targets) {
        let (wide, t64) = (f64::from(z), f64::from(t));
        let loss = if z.is_nan() { wide } else { wide.max(0.0) - wide * t64 + (-wide.abs()).exp().ln_1p() };
        sum += weight(weights, t64) * loss;
        right += u32::from(!z.is_nan() && (z > 0.0) == (t > 0.5));
    }
    ((sum / logits.len() as f64) as f32, right)
}
