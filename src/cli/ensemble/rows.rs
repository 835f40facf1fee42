//! The rows that members are judged by or chosen by: those of a source, or a part of the run that made them.

use super::super::args::{FormatArgs, Turns, ViewArgs};
use super::super::eval::{Asked, Labelled, labelled};
use super::super::{data_dir, setting};
use crate::data::{Targets, Values};
use crate::error::Error;
use crate::export::{Ensemble, Fingerprint, Metadata, Model};
use crate::train::{Job, Recipe, data_of};
use std::path::{Path, PathBuf};

/// Rows with their targets, in the order of the first member's classes.
pub(in crate::cli) struct Rows {
    /// What they are called.
    pub(in crate::cli) name: String,
    pub(in crate::cli) inputs: Values,
    /// Of all rows of their data set.
    pub(in crate::cli) targets: Targets,
    /// Which of them.
    pub(in crate::cli) numbers: Vec<u32>,
}

impl Rows {
    /// Rows of a job. Nothing where there are none.
    pub(in crate::cli) fn of_job(job: &Job, part: &str, rows: &[u32]) -> Option<Self> {
        let data = &job.dataset;
        let name = format!("{part} part of {}", data.name);
        let (inputs, targets) = (data.values_of(rows), data.targets.clone());
        (!rows.is_empty()).then(|| Self { name, inputs, targets, numbers: rows.to_vec() })
    }

    /// Those of a source, as eval takes it. Notes come along.
    pub(in crate::cli) fn of_source(source: &str, ensemble: &Ensemble) -> Result<(Self, Vec<String>), Error> {
        let (meta, views) = (ensemble.described()?, ViewArgs::default());
        let (format, turns) = (FormatArgs::default(), Turns::default());
        let asked = Asked { model: ensemble.path(), meta, source, target: None, format, turns, views: &views };
        let Labelled { dataset, targets, rows, inputs, mut notes, .. } = labelled(&asked)?;
        let part = if dataset.test.is_some() { "test part of " } else { "" };
        if dataset.test.is_none() && meta.trained_on.as_deref() == Some(dataset.name.as_str()) {
            notes.push(format!(
                "the first member was trained on rows of {}: on new rows the errors will be larger than on these",
                dataset.name
            ));
        }
        let numbers = rows.map(|row| row as u32).collect();
        Ok((Self { name: format!("{part}{}", dataset.name), inputs, targets, numbers }, notes))
    }
}

/// Whether all models lie in the folders of the runs that have left them.
///
/// # Errors
/// The runs do not validate and test on the same rows, or one does not say on which.
pub(super) fn are_of_common_runs(models: &[PathBuf]) -> Result<bool, Error> {
    if !models.iter().all(|model| model.with_file_name("recipe.toml").is_file()) {
        return Ok(false);
    }
    let mut first: Option<(&PathBuf, Fingerprint)> = None;
    for model in models {
        let found = state(model)?.fingerprint.ok_or_else(|| {
            let shown = model.with_file_name(STATE);
            setting(format!("{} does not tell the rows of its run: give rows with --data", shown.display()))
        })?;
        match &first {
            None => first = Some((model, found)),
            Some((other, known)) if [&known.validation, &known.test] != [&found.validation, &found.test] => {
                let [other, model] = [*other, model].map(|path| path.display().to_string());
                return Err(setting(format!(
                    "the runs of {other} and {model} hold out different rows, so that no rows are new to both: give new \
                     rows with --data, and train members with one --split-seed"
                )));
            }
            Some(_) => {}
        }
    }
    Ok(true)
}

/// The state of a run beside its model.
const STATE: &str = "last.safetensors";

fn state(model: &Path) -> Result<Metadata, Error> {
    let (state, _) = Model::open(&model.with_file_name(STATE))?;
    Ok(state.described()?.clone())
}

/// The data of the run that has left a model, split as in the run.
///
/// # Errors
/// The data are not there or have changed.
pub(super) fn job_of(model: &Path) -> Result<Job, Error> {
    let recipe = Recipe::open(&model.with_file_name("recipe.toml"))?;
    Ok(data_of(&recipe, (model, &state(model)?), data_dir().as_deref())?.0)
}
