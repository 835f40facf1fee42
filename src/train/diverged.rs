//! Which layer made the first value that is not finite: the bad step again, unfused, on the CPU path.

use super::batches::{epoch_order, steps};
use super::device::Device;
use super::programs::{DataShape, Programs, TrainOptions};
use super::runner::Runner;
use super::state;
use super::trainer::Trainer;
use crate::data::Values;
use crate::error::Error;
use crate::executor::Executor;
use crate::export::{self, Model};
use crate::graph::plan::Plan;
use crate::kernel::Scalar;
use crate::op::{Dispatch, Target, writes};
use std::path::PathBuf;

const HINT: &str = "try a smaller --lr";

/// What to say of a step whose loss is not finite, and whether the state before it, which the trainer's device holds,
/// still is: a large rate can make an update itself overflow.
pub(super) fn cause(trainer: &mut Trainer) -> Result<(String, bool), Error> {
    let tensors = state::save(&mut trainer.runner, 0, true)?;
    if let Some((name, value)) = tensors.iter().find_map(|(name, values)| Some((name, not_finite(values)?))) {
        let index = name.split('.').find_map(|part| part.parse().ok()).unwrap_or_default();
        let (layer, step) = (trainer.network.path(index), trainer.progress.step.saturating_sub(1));
        let what = format!("the update of step {step} made a {value} in {name} of layer {layer}; {HINT}");
        return Ok((what, false));
    }
    let settings = &trainer.job.settings;
    let data = &trainer.job.dataset;
    let row = trainer.job.settings.shape.clone().unwrap_or_else(|| data.shape.clone());
    let shape = DataShape { bytes: matches!(data.values, Values::Bytes(_)), rows: data.rows(), row };
    let options =
        TrainOptions { seed: settings.seed, optimizer: settings.optimizer, label_smoothing: settings.label_smoothing };
    let target = Target { fuse: false, ..Target::CPU };
    let programs = Programs::compile(&trainer.network, &shape, settings.batch, Some(options), target)?;
    let mut runner = Runner::new(&Device::Cpu { why: None }, programs)?;
    let affine = &trainer.job.normalize.1;
    runner.load_data(&data.values, &data.labels, (&affine.offset, &affine.factor))?;
    state::load(&mut runner, &Model { path: PathBuf::from("the state"), metadata: None, tensors }, false)?;
    let p = &trainer.progress;
    let order = epoch_order(&trainer.job.split.train, settings.shuffle, settings.seed, p.epoch);
    let two = trainer.network.needs_two_rows();
    let table = steps(trainer.job.split.train.len(), settings.batch, two, settings.lr as f32, p.step - p.step_in_epoch);
    runner.begin(&order, &table, p.step_in_epoch as usize)?;
    let plan = std::sync::Arc::clone(&runner.programs().plan);
    let program = runner.programs().train.unwrap_or_default();
    for (at, dispatch) in plan.programs[program].dispatches.iter().enumerate() {
        runner.executor().run_dispatch(program, at)?;
        if let Some(value) = first_not_finite(&plan, dispatch, settings.batch, runner.executor())? {
            let layer = if dispatch.path.starts_with(|c: char| c.is_ascii_digit()) { "layer" } else { "the" };
            let what =
                format!("the first value that is not finite is {value}, made by {layer} {}; {HINT}", dispatch.path);
            return Ok((what, true));
        }
    }
    Ok(("on the CPU path the same step stays finite, so the driver is to be doubted: run wgrad doctor".into(), true))
}

fn not_finite(values: &export::Values) -> Option<f32> {
    match values {
        export::Values::Floats(_, values) => values.iter().copied().find(|value| !value.is_finite()),
        export::Values::Count(_) => None,
    }
}

fn first_not_finite(
    plan: &Plan,
    dispatch: &Dispatch,
    batch: usize,
    executor: &mut dyn Executor,
) -> Result<Option<f32>, Error> {
    let rows = executor.now()?.rows as usize;
    for (&id, binding) in dispatch.slots.iter().zip(dispatch.kernel.bindings) {
        let slot = &plan.slots[id.0 as usize];
        if binding.scalar != Scalar::F32 || !writes(binding.access) {
            continue;
        }
        let live = if slot.shape.rows() == batch { slot.words() / batch * rows } else { slot.words() };
        let values = executor.read_f32(id)?;
        if let Some(value) = values[..live].iter().find(|v| !v.is_finite()) {
            return Ok(Some(*value));
        }
    }
    Ok(None)
}
