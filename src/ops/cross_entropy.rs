//! Softmax with cross-entropy over logits `[rows, classes]` and integer labels `[rows]`.
//!
//! p_j = exp(z_j − max) / Σ exp(z − max); loss of a row = log Σ exp(z − max) − Σ_j t_j (z_j − max), the maximum taken
//! off so that logits of any size are safe; t = (1 − s) onehot + s / classes with label smoothing s (Szegedy et al.
//! 2016, section 7). The gradient of the mean loss is (p − t) / rows (Goodfellow et al. 2016, eq. 6.31), from the saved
//! probabilities. Loss and gradient of a row are multiplied by the weight of its label's class; the mean is over the rows,
//! not over the weights. The loss is a row's; `metrics` takes the mean. A NaN among the logits makes loss and row NaN.

use crate::kernel::{Io, Kernel, NOW, Needs, Now, Size, Tolerance, args_of, read, write};
use crate::op::stage::{Arg, RowLoss};
use crate::op::{Answer, Case, Fill, LossKind, Made, Op, Outputs, Recorder, SOFTMAX, Weighing, Wire, Wires, largest};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};
use std::sync::Arc;

args! { struct Args { classes: u32, smoothing: f32 } }

/// Drivers' `exp` is good to some 20 roundings over its range, and its error passes into the probabilities whole; `log`
/// near 1 is off by 6e-5 of its small result, which against the tensor's largest loss is less.
const TOLERANCE: Tolerance =
    Tolerance { c: 64.0, size: Size::Largest, terms: |a, _| args_of::<Args>(a).classes as usize };

static FORWARD: Kernel = Kernel {
    name: "cross_entropy.forward",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "cross_entropy/args.wgsl",
        "cross_entropy/row.wgsl",
        "cross_entropy/forward.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[
        read("logits"),
        read("labels").u32(),
        read("class_weights"),
        NOW,
        write("row_loss"),
        write("correct").u32(),
        write("probabilities"),
    ],
    needs: Needs::Nothing,
    tolerance: TOLERANCE,
    twin: Some(|a, io| forward(a, io, softmax)),
    fast: Some(&|a, io| forward(a, io, fast_softmax)),
};

static BACKWARD: Kernel = Kernel {
    name: "cross_entropy.backward",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "cross_entropy/args.wgsl", "cross_entropy/backward.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("probabilities"), read("labels").u32(), read("class_weights"), NOW, write("d_logits")],
    needs: Needs::Nothing,
    tolerance: Tolerance { c: 4.0, size: Size::Largest, terms: |_, _| 1 },
    twin: Some(|a, io| {
        let [probabilities, labels, weights, now, mut d_logits] = io.take();
        let known = (labels.u32(), weights.f32());
        backward(args_of(a), probabilities.f32(), known, &now.now(), d_logits.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [probabilities, labels, weights, now, mut d_logits] = io.take();
        let known = (labels.u32(), weights.f32());
        fast_backward(args_of(a), probabilities.f32(), known, &now.now(), d_logits.f32_mut());
    }),
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&FORWARD, &BACKWARD];

/// Cross-entropy of the softmax of logits, as the registry of losses lists it.
pub static CROSS_ENTROPY: LossKind = LossKind {
    name: "cross_entropy",
    doc: "softmax over an output for each class, and the negative logarithm of the right one's probability",
    settings: &[],
    answers: &[Answer::Class],
    default_for: &[Answer::Class],
    link: &SOFTMAX,
    smooths_labels: true,
    weighs_classes: true,
    op: |_, label_smoothing| Arc::new(CrossEntropy { label_smoothing }),
    of_row: |_, outputs, right, weighing| loss_of_row(outputs, right.class(), weighing),
};

/// The operation. Inputs: logits `[batch, classes]`, labels `[batch]`, class weights `[classes]`. Outputs: row_loss
/// and correct `[batch]`; saved: probabilities `[batch, classes]`. It ends a network: its upstream gradient is
/// that of the mean.
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropy {
    /// Share of each target that is spread over all classes, in [0, 1).
    pub label_smoothing: f64,
}

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [logits, labels, weights] = inputs else {
            return Err(ShapeError::new("cross_entropy takes logits, labels and class weights"));
        };
        if logits.0.len() != 2 || labels.elements() != logits.rows() || weights.elements() != logits.width() {
            let wanted = Shape::from([logits.rows(), weights.elements()]);
            return Err(ShapeError::new(format!(
                "cross_entropy wants logits {wanted}, one for each class, not {logits}"
            )));
        }
        let rows = logits.rows();
        Ok(Outputs {
            outputs: vec![Made::f32("row_loss", [rows]), Made::u32("correct", [rows])],
            saved: vec![Made::f32("probabilities", logits.clone())],
        })
    }

    fn differentiable(&self, input: usize) -> bool {
        input == 0
    }

    fn row_loss(&self) -> Option<RowLoss> {
        Some(RowLoss {
            name: "cross_entropy",
            parts: parts!("cross_entropy/row.wgsl", "cross_entropy/judged.wgsl"),
            args: vec![Arg::f32("smoothing", self.label_smoothing as f32)],
            takes_class: true,
            takes_weights: true,
            c: 64.0,
            fast: judged,
        })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let [logits, labels, weights] = &w.inputs[..] else { unreachable!("three inputs") };
        let now = rec.now();
        let outputs = w.outputs.iter().chain(&w.saved).map(|wire| wire.slot);
        let slots: Vec<_> = [logits.slot, labels.slot, weights.slot, now].into_iter().chain(outputs).collect();
        rec.elements(&FORWARD, &self.args(logits), &slots, logits.shape.rows());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        if let Some(d_logits) = &w.d_inputs[0] {
            let now = rec.now();
            let slots = [w.saved[0].slot, w.inputs[1].slot, w.inputs[2].slot, now, d_logits.slot];
            rec.elements(&BACKWARD, &self.args(&w.inputs[0]), &slots, d_logits.shape.elements());
        }
    }
}

impl CrossEntropy {
    fn args(&self, logits: &Wire) -> Args {
        Args { classes: logits.shape.width() as u32, smoothing: self.label_smoothing as f32 }
    }
}

/// Weighted loss, whether the label has the largest logit, and gradient of one row.
fn judged(args: &[u32], row: &mut [f32], target: &[u32], weights: &[f32], now: &Now) -> (f32, u32) {
    let (a, label) = (Args { classes: row.len() as u32, smoothing: f32::from_bits(args[0]) }, target[0] as usize);
    let (loss, best) = fast_softmax(a, row, label);
    let loss = loss * weights[label];
    gradient_of_row(a, (target[0], weights), now, row);
    (loss, u32::from(best == label && !loss.is_nan()))
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, label_smoothing: f64, rows: usize, shape: [usize; 2], fill: Fill| {
        let labels = ([shape[0]].into(), Fill::Below(shape[1] as u32));
        let weights = Fill::Words((0..shape[1]).map(|class| (0.5 + 0.25 * class as f32).to_bits()).collect());
        let inputs = vec![(shape.into(), fill), labels, ([shape[1]].into(), weights)];
        Case::new(name, CrossEntropy { label_smoothing }, rows, inputs)
    };
    let normal = || Fill::Normal(0.0, 2.0);
    vec![
        case("1x2", 0.0, 1, [1, 2], normal()),
        case("37x10 of 40 rows", 0.0, 37, [40, 10], normal()),
        case("smoothed 33x7", 0.1, 33, [33, 7], normal()),
        case("scaled, smoothed 33x7", 0.1, 33, [33, 7], normal()).exponent(16),
        case("1280x3", 0.1, 1280, [1280, 3], normal()),
        case("many classes", 0.0, 9, [9, 1000], normal()),
        case("huge logits", 0.0, 16, [16, 7], Fill::Normal(0.0, 5e3)).not_smooth(),
        case("smoothed, huge logits", 0.2, 16, [16, 7], Fill::Normal(0.0, 5e3)).not_smooth(),
        case("smoothed, extreme", 0.1, 21, [21, 6], Fill::Extreme).not_smooth(),
        case("extreme", 0.0, 21, [21, 6], Fill::Extreme).not_smooth(),
    ]
}

fn forward(a: &[u8], io: &mut Io<'_>, softmax: Softmax) {
    let [logits, labels, weights, now, mut row_loss, mut correct, mut probabilities] = io.take();
    let (row_loss, correct, probabilities) = (row_loss.f32_mut(), correct.u32_mut(), probabilities.f32_mut());
    let a: Args = args_of(a);
    let classes = a.classes as usize;
    let rows = logits.f32().chunks_exact(classes).zip(probabilities.chunks_exact_mut(classes));
    for (r, (logits, row)) in rows.take(now.now().rows as usize).enumerate() {
        let label = labels.u32()[r] as usize;
        row.copy_from_slice(logits);
        let (loss, best) = softmax(a, row, label);
        row_loss[r] = loss * weights.f32()[label];
        correct[r] = u32::from(best == label && !row_loss[r].is_nan());
    }
}

/// Makes the probabilities of one row of its logits, and gives the loss and the first largest class.
type Softmax = fn(Args, &mut [f32], usize) -> (f32, usize);

/// The first largest class; none where a logit is NaN, which makes every probability NaN.
fn best_of(row: &mut [f32]) -> (usize, bool) {
    let best = largest(row);
    let has_nan = row.iter().any(|z| z.is_nan());
    if has_nan {
        row.fill(f32::NAN);
    }
    (best, has_nan)
}

/// What the loss of a row has beside ln Σ exp(zⱼ), where z are the logits less the largest of them.
fn less(a: Args, logits: &[f32], label: usize, most: f32) -> f64 {
    let (z, smoothing) = (|z: f32| f64::from(z) - f64::from(most), f64::from(a.smoothing));
    let own = (1.0 - smoothing) * z(logits[label]);
    if smoothing == 0.0 {
        return own;
    }
    own + smoothing / f64::from(a.classes) * logits.iter().map(|&logit| z(logit)).sum::<f64>()
}

/// The loss of one row in float64.
fn loss_of_row(logits: &[f32], label: usize, weighing: &Weighing) -> f64 {
    let (classes, most) = (logits.len(), f64::from(logits[largest(logits)]));
    let z = |j: usize| f64::from(logits[j]) - most;
    let log_sum = (0..classes).map(|j| z(j).exp()).sum::<f64>().ln();
    let smoothing = weighing.label_smoothing;
    // 0 times an infinite logit would be NaN.
    let spread = if smoothing == 0.0 { 0.0 } else { (0..classes).map(z).sum::<f64>() * smoothing / classes as f64 };
    weighing.of(label) * (log_sum - (1.0 - smoothing) * z(label) - spread)
}

/// A [`Softmax`] in float64.
fn softmax(a: Args, row: &mut [f32], label: usize) -> (f32, usize) {
    let (best, has_nan) = best_of(row);
    if has_nan {
        return (f32::NAN, best);
    }
    let most = row[best];
    let (less, exp) = (less(a, row, label, most), |z: f32| (f64::from(z) - f64::from(most)).exp());
    let sum: f64 = row.iter().map(|&z| exp(z)).sum();
    row.iter_mut().for_each(|p| *p = (exp(*p) / sum) as f32);
    ((sum.ln() - less) as f32, best)
}

/// The same with one exponential of a float32 for each class.
fn fast_softmax(a: Args, row: &mut [f32], label: usize) -> (f32, usize) {
    let (best, has_nan) = best_of(row);
    if has_nan {
        return (f32::NAN, best);
    }
    let most = row[best];
    let less = less(a, row, label, most);
    let mut sum = 0.0;
    for p in row.iter_mut() {
        *p = (*p - most).exp();
        sum += f64::from(*p);
    }
    let factor = (1.0 / sum) as f32;
    row.iter_mut().for_each(|p| *p *= factor);
    ((sum.ln() - less) as f32, best)
}

fn backward(a: Args, probabilities: &[f32], (labels, weights): (&[u32], &[f32]), now: &Now, d_logits: &mut [f32]) {
    let (classes, smoothing) = (a.classes as usize, f64::from(a.smoothing));
    for (r, &label) in labels[..now.rows as usize].iter().enumerate() {
        let label = label as usize;
        let scale = f64::from(now.loss_scale()) * f64::from(weights[label]) / f64::from(now.rows);
        for j in 0..classes {
            let on = if j == label { 1.0 - smoothing } else { 0.0 };
            let target = on + smoothing / classes as f64;
            let i = r * classes + j;
            d_logits[i] = (scale * (f64::from(probabilities[i]) - target)) as f32;
        }
    }
}

/// Makes the gradients of a row of its probabilities, in float32.
fn gradient_of_row(a: Args, (label, weights): (u32, &[f32]), now: &Now, row: &mut [f32]) {
    let share = a.smoothing / a.classes as f32;
    let weight = now.loss_scale() * weights[label as usize];
    for (j, p) in row.iter_mut().enumerate() {
        let on = if j == label as usize { 1.0 - a.smoothing } else { 0.0 };
        *p = weight * (*p - (on + share)) / now.rows as f32;
    }
}

fn fast_backward(a: Args, probabilities: &[f32], (labels, weights): (&[u32], &[f32]), now: &Now, d_logits: &mut [f32]) {
    let (classes, count) = (a.classes as usize, now.rows as usize * a.classes as usize);
    d_logits[..count].copy_from_slice(&probabilities[..count]);
    for (row, &label) in d_logits[..count].chunks_exact_mut(classes).zip(labels) {
        gradient_of_row(a, (label, weights), now, row);
    }
}
