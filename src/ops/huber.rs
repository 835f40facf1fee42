//! Huber's loss over predictions and targets `[rows, outputs]`.
//!
//! With d = p − t: d²/2 where |d| ≤ δ, else δ(|d| − δ/2); loss of a row = mean over its outputs. The gradient of the mean
//! over rows is d, kept within −δ and δ, / (rows · outputs). So a far target pulls no harder than one at δ. Source: Huber
//! 1964, "Robust estimation of a location parameter", in the form of PyTorch's `torch.nn.HuberLoss`. A NaN among the
//! predictions makes the row's loss NaN.

use crate::kernel::{Kernel, NOW, Needs, Now, Size, Tolerance, args_of, read, write};
use crate::op::stage::{Arg, RowLoss};
use crate::op::{
    Answer, Case, Fill, IDENTITY, LossKind, Made, Op, Outputs, Recorder, Right, Setting, Values, Weighing, Wire, Wires,
};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};
use std::sync::Arc;

args! { struct Args { outputs: u32, delta: f32 } }

static FORWARD: Kernel = Kernel {
    name: "huber.forward",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "huber/args.wgsl",
        "huber/element.wgsl",
        "huber/forward.wgsl",
        "shared/row_loss.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("prediction"), read("target_values"), NOW, write("row_loss"), write("correct").u32()],
    needs: Needs::Nothing,
    // A difference, its square and a sum.
    tolerance: Tolerance { c: 8.0, size: Size::Largest, terms: |a, _| args_of::<Args>(a).outputs as usize },
    twin: Some(|a, io| {
        let [prediction, targets, now, mut row_loss, mut correct] = io.take();
        let a: Args = args_of(a);
        let outputs = a.outputs as usize;
        let pairs = prediction.f32().chunks(outputs).zip(targets.f32().chunks(outputs));
        for (r, (p, t)) in pairs.take(now.now().rows as usize).enumerate() {
            row_loss.f32_mut()[r] = mean(p, t, a.delta.into()) as f32;
            correct.u32_mut()[r] = 0;
        }
    }),
    fast: None,
};

static BACKWARD: Kernel = Kernel {
    name: "huber.backward",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "huber/args.wgsl",
        "huber/element.wgsl",
        "huber/backward.wgsl",
        "shared/row_gradient.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("prediction"), read("target_values"), NOW, write("d_outputs")],
    needs: Needs::Nothing,
    // A difference, a product and a quotient.
    tolerance: Tolerance { c: 8.0, size: Size::Largest, terms: |_, _| 1 },
    twin: Some(|a, io| {
        let [prediction, targets, now, mut d_prediction] = io.take();
        let (a, scale) = (args_of::<Args>(a), f64::from(now.now().loss_scale()));
        let (count, delta) = ((now.now().rows * a.outputs) as usize, f64::from(a.delta));
        for i in 0..count {
            // Rust's clamp leaves a NaN as it is.
            let d = (f64::from(prediction.f32()[i]) - f64::from(targets.f32()[i])).clamp(-delta, delta);
            d_prediction.f32_mut()[i] = (scale * d / count as f64) as f32;
        }
    }),
    fast: None,
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&FORWARD, &BACKWARD];

/// The Huber loss (Huber 1964), as the registry of losses lists it.
pub static HUBER: LossKind = LossKind {
    name: "huber",
    doc: "squared error up to a distance, and beyond it the distance alone",
    settings: &[Setting::positive("delta", 1.0, "distance up to which errors count by their squares")],
    answers: &[Answer::Numbers],
    default_for: &[],
    link: &IDENTITY,
    smooths_labels: false,
    weighs_classes: false,
    op: |values, _| Arc::new(Huber { delta: values.number("delta") }),
    of_row: |values: &Values, outputs: &[f32], right: Right<'_>, _: &Weighing| {
        mean(outputs, right.numbers(), values.number("delta"))
    },
};

/// The operation. Inputs: predictions and targets `[batch, outputs]`. Outputs: row_loss and correct (always 0) `[batch]`.
/// It ends a network: its upstream gradient is that of the mean.
#[derive(Clone, Copy, Debug)]
pub struct Huber {
    /// δ, more than 0.
    pub delta: f64,
}

impl Op for Huber {
    fn name(&self) -> &'static str {
        "huber"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [prediction, targets] = inputs else { return Err(ShapeError::new("huber takes predictions and targets")) };
        if prediction.0.len() != 2 || prediction != targets {
            let what = format!("huber wants predictions {targets}, one for each target, not {prediction}");
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
            name: "huber",
            parts: parts!("huber/element.wgsl", "shared/row_judged.wgsl"),
            args: vec![Arg::f32("delta", self.delta as f32)],
            takes_class: false,
            takes_weights: false,
            c: 8.0,
            fast: judged,
        })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let slots = [w.inputs[0].slot, w.inputs[1].slot, rec.now(), w.outputs[0].slot, w.outputs[1].slot];
        rec.elements(&FORWARD, &self.args(&w.inputs[0]), &slots, w.inputs[0].shape.rows());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        if let Some(d_prediction) = &w.d_inputs[0] {
            let slots = [w.inputs[0].slot, w.inputs[1].slot, rec.now(), d_prediction.slot];
            rec.elements(&BACKWARD, &self.args(&w.inputs[0]), &slots, d_prediction.shape.elements());
        }
    }
}

impl Huber {
    fn args(&self, prediction: &Wire) -> Args {
        Args { outputs: prediction.shape.width() as u32, delta: self.delta as f32 }
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    // Differences may step over δ, where the second derivative jumps.
    let case = |name: &str, delta: f64, rows: usize, shape: [usize; 2], fill: Fill| {
        let targets = (shape.into(), Fill::Normal(0.5, 2.0));
        Case::new(name, Huber { delta }, rows, vec![(shape.into(), fill), targets]).not_smooth()
    };
    // Here every distance is far from δ = 1, on either side of it.
    let smooth = |name: &str, rows: usize, shape: [usize; 2]| {
        let target = |i: usize| [0.2f32, 3.0, -0.3, -2.5, 0.0, 4.0][i % 6].to_bits();
        let targets = Fill::Words((0..shape[0] * shape[1]).map(target).collect());
        let inputs = vec![(shape.into(), Fill::Normal(0.0, 0.1)), (shape.into(), targets)];
        Case::new(name, Huber { delta: 1.0 }, rows, inputs)
    };
    let normal = || Fill::Normal(0.0, 1.0);
    vec![
        smooth("1x1", 1, [1, 1]),
        smooth("131x1", 131, [131, 1]),
        smooth("23x7 of 30 rows", 23, [30, 7]),
        case("1280x3", 1.5, 1280, [1280, 3], normal()),
        case("37x7 of 40 rows", 1.5, 37, [40, 7], normal()),
        case("a small distance, 33x5", 0.05, 33, [33, 5], normal()),
        case("a large distance, 9x5", 100.0, 9, [9, 5], normal()),
        case("scaled 9x5", 1.0, 9, [9, 5], normal()).exponent(16),
        case("extreme", 1.0, 21, [21, 4], Fill::Extreme),
    ]
}

/// Loss and gradient of one row; numbers are neither right nor wrong.
fn judged(args: &[u32], outputs: &mut [f32], target: &[u32], _: &[f32], now: &Now) -> (f32, u32) {
    let (targets, delta): (&[f32], _) = (bytemuck::cast_slice(target), f32::from_bits(args[0]));
    let loss = mean(outputs, targets, delta.into()) as f32;
    let share = now.loss_scale() / (now.rows as usize * outputs.len()) as f32;
    for (p, t) in outputs.iter_mut().zip(targets) {
        // NaN stays NaN.
        *p = share * (*p - t).clamp(-delta, delta);
    }
    (loss, 0)
}

/// The loss of one row.
fn mean(outputs: &[f32], targets: &[f32], delta: f64) -> f64 {
    let loss = |(&p, &t): (&f32, &f32)| {
        let d = (f64::from(p) - f64::from(t)).abs();
        if d <= delta { 0.5 * d * d } else { delta * (d - 0.5 * delta) }
    };
    outputs.iter().zip(targets).map(loss).sum::<f64>() / outputs.len() as f64
}
