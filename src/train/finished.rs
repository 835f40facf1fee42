//! The model that a run has left, measured on each part of the run's data.

use super::job::Job;
use super::prepare::prepare;
use super::run_folder::{BEST, LAST, RECIPE};
use super::settings::Recipe;
use crate::data::Values;
use crate::device::Device;
use crate::error::Error;
use crate::export::{Metadata, Model};
use crate::metrics::Evaluation;
use crate::run::Predictor;
use std::path::Path;

/// The data of a run, read and split again as its recipe says, and checked against what a file of the run says of them: its
/// resumable state, or its model. A sentence comes along where that does not tell the rows.
///
/// # Errors
/// The data are not there or are others than those of the run.
pub fn data_of(
    recipe: &Recipe,
    (file, described): (&Path, &Metadata),
    data_dir: Option<&Path>,
) -> Result<(Job, Option<String>), Error> {
    let (job, _) = prepare(recipe, data_dir)?;
    if let Some(what) = job.difference_from(described) {
        return Err(Error::OtherData { run: file.to_owned(), what });
    }
    let what = "does not tell the rows of the run: their columns and classes are checked, but not whether the rows are the same";
    let note = described.fingerprint.is_none().then(|| format!("{} {what}", file.display()));
    Ok((job, note))
}

/// A run that has left a model, with its data split and encoded as they were in training.
#[derive(Debug)]
pub struct Finished {
    job: Job,
    model: Model,
    notes: Vec<String>,
}

impl Finished {
    /// Opens the folder of a run and the data that its recipe names, and checks that they are those of the run.
    ///
    /// # Errors
    /// The folder holds no run or no model, or the data are not there or have changed.
    pub fn open(run: &Path, data_dir: Option<&Path>) -> Result<Self, Error> {
        let recipe = run.join(RECIPE);
        if run.is_dir() && !recipe.exists() {
            let what = "is not there, so the folder holds no run: name a folder that training has made".into();
            return Err(Error::RunFolder { path: recipe, what });
        }
        let recipe = Recipe::open(&recipe)?;
        let [best, last] = [BEST, LAST].map(|name| run.join(name));
        if !best.exists() {
            let what = "is not there: the run has left no model yet, so let it go on first (`resume`)".into();
            return Err(Error::RunFolder { path: best, what });
        }
        let model = Model::read(&best)?;
        let (job, note) = if last.exists() {
            data_of(&recipe, (&last, Model::read(&last)?.described()?), data_dir)?
        } else {
            data_of(&recipe, (&best, model.described()?), data_dir)?
        };
        Ok(Self { job, model, notes: note.into_iter().collect() })
    }

    /// The data, their split and the recipe.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The run's model: the best of its epochs.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What the user should know of the run, in sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Job {
    /// The rows that a model is trained on, each once: a bootstrap sample repeats some.
    pub fn distinct_train_rows(&self) -> Vec<u32> {
        let mut rows = self.split.train.clone();
        rows.dedup();
        rows
    }

    /// How a model does on each of some parts of the rows, by the rule for inference; none for a part without rows.
    ///
    /// # Errors
    /// The model does not fit the data, or the device failed.
    pub fn measure<const N: usize>(
        &self,
        model: &Model,
        parts: [&[u32]; N],
        device: &Device,
    ) -> Result<[Option<Evaluation>; N], Error> {
        let bytes = matches!(self.dataset.values, Values::Bytes(_));
        let mut predictor = Predictor::for_inputs(model, bytes, None, device)?;
        let mut evaluations = [const { None }; N];
        for (rows, evaluation) in parts.into_iter().zip(&mut evaluations).filter(|(rows, _)| !rows.is_empty()) {
            let outputs = predictor.outputs(&self.dataset.values_of(rows))?;
            *evaluation = Some(self.evaluate(&outputs, rows));
        }
        Ok(evaluations)
    }
}
