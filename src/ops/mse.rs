//! Mean squared error over predictions and targets `[rows, outputs]`.
//!
//! Loss of a row = Σ (p − t)² / outputs; the gradient of the mean over rows is 2 (p − t) / (rows · outputs). It is the
//! negative log-likelihood of a Gaussian of fixed variance, but for constants (Goodfellow et al. 2016, section 5.5.1).

use crate::kernel::{Kernel, NOW, Needs, Now, Size, Tolerance, args_of, read, write};
use crate::op::stage::RowLoss;
use crate::op::{Answer, Case, Fill, IDENTITY, LossKind, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};
use std::sync::Arc;

args! { struct Args { outputs: u32 } }

static FORWARD: Kernel = Kernel {
    name: "mse.forward",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "mse/args.wgsl",
        "mse/element.wgsl",
        "mse/forward.wgsl",
        "shared/row_loss.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("prediction"), read("target_values"), NOW, write("row_loss"), write("correct").u32()],
    needs: Needs::Nothing,
    // A difference, its square and a sum.
    tolerance: Tolerance { c: 8.0, size: Size::Largest, terms: |a, _| args_of::<Args>(a).outputs as usize },
    twin: Some(|a, io| {
        let [prediction, targets, now, mut row_loss, mut correct] = io.take();
        let outputs = args_of::<Args>(a).outputs as usize;
        let pairs = prediction.f32().chunks(outputs).zip(targets.f32().chunks(outputs));
        for (r, (p, t)) in pairs.take(now.now().rows as usize).enumerate() {
            row_loss.f32_mut()[r] = mean(p, t) as f32;
            let right = |(p, t): (&f32, &f32)| u32::from(!p.is_nan() && (*p > 0.5) == (*t > 0.5));
            correct.u32_mut()[r] = p.iter().zip(t).map(right).sum();
        }
    }),
    fast: None,
};

static BACKWARD: Kernel = Kernel {
    name: "mse.backward",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "mse/args.wgsl",
        "mse/element.wgsl",
        "mse/backward.wgsl",
        "shared/row_gradient.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("prediction"), read("target_values"), NOW, write("d_outputs")],
    needs: Needs::Nothing,
    // A difference, a product and a quotient.
    tolerance: Tolerance { c: 8.0, size: Size::Largest, terms: |_, _| 1 },
    twin: Some(|a, io| {
        let [prediction, targets, now, mut d_prediction] = io.take();
        let (count, scale) =
            ((now.now().rows * args_of::<Args>(a).outputs) as usize, f64::from(now.now().loss_scale()));
        for i in 0..count {
            let difference = f64::from(prediction.f32()[i]) - f64::from(targets.f32()[i]);
            d_prediction.f32_mut()[i] = (scale * 2.0 * difference / count as f64) as f32;
        }
    }),
    fast: None,
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&FORWARD, &BACKWARD];

/// The mean squared error, as the registry of losses lists it.
pub static MSE: LossKind = LossKind {
    name: "mse",
    doc: "mean squared error of the outputs as they are",
    settings: &[],
    answers: &[Answer::Numbers, Answer::Binary],
    default_for: &[Answer::Numbers],
    link: &IDENTITY,
    smooths_labels: false,
    weighs_classes: false,
    op: |_, _| Arc::new(Mse),
    of_row: |_, outputs, right, _| mean(outputs, right.numbers()),
};

/// The operation. Inputs: predictions and targets `[batch, outputs]`. Outputs: row_loss and correct (predictions on
/// the target's side of ½, which says something where targets are 0 and 1) `[batch]`. It ends a network: its upstream
/// gradient is that of the mean.
#[derive(Clone, Copy, Debug)]
pub struct Mse;

impl Op for Mse {
    fn name(&self) -> &'static str {
        "mse"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [prediction, targets] = inputs else { return Err(ShapeError::new("mse takes predictions and targets")) };
        if prediction.0.len() != 2 || prediction != targets {
            let what = format!("mse wants predictions {targets}, one for each target, not {prediction}");
            return Err(ShapeError::new(what));
        }
        let rows = prediction.rows();
        Ok(Outputs { outputs: vec![Made::f32("row_loss", [rows]), Made::u32("correct", [rows])], saved: vec![] })
    }

    fn differentiable(&self, input: usize) -> bool {
        input == 0
    }

    fn row_loss(&self) -> Option<RowLoss> {
        Some(RowLoss {
            name: "mse",
            parts: parts!("mse/element.wgsl", "shared/row_judged.wgsl"),
            args: vec![],
            takes_class: false,
            takes_weights: false,
            c: 8.0,
            fast: judged,
        })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let slots = [w.inputs[0].slot, w.inputs[1].slot, rec.now(), w.outputs[0].slot, w.outputs[1].slot];
        rec.elements(&FORWARD, &args(&w.inputs[0]), &slots, w.inputs[0].shape.rows());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        if let Some(d_prediction) = &w.d_inputs[0] {
            let slots = [w.inputs[0].slot, w.inputs[1].slot, rec.now(), d_prediction.slot];
            rec.elements(&BACKWARD, &args(&w.inputs[0]), &slots, d_prediction.shape.elements());
        }
    }
}

fn args(prediction: &Wire) -> Args {
    Args { outputs: prediction.shape.width() as u32 }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, rows: usize, shape: [usize; 2], fill: Fill| {
        Case::new(name, Mse, rows, vec![(shape.into(), fill), (shape.into(), Fill::Normal(0.5, 2.0))])
    };
    vec![
        case("1x1", 1, [1, 1], Fill::Normal(0.0, 1.0)),
        case("131x1", 131, [131, 1], Fill::Normal(0.0, 1.0)),
        case("1280x3", 1280, [1280, 3], Fill::Normal(0.0, 1.0)),
        case("37x7 of 40 rows", 37, [40, 7], Fill::Normal(0.0, 1.0)),
        case("scaled 9x5", 9, [9, 5], Fill::Normal(0.0, 1.0)).exponent(16),
        case("extreme", 21, [21, 4], Fill::Extreme).not_smooth(),
    ]
}

/// Loss, answers on the target's side of ½, and gradient of one row.
fn judged(_: &[u32], outputs: &mut [f32], target: &[u32], _: &[f32], now: &Now) -> (f32, u32) {
    let targets: &[f32] = bytemuck::cast_slice(target);
    let (loss, mut right) = (mean(outputs, targets) as f32, 0);
    let share = now.loss_scale() * 2.0 / (now.rows as usize * outputs.len()) as f32;
    for (p, t) in outputs.iter_mut().zip(targets) {
        right += u32::from(!p.is_nan() && (*p > 0.5) == (*t > 0.5));
        *p = share * (*p - t);
    }
    (loss, right)
}

/// The loss of one row.
fn mean(outputs: &[f32], targets: &[f32]) -> f64 {
    let square = |(&p, &t): (&f32, &f32)| (f64::from(p) - f64::from(t)).powi(2);
    outputs.iter().zip(targets).map(square).sum::<f64>() / outputs.len() as f64
}
