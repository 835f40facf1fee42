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

/// Measures the best model of a run.
///
/// # Errors
/// The model or the data are no longer there or are others, the run has no test part, or the device failed.
pub(in crate::cli) fn test(run: &Run, device: &Device) -> Result<Tested, Error> {
    let Some(model) = &run.model else { return Err(setting("there is no best model to measure")) };
    let [best, last] = ["model.safetensors", "last.safetensors"].map(|name| run.path.join(name));
    let told = match &run.state {
        Some(state) => (&*last, state),
        None => (&*best, model.described()?),
    };
    let (mut job, note) = data_of(&run.recipe, told, data_dir().as_deref())?;
    let notes = note.into_iter().collect();
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
