//! The rows that members are judged by or chosen by: those of a source, or a part of the run that made them.

use super::super::args::{FormatArgs, Turns, ViewArgs};
use super::super::eval::{Asked, Labelled, labelled};
use super::super::{data_dir, setting};
use crate::data::{Part, Targets, Values};
use crate::error::Error;
use crate::export::{Ensemble, Metadata, Model, PartFingerprint};
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
    /// The rows of a part of a job. Nothing where there are none.
    pub(in crate::cli) fn of_job(job: &Job, part: Part) -> Option<Self> {
        let [train, validation, test] = job.sources();
        let (source, rows) = match part {
            Part::Train => (train, &job.split.train),
            Part::Validation => (validation, &job.split.validation),
            Part::Test => (test, &job.split.test),
        };
        let name = format!("{part} part of {source}");
        let (inputs, targets) = (job.dataset.values_of(rows), job.dataset.targets.clone());
        (!rows.is_empty()).then(|| Self { name, inputs, targets, numbers: rows.clone() })
    }

    /// Those of a source, as eval takes it. Notes come along.
    pub(in crate::cli) fn of_source(source: &str, ensemble: &Ensemble) -> Result<(Self, Vec<String>), Error> {
        let (meta, views) = (ensemble.described()?, ViewArgs::default());
        let (format, turns) = (FormatArgs::default(), Turns::default());
        let asked = Asked {
            model: ensemble.path(),
            meta,
            source,
            target: None,
            format,
            turns,
            views: &views,
            skip_broken: false,
        };
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

/// The first model that does not lie under a run's own name in a run's folder, if there is one.
pub(super) fn of_no_run(models: &[PathBuf]) -> Option<&PathBuf> {
    let is_of_run = |model: &&PathBuf| {
        let named = model.file_name().is_some_and(|name| [BEST, STATE].iter().any(|own| name == *own));
        named && model.with_file_name(RECIPE).is_file()
    };
    models.iter().find(|model| !is_of_run(model))
}

/// Refuses models in the folders of runs that have no rows in common to be judged by.
///
/// # Errors
/// The runs do not validate and test on the same rows, one does not say on which, or a model is not that of its folder's run.
pub(super) fn hold_out_alike(models: &[PathBuf]) -> Result<(), Error> {
    let mut first: Option<(&PathBuf, Metadata)> = None;
    for model in models {
        let state = state(model)?;
        if !is_like(&Ensemble::open(model)?.0, &state) {
            let (shown, name) = (model.display(), STATE);
            return Err(setting(format!(
                "{shown} is not the model of the run in its folder, by what {name} there says, so that the rows which the run \
                 held out may not be new to it: give rows with --data"
            )));
        }
        match &first {
            None => first = Some((model, state)),
            Some((other, known)) if !have_same_rows([(other, known), (model, &state)])? => {
                let [other, model] = [*other, model].map(|path| path.display().to_string());
                return Err(setting(format!(
                    "the runs of {other} and {model} hold out different rows, so that no rows are new to both: give new \
                     rows with --data, and train members with one --split-seed"
                )));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Whether two runs, each told by its model and its state, validate and test on the same rows.
///
/// # Errors
/// One of them does not say on which.
fn have_same_rows(runs: [(&PathBuf, &Metadata); 2]) -> Result<bool, Error> {
    let [(first, of_first), (model, of_model)] = runs;
    let print = |model: &Path, state: &Metadata| {
        let shown = model.with_file_name(STATE);
        let what = || setting(format!("{} does not tell the rows of its run: give rows with --data", shown.display()));
        state.fingerprint.clone().ok_or_else(what)
    };
    let (one, other) = (print(first, of_first)?, print(model, of_model)?);
    // The inputs of tables are hashed as they are normalised, so that other hashes may be of the same rows. What fills fields in
    // then still tells other tables: the means of the rows to train on.
    let normalized_alike = of_first.normalize == of_model.normalize;
    let filled_alike = of_first.encoding == of_model.encoding;
    let same = |one: &PartFingerprint, other: &PartFingerprint| {
        let inputs = if normalized_alike { one.inputs == other.inputs } else { filled_alike };
        inputs && (one.rows, &one.numbers, &one.targets) == (other.rows, &other.numbers, &other.targets)
    };
    Ok(same(&one.validation, &other.validation) && same(&one.test, &other.test))
}

/// Whether a file holds one network of the kind that the state of a run describes, for inputs that are normalised alike.
fn is_like(model: &Ensemble, state: &Metadata) -> bool {
    let [Model { metadata: Some(meta), .. }] = model.members() else { return false };
    let alike = meta.layers == state.layers
        && meta.input == state.input
        && meta.loss == state.loss
        && meta.classes == state.classes
        && meta.encoding.features() == state.encoding.features();
    let features = state.input.iter().product();
    let [own, wanted] = [meta, state].map(|meta| meta.normalize.affine(features));
    alike && (0..features).all(|feature| own.agrees(&wanted, feature))
}

/// The settings of a run beside its model.
const RECIPE: &str = "recipe.toml";

/// The model of a run.
const BEST: &str = "model.safetensors";

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
    let recipe = Recipe::open(&model.with_file_name(RECIPE))?;
    Ok(data_of(&recipe, (model, &state(model)?), data_dir().as_deref())?.0)
}
