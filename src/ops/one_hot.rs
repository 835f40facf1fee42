//! Losses of one class a row that judge every output by itself, against the one-hot vector of the class: squared error and
//! binary cross-entropy, over outputs `[rows, classes]` and integer labels `[rows]`.
//!
//! t = 1 for the output of the class and 0 for the others. Squared error: loss of a row = Σ (y − t)² / classes, gradient of the mean
//! over rows 2 (y − t) / (rows · classes). Binary cross-entropy, with p = σ(z): loss of a row = Σ −t log p − (1 − t) log(1 − p) over
//! its classes, divided by their number, from the logit as in `binary_cross_entropy`; gradient (p − t) / (rows · classes). The answer
//! is the first largest output. A NaN among the outputs makes the row's loss NaN. Source: Nielsen, "Neural Networks and Deep
//! Learning" (2015), equations 6 and 63, which add up over the outputs where these take the mean, and halve the square.

use crate::kernel::{Binding, Io, Kernel, NOW, Needs, Now, Part, Size, Tolerance, Twin, args_of, read, write};
use crate::op::stage::{RowFn, RowLoss};
use crate::op::{Answer, Case, Fill, IDENTITY, LossKind, Made, Op, Outputs, Recorder, SIGMOID, Wire, Wires, largest};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};
use std::sync::Arc;

args! { struct Args { outputs: u32 } }

const FORWARD: &[Binding] = &[read("outputs"), read("labels").u32(), NOW, write("row_loss"), write("correct").u32()];
const BACKWARD: &[Binding] = &[read("outputs"), read("labels").u32(), NOW, write("d_outputs")];

/// A difference, its square and a sum.
const SQUARED_C: f64 = 8.0;

/// Drivers' `exp` is good to some 20 roundings over its range, and its error passes into the result whole.
const LOGISTIC_C: f64 = 32.0;

const fn forward_kernel(name: &'static str, parts: &'static [Part], c: f64, twin: Twin) -> Kernel {
    let tolerance = Tolerance { c, size: Size::Largest, terms: |a, _| args_of::<Args>(a).outputs as usize };
    Kernel {
        name,
        parts,
        args: Args::FIELDS,
        bindings: FORWARD,
        needs: Needs::Nothing,
        tolerance,
        twin: Some(twin),
        fast: None,
    }
}

const fn backward_kernel(name: &'static str, parts: &'static [Part], c: f64, twin: Twin) -> Kernel {
    let tolerance = Tolerance { c, size: Size::Largest, terms: |_, _| 1 };
    Kernel {
        name,
        parts,
        args: Args::FIELDS,
        bindings: BACKWARD,
        needs: Needs::Nothing,
        tolerance,
        twin: Some(twin),
        fast: None,
    }
}

static SQUARED_FORWARD: Kernel = forward_kernel(
    "one_hot.squared_forward",
    parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "one_hot/args.wgsl",
        "mse/element.wgsl",
        "one_hot/row.wgsl",
        "one_hot/forward.wgsl"
    ),
    SQUARED_C,
    |a, io| forward(&SQUARED, a, io),
);

static SQUARED_BACKWARD: Kernel = backward_kernel(
    "one_hot.squared_backward",
    parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "one_hot/args.wgsl",
        "mse/element.wgsl",
        "one_hot/backward.wgsl"
    ),
    SQUARED_C,
    |a, io| backward(&SQUARED, a, io),
);

static LOGISTIC_FORWARD: Kernel = forward_kernel(
    "one_hot.logistic_forward",
    parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "shared/log1p.wgsl",
        "shared/sigmoid.wgsl",
        "one_hot/args.wgsl",
        "one_hot/logistic.wgsl",
        "one_hot/row.wgsl",
        "one_hot/forward.wgsl"
    ),
    LOGISTIC_C,
    |a, io| forward(&LOGISTIC, a, io),
);

static LOGISTIC_BACKWARD: Kernel = backward_kernel(
    "one_hot.logistic_backward",
    parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "shared/log1p.wgsl",
        "shared/sigmoid.wgsl",
        "one_hot/args.wgsl",
        "one_hot/logistic.wgsl",
        "one_hot/backward.wgsl"
    ),
    LOGISTIC_C,
    |a, io| backward(&LOGISTIC, a, io),
);

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&SQUARED_FORWARD, &SQUARED_BACKWARD, &LOGISTIC_FORWARD, &LOGISTIC_BACKWARD];

const SQUARED_NAME: &str = "one_hot_mse";
const LOGISTIC_NAME: &str = "one_hot_binary_cross_entropy";

/// What one output costs, in float64.
#[derive(Debug)]
struct Element {
    /// The name of the loss, as in a recipe.
    name: &'static str,
    /// The forward and the backward kernel.
    kernels: [&'static Kernel; 2],
    /// WGSL of the row's judgement, for a head.
    row: &'static [Part],
    /// The kernels' distance from the twins, in the units of [`Tolerance::c`].
    c: f64,
    /// The loss of an output and its target.
    loss: fn(f64, f64) -> f64,
    /// Its gradient by the output.
    gradient: fn(f64, f64) -> f64,
    /// The form of a row on the CPU path.
    fast: RowFn,
}

static SQUARED: Element = Element {
    name: SQUARED_NAME,
    kernels: [&SQUARED_FORWARD, &SQUARED_BACKWARD],
    row: parts!("mse/element.wgsl", "one_hot/row.wgsl", "one_hot/judged.wgsl"),
    c: SQUARED_C,
    loss: |y, t| (y - t).powi(2),
    gradient: |y, t| 2.0 * (y - t),
    fast: |_, row, target, _, now| judged(&SQUARED, row, target, now),
};

static LOGISTIC: Element = Element {
    name: LOGISTIC_NAME,
    kernels: [&LOGISTIC_FORWARD, &LOGISTIC_BACKWARD],
    row: parts!(
        "shared/log1p.wgsl",
        "shared/sigmoid.wgsl",
        "one_hot/logistic.wgsl",
        "one_hot/row.wgsl",
        "one_hot/judged.wgsl"
    ),
    c: LOGISTIC_C,
    loss: logistic,
    gradient: |z, t| 1.0 / (1.0 + (-z).exp()) - t,
    fast: |_, row, target, _, now| judged(&LOGISTIC, row, target, now),
};

/// Squared error against the one-hot class, as the registry of losses lists it.
pub static ONE_HOT_MSE: LossKind = LossKind {
    name: SQUARED_NAME,
    doc: "mean squared error of the outputs as they are, against 1 for the right class and 0 for the others",
    settings: &[],
    answers: &[Answer::Class],
    default_for: &[],
    link: &IDENTITY,
    smooths_labels: false,
    weighs_classes: false,
    op: |_, _| Arc::new(OneHot { element: &SQUARED }),
    of_row: |_, outputs, right, _| mean(&SQUARED, outputs, right.class()),
};

/// Binary cross-entropy against the one-hot class, as the registry of losses lists it.
pub static ONE_HOT_BINARY_CROSS_ENTROPY: LossKind = LossKind {
    name: LOGISTIC_NAME,
    doc: "a sigmoid for each class, and binary cross-entropy against 1 for the right class and 0 for the others",
    settings: &[],
    answers: &[Answer::Class],
    default_for: &[],
    link: &SIGMOID,
    smooths_labels: false,
    weighs_classes: false,
    op: |_, _| Arc::new(OneHot { element: &LOGISTIC }),
    of_row: |_, outputs, right, _| mean(&LOGISTIC, outputs, right.class()),
};

/// The operation. Inputs: outputs of the network `[batch, classes]` and labels `[batch]`. Outputs: row_loss and correct `[batch]`. It
/// ends a network: its upstream gradient is that of the mean.
#[derive(Clone, Copy, Debug)]
pub struct OneHot {
    element: &'static Element,
}

impl Op for OneHot {
    fn name(&self) -> &'static str {
        self.element.name
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let name = self.element.name;
        let [outputs, labels] = inputs else { return Err(ShapeError::new(format!("{name} takes outputs and labels"))) };
        if outputs.0.len() != 2 || labels.elements() != outputs.rows() {
            let what = format!("{name} wants an output for each class and a label for each row, not {outputs}");
            return Err(ShapeError::new(what));
        }
        let rows = outputs.rows();
        Ok(Outputs { outputs: vec![Made::f32("row_loss", [rows]), Made::u32("correct", [rows])], saved: vec![] })
    }

    fn differentiable(&self, input: usize) -> bool {
        input == 0
    }

    fn row_loss(&self) -> Option<RowLoss> {
        let Element { name, row, c, fast, .. } = *self.element;
        Some(RowLoss { name, parts: row, args: vec![], takes_class: true, takes_weights: false, c, fast })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let slots = [w.inputs[0].slot, w.inputs[1].slot, rec.now(), w.outputs[0].slot, w.outputs[1].slot];
        rec.elements(self.element.kernels[0], &args(&w.inputs[0]), &slots, w.inputs[0].shape.rows());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        if let Some(d_outputs) = &w.d_inputs[0] {
            let slots = [w.inputs[0].slot, w.inputs[1].slot, rec.now(), d_outputs.slot];
            rec.elements(self.element.kernels[1], &args(&w.inputs[0]), &slots, d_outputs.shape.elements());
        }
    }
}

fn args(outputs: &Wire) -> Args {
    Args { outputs: outputs.shape.width() as u32 }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    [&SQUARED, &LOGISTIC].into_iter().flat_map(of_element).collect()
}

fn of_element(element: &'static Element) -> Vec<Case> {
    let case = |name: &str, rows: usize, shape: [usize; 2], fill: Fill| {
        let labels = ([shape[0]].into(), Fill::Below(shape[1] as u32));
        let name = format!("{} {name}", element.name);
        Case::new(&name, OneHot { element }, rows, vec![(shape.into(), fill), labels])
    };
    let normal = || Fill::Normal(0.3, 2.0);
    vec![
        case("1x2", 1, [1, 2], normal()),
        case("37x10 of 40 rows", 37, [40, 10], normal()),
        case("131x3", 131, [131, 3], normal()),
        case("1280x3", 1280, [1280, 3], normal()),
        // Errors are relative to the largest loss, which is small here.
        case("near 0, 31x7", 31, [31, 7], Fill::Normal(0.0, 0.2)),
        case("scaled 9x5", 9, [9, 5], normal()).exponent(16),
        case("many classes", 9, [9, 1000], normal()),
        case("huge outputs", 16, [16, 7], Fill::Normal(0.0, 5e3)).not_smooth(),
        case("extreme", 21, [21, 4], Fill::Extreme).not_smooth(),
    ]
}

/// The target of an output: 1 for that of the class.
fn target(j: usize, label: usize) -> f64 {
    if j == label { 1.0 } else { 0.0 }
}

/// The loss of one row.
fn mean(element: &Element, outputs: &[f32], label: usize) -> f64 {
    let of = |(j, &y): (usize, &f32)| (element.loss)(f64::from(y), target(j, label));
    outputs.iter().enumerate().map(of).sum::<f64>() / outputs.len() as f64
}

/// The loss of one row, and whether its answer is right: 1 or 0.
fn judge(element: &Element, outputs: &[f32], label: usize) -> (f32, u32) {
    let loss = mean(element, outputs, label) as f32;
    (loss, u32::from(largest(outputs) == label && !loss.is_nan()))
}

fn forward(element: &Element, a: &[u8], io: &mut Io<'_>) {
    let [outputs, labels, now, mut row_loss, mut correct] = io.take();
    let rows = outputs.f32().chunks(args_of::<Args>(a).outputs as usize).zip(labels.u32());
    for (r, (row, &label)) in rows.take(now.now().rows as usize).enumerate() {
        (row_loss.f32_mut()[r], correct.u32_mut()[r]) = judge(element, row, label as usize);
    }
}

fn backward(element: &Element, a: &[u8], io: &mut Io<'_>) {
    let [outputs, labels, now, mut d_outputs] = io.take();
    let classes = args_of::<Args>(a).outputs as usize;
    let count = now.now().rows as usize * classes;
    let scale = f64::from(now.now().loss_scale()) / count as f64;
    for i in 0..count {
        let t = target(i % classes, labels.u32()[i / classes] as usize);
        d_outputs.f32_mut()[i] = (scale * (element.gradient)(f64::from(outputs.f32()[i]), t)) as f32;
    }
}

/// Loss, whether the answer is right, and gradient of one row.
fn judged(element: &Element, row: &mut [f32], label: &[u32], now: &Now) -> (f32, u32) {
    let label = label[0] as usize;
    let told = judge(element, row, label);
    let scale = f64::from(now.loss_scale()) / (now.rows as usize * row.len()) as f64;
    for (j, y) in row.iter_mut().enumerate() {
        *y = (scale * (element.gradient)(f64::from(*y), target(j, label))) as f32;
    }
    told
}

/// The binary cross-entropy of an output and its target, which is 0 or 1.
fn logistic(z: f64, t: f64) -> f64 {
    if z.is_nan() {
        return z;
    }
    // Of certain answers, whose logits are infinite, a right one costs nothing.
    let is_wrong = (z > 0.0) != (t > 0.5);
    (if is_wrong { z.abs() } else { 0.0 }) + (-z.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{Right, Values, Weighing};
    use crate::ops::binary_cross_entropy::BINARY_CROSS_ENTROPY;
    use crate::ops::mse::MSE;

    /// What PyTorch judges: the losses of numbers, with the one-hot vector as the numbers.
    #[test]
    fn the_losses_are_those_of_numbers_on_the_one_hot_vector() {
        let outputs = [0.3f32, -1.5, 2.25, 40.0, f32::INFINITY, -7.0];
        let (values, plain) = (Values::defaults(&[]), Weighing::default());
        for classes in [2, 4, 6] {
            for label in 0..classes {
                let outputs = &outputs[..classes];
                let numbers: Vec<f32> = (0..classes).map(|j| target(j, label) as f32).collect();
                for (own, other) in [(&ONE_HOT_MSE, &MSE), (&ONE_HOT_BINARY_CROSS_ENTROPY, &BINARY_CROSS_ENTROPY)] {
                    let loss = (own.of_row)(&values, outputs, Right::Class(label), &plain);
                    let same = (other.of_row)(&values, outputs, Right::Numbers(&numbers), &plain);
                    assert!(loss == same || (loss - same).abs() < 1e-12 * same, "{}: {loss} {same}", own.name);
                }
            }
        }
    }
}
