//! The end of a run whose numbers are not finite: what made them so, and saving what is good. A bad step is run again,
//! unfused, on the CPU path, to find the layer.

use super::best::is_finite;
use super::run_folder::{BEST, DIVERGED, LAST, RunFolder};
use super::trainer::Trainer;
use crate::data::Normalize;
use crate::device::Device;
use crate::error::Error;
use crate::executor::Executor;
use crate::export::{self, Model};
use crate::kernel::{Precision, Scalar};
use crate::nn::Answer;
use crate::op::{Dispatch, Target, writes};
use crate::run::Runner;
use crate::run::batches::epoch_order;
use crate::run::state;
use crate::run::{Compiled, Purpose};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What may help. No rate has acted before the first update.
fn hint(trainer: &Trainer, fault: Fault) -> &'static str {
    let job = &trainer.job;
    let unscaled = job.problem.answer == Answer::Numbers && job.scale.is_none();
    let raw = unscaled || job.normalize.0 == Normalize::None;
    let no_update = trainer.progress.step == 0 && matches!(fault, Fault::Loss(_) | Fault::Gradient);
    match (no_update, raw) {
        (true, true) => {
            "no update was made yet, so no rate matters: normalise inputs and target, or start from smaller weights"
        }
        (true, false) => "no update was made yet, so no rate matters: start from smaller weights",
        (false, true) => "use a smaller `lr`, or normalise inputs and target",
        (false, false) => "use a smaller `lr`",
    }
}

/// What is not a number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The loss of the step that would be next; the device holds the state before it.
    Loss(f32),
    /// A gradient of the step that would be next, with a loss that is not scaled any more; likewise.
    Gradient,
    /// The validation loss after an epoch.
    Validation(f64),
    /// A tensor, while every loss so far was finite: the last update overflowed.
    Weights,
}

/// Ends a run: names the cause, and saves what is good, if there is a folder for it. That is the best model, if a validation
/// has found one, and the state before the bad step, if its numbers are finite. That state is the last before the loss
/// overflowed, so hardly worth going on from: it has a file of its own, and the state that was saved before stays.
pub(super) fn stop(trainer: &mut Trainer, fault: Fault, folder: Option<&mut RunFolder>) -> Error {
    let what = match fault {
        Fault::Loss(loss) => format!("the loss is {loss}"),
        Fault::Gradient => "a gradient is not finite, though the loss is not scaled any more".to_owned(),
        Fault::Validation(loss) => format!("the validation loss is {loss}"),
        Fault::Weights => "a weight is not finite".to_owned(),
    };
    let cause = cause(trainer, fault).unwrap_or_else(|error| format!("the layer cannot be named ({error})"));
    let saved = match folder {
        Some(folder) => save(trainer, folder),
        None => "the run has no folder, so nothing is saved".to_owned(),
    };
    let progress = trainer.progress();
    Error::Diverged { step: progress.step, epoch: progress.epoch + 1, what, cause, saved }
}

/// Saves what is good, and says what that is.
fn save(trainer: &mut Trainer, folder: &mut RunFolder) -> String {
    // Its rows are dropped when the run goes on, but tell what happened.
    let written = folder.sync().and_then(|()| trainer.save_best(folder)).and_then(|()| save_state(trainer, folder));
    let file = |name: &str| folder.file(name).display().to_string();
    let mut saved = vec![];
    match trainer.saves.step {
        Some(step) => saved.push(format!("{} still holds the state after {step} steps, to `resume` from", file(LAST))),
        None => saved.push("nothing was saved before, so `resume` starts from the first step".to_owned()),
    }
    if let Some((_, epoch)) = trainer.best() {
        saved.push(format!("the model of epoch {epoch} is in {}", file(BEST)));
    }
    match written {
        Ok(true) => saved.push(format!("the state before the fault is in {}", file(DIVERGED))),
        Ok(false) => saved.push("the state before the fault is not finite".to_owned()),
        Err(error) => saved.push(format!("what was reached could not be saved ({error})")),
    }
    saved.join("; ")
}

/// Writes the state as it stands to a file of its own, if its numbers are finite, and says whether they are.
fn save_state(trainer: &mut Trainer, folder: &RunFolder) -> Result<bool, Error> {
    let tensors = trainer.tensors(true)?;
    let finite = is_finite(&tensors);
    if finite {
        trainer.write(folder, DIVERGED, tensors, Some(trainer.progress.clone()))?;
    }
    Ok(finite)
}

/// What made the fault, and what may help.
fn cause(trainer: &mut Trainer, fault: Fault) -> Result<String, Error> {
    let hint = hint(trainer, fault);
    let tensors = state::save(&mut trainer.runner, &trainer.counted, 0, true)?;
    if let Some((name, value)) = tensors.iter().find_map(|(name, values)| Some((name, values.not_finite()?))) {
        let index = name.split('.').find_map(|part| part.parse().ok()).unwrap_or_default();
        let (layer, step) = (trainer.network.path(index), trainer.progress.step.saturating_sub(1));
        return Ok(format!("the update of step {step} made a {value} in {name} of layer {layer}; {hint}"));
    }
    match fault {
        Fault::Loss(_) | Fault::Gradient => first_layer(trainer, tensors, hint),
        _ => Ok(format!("the weights have grown too large for the data; {hint}")),
    }
}

/// The bad step again, to the first value that is not finite.
fn first_layer(trainer: &Trainer, tensors: BTreeMap<String, export::Values>, hint: &str) -> Result<String, Error> {
    let job = &trainer.job;
    let target = Target { fuse: false, ..Target::CPU };
    let mut options = job.train_options()?;
    // What overflows in 16 bits alone is no value of this run.
    options.optimizer.scale_loss = false;
    let purpose = Purpose::Train(options);
    let compiled = Compiled::compile(&trainer.network, &job.data_shape()?, job.settings.batch, purpose, target)?;
    let mut runner = Runner::new(&Device::CPU, compiled)?;
    job.load(&mut runner)?;
    state::load(
        &mut runner,
        &Model { path: PathBuf::from("the state"), metadata: None, tensors },
        state::Take::WEIGHTS,
    )?;
    let p = &trainer.progress;
    let order = epoch_order(&job.split.train, job.settings.shuffle, job.settings.seed, p.epoch);
    if let Some(boxes) = job.boxes(&order, p.epoch)? {
        runner.load_boxes(&boxes)?;
    }
    runner.begin(&order, &trainer.epoch_steps(), p.step_in_epoch as usize)?;
    let plan = std::sync::Arc::clone(&runner.compiled().plan);
    let program = runner.compiled().train.unwrap_or_else(|| panic!("a plan to train has a training program"));
    for (at, dispatch) in plan.programs[program].dispatches.iter().enumerate() {
        runner.executor().run_dispatch(program, at)?;
        if let Some(value) = first_not_finite(dispatch, runner.executor())? {
            let layer = if dispatch.path.starts_with(|c: char| c.is_ascii_digit()) { "layer" } else { "the" };
            let what =
                format!("the first value that is not finite is {value}, made by {layer} {}; {hint}", dispatch.path);
            return Ok(what);
        }
    }
    if job.settings.precision == Precision::F16 {
        return Ok(format!("in float32 the same step stays finite: go on with `precision = f32`, or {hint}"));
    }
    Ok(format!(
        "on the CPU path, which adds in 64 bits, the same step stays finite: either it outgrew 32 bits ({hint}), or the \
         driver is wrong, which wgrad doctor tells"
    ))
}

/// The first value that is not finite of what a dispatch wrote, in a machine whose memory was zero before this step: rows beyond
/// the batch hold zeros, or what dispatches before wrote, which was looked at then.
fn first_not_finite(dispatch: &Dispatch, executor: &mut dyn Executor) -> Result<Option<f32>, Error> {
    for (&id, binding) in dispatch.slots.iter().zip(dispatch.kernel.bindings) {
        if binding.scalar != Scalar::F32 || !writes(binding.access) {
            continue;
        }
        let values = executor.read_f32(id)?;
        if let Some(value) = values.iter().find(|v| !v.is_finite()) {
            return Ok(Some(*value));
        }
    }
    Ok(None)
}
