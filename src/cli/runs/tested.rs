//! The best model of a run on the run's own test part, with the data read and split again as the recipe says.

use super::super::{data_dir, setting};
use super::Run;
use crate::data::Values;
use crate::device::Device;
use crate::error::Error;
use crate::metrics::{Assessment, assess};
use crate::run::Predictor;
use crate::train::{Job, data_of};

/// How the best model of a run does on its test part.
pub(in crate::cli) struct Tested {
    /// Data, question and settings; of the values there are those of the test rows alone, in their order.
    pub(in crate::cli) job: Job,
    /// The outputs for the test rows, `[rows, outputs]`.
    pub(in crate::cli) outputs: Vec<f32>,
    pub(in crate::cli) result: Assessment,
    /// What limits the claim, in sentences.
    pub(in crate::cli) notes: Vec<String>,
}

/// The data of a run, and what limits the claims about them, in sentences.
pub(in crate::cli) type RunData = (Job, Vec<String>);

/// Reads and splits the data of a run again, and checks that they are those that its best model comes from.
///
/// # Errors
/// The model or the data are no longer there or are others.
pub(in crate::cli) fn data(run: &Run) -> Result<RunData, Error> {
    let model = run.best_model()?;
    let [best, last] = ["model.safetensors", "last.safetensors"].map(|name| run.path.join(name));
    let told = match &run.state {
        Some(state) => (&*last, state),
        None => (&*best, model.described()?),
    };
    let (job, note) = data_of(&run.recipe, told, data_dir().as_deref())?;
    Ok((job, note.into_iter().collect()))
}

/// Measures the best model of a run.
///
/// # Errors
/// The model or the data are no longer there or are others, the run has no test part, or the device failed.
pub(in crate::cli) fn test(run: &Run, device: &Device) -> Result<Tested, Error> {
    test_on(run, data(run)?, device)
}

/// The same where the data are read already.
///
/// # Errors
/// There is no model, the run has no test part, or the device failed.
pub(in crate::cli) fn test_on(run: &Run, (mut job, notes): RunData, device: &Device) -> Result<Tested, Error> {
    let model = run.best_model()?;
    let rows = &job.split.test;
    if rows.is_empty() {
        return Err(setting("the run has no test part"));
    }
    let inputs = job.dataset.values_of(rows);
    let bytes = matches!(inputs, Values::Bytes(_));
    let outputs = Predictor::for_inputs(model, bytes, None, device)?.outputs(&inputs)?;
    let result = assess(&job.problem, &job.scale, &outputs, &job.dataset.targets, rows);
    (job.dataset.values, job.dataset.pool) = (inputs, None);
    Ok(Tested { job, outputs, result, notes })
}
