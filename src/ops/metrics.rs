//! Results of a step that the host reads: mean loss and number of correct answers, added up on the device, and outputs.
//!
//! A loss that is not finite halts a training run before any update (see [`crate::kernel::Now::halted`]).

use crate::kernel::{Kernel, NOW, Needs, Now, Size, Tolerance, UPDATE_NOW, args_of, read, update};
use crate::op::{Case, Fill, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};

args! { struct Args { width: u32 } }

static STEP: Kernel = Kernel {
    name: "metrics.step",
    parts: parts!("shared/now.wgsl", "shared/numbers.wgsl", "shared/step_metrics.wgsl", "metrics/step.wgsl"),
    args: &[],
    bindings: &[read("row_loss"), read("correct").u32(), update("losses"), update("corrects").u32(), UPDATE_NOW],
    needs: Needs::Nothing,
    tolerance: Tolerance { c: 4.0, size: Size::Largest, terms: |_, rows| rows },
    twin: Some(|_, io| {
        let [row_loss, correct, mut losses, mut corrects, mut now] = io.take();
        let mut at = now.now();
        if at.halted != 0 {
            return;
        }
        let rows = at.rows as usize;
        let mean = (row_loss.f32()[..rows].iter().map(|&l| f64::from(l)).sum::<f64>() / rows as f64) as f32;
        losses.f32_mut()[at.index as usize] = mean;
        corrects.u32_mut()[at.index as usize] = correct.u32()[..rows].iter().sum();
        if !mean.is_finite() {
            at.halted = Now::HALTED_BY_LOSS;
            now.set_now(&at);
        }
    }),
    fast: None,
};

static COLLECT: Kernel = Kernel {
    name: "metrics.collect",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "metrics/collect.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("outputs").u32(), NOW, update("collected").u32()],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [outputs, now, mut collected] = io.take();
        let width = args_of::<Args>(a).width as usize;
        let (start, count) = (now.now().start as usize * width, now.now().rows as usize * width);
        collected.u32_mut()[start..start + count].copy_from_slice(&outputs.u32()[..count]);
    }),
    fast: None,
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&STEP, &COLLECT];

/// The operation. Inputs: row_loss and correct `[batch]`; it writes line `index` of losses and corrects.
#[derive(Clone, Copy, Debug)]
pub struct Metrics;

impl Op for Metrics {
    fn name(&self) -> &'static str {
        "metrics"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        match inputs {
            [row_loss, correct, losses, corrects] if row_loss == correct && losses == corrects => {
                Ok(Outputs::default())
            }
            _ => Err(ShapeError::new("metrics takes row_loss, correct, losses and corrects")),
        }
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let slots: Vec<_> = w.inputs.iter().map(|wire| wire.slot).chain([rec.now()]).collect();
        rec.dispatch(&STEP, &(), &slots, [1, 1, 1]);
    }

    fn keeps_metrics(&self) -> bool {
        true
    }
}

/// Keeps each row's outputs where the batch lies in the table of row numbers. Inputs: outputs `[batch, …]`, collected
/// `[all rows, …]`.
#[derive(Clone, Copy, Debug)]
pub struct Collect;

impl Op for Collect {
    fn name(&self) -> &'static str {
        "metrics"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        match inputs {
            [outputs, collected] if outputs.0[1..] == collected.0[1..] => Ok(Outputs::default()),
            _ => Err(ShapeError::new("collect takes outputs and where they go, with rows of one shape")),
        }
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let slots = [w.inputs[0].slot, rec.now(), w.inputs[1].slot];
        let shape = &w.inputs[0].shape;
        let width = shape.elements() / shape.rows().max(1);
        rec.elements(&COLLECT, &Args { width: width as u32 }, &slots, shape.elements());
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let step = |name: &str, rows: usize, capacity: usize, fill: Fill| {
        let lines = || ([3].into(), Fill::Words(vec![0; 3]));
        let inputs = vec![([capacity].into(), fill), ([capacity].into(), Fill::Below(2)), lines(), lines()];
        Case::new(name, Metrics, rows, inputs).not_smooth()
    };
    let wide = vec![([12, 3].into(), Fill::Extreme), ([40, 3].into(), Fill::Words(vec![0; 120]))];
    let many = vec![([440, 3].into(), Fill::Below(10)), ([450, 3].into(), Fill::Words(vec![0; 1350]))];
    let collect = vec![([37].into(), Fill::Below(10)), ([99].into(), Fill::Words(vec![0; 99]))];
    vec![
        step("1 row", 1, 1, Fill::Normal(1.0, 0.5)),
        step("127 of 128 rows", 127, 128, Fill::Normal(1.0, 0.5)),
        step("not finite", 65, 65, Fill::Extreme),
        Case::new("collect 35 of 37", Collect, 35, collect).not_smooth().start(60),
        Case::new("collect 11 of 12x3", Collect, 11, wide).not_smooth().start(4),
        Case::new("collect 430 of 440x3", Collect, 430, many).not_smooth().start(9),
    ]
}
