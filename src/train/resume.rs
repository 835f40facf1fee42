//! What a run starts from: random weights, those of a file, or the state that an earlier part of it has left.

use super::best::Best;
use super::identity::{difference, fingerprint};
use super::init_from;
use super::job::Job;
use super::run_folder::{BEST, LAST, RunFolder};
use crate::error::Error;
use crate::export::{Fingerprint, Model, ModelError, Progress};
use crate::nn::Network;
use crate::run::Runner;
use crate::run::state::{self, Counts, Take};
use std::path::Path;

/// Whole epochs in `epochs.csv` from which on a run has been saved: the first one is at once.
const SAVED_EPOCHS: usize = 2;

impl Job {
    /// Takes the state that a run has left in its folder, and its best model. Says whether there is one: a run that was
    /// ended before anything of it was saved starts from its first step.
    ///
    /// # Errors
    /// A file cannot be read, or the state is not there though the run had got as far as to be saved.
    pub fn go_on_from(&mut self, run: &Path) -> Result<bool, Error> {
        let (last, best) = (run.join(LAST), run.join(BEST));
        if !last.exists() {
            let epochs = RunFolder::epochs(run)?;
            if epochs < SAVED_EPOCHS {
                return Ok(false);
            }
            let what =
                format!("is not there, though the run has {epochs} epochs done: put it back, or start a new run");
            return Err(Error::RunFolder { path: last, what });
        }
        self.resume = Some(Model::read(&last)?);
        self.best = best.exists().then(|| Model::read(&best)).transpose()?;
        Ok(true)
    }
}

/// Where a run starts.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) progress: Progress,
    /// Batches that batch norm had counted before the first update.
    pub(super) counted: Counts,
    pub(super) best: Option<Best>,
    pub(super) fingerprint: Fingerprint,
    /// Whether weights came from a file that the run does not keep.
    pub(super) from_file: bool,
    /// Updates done in the state that the folder holds, if it holds one.
    pub(super) saved_step: Option<u64>,
    /// What the user should know, in sentences.
    pub(super) notes: Vec<String>,
}

impl Start {
    /// Checks the data against those of the run to go on with, and lets what a model to start from has for each column
    /// follow the columns.
    ///
    /// # Errors
    /// The data are others, or have other columns than the model to start from.
    pub(super) fn check(job: &mut Job) -> Result<Self, Error> {
        let (fingerprint, mut notes) = (fingerprint(job), vec![]);
        if let Some(model) = &job.resume {
            let run = model.described()?;
            if let Some(what) = difference(job, &fingerprint, run) {
                return Err(Error::OtherData { run: model.path.clone(), what });
            }
            if run.fingerprint.is_none() {
                let path = model.path.display();
                notes.push(format!(
                    "{path} is of a version that kept no fingerprint of the data: its columns and classes are these, but \
                     whether its rows are these is not checked"
                ));
            }
        }
        if let Some(mut model) = job.init_from.take() {
            if init_from::by_name(&mut model, job)? {
                let path = model.path.display();
                notes.push(format!("the columns of {path} stand in another order: its weights follow them by name"));
            }
            job.init_from = Some(model);
        }
        notes.extend(super::transfer::keep_normalization(job)?);
        let (progress, from_file) = (Progress::default(), job.init_from.is_some());
        Ok(Self { progress, counted: Counts::new(), best: None, fingerprint, from_file, saved_step: None, notes })
    }

    /// Writes weights and states to the device.
    ///
    /// # Errors
    /// A file does not fit the network, or the device failed.
    pub(super) fn load(&mut self, runner: &mut Runner, job: &mut Job, network: &Network) -> Result<(), Error> {
        state::initialize(runner, job.settings.seed)?;
        if let Some(model) = job.init_from.take() {
            let anew = network.last_weighted().filter(|_| job.settings.new_head);
            let take = Take { without: anew.as_deref(), ..Take::WEIGHTS };
            self.counted = state::load(runner, &model, take).map_err(|error| of_head(error, job, network))?;
            self.notes.extend(anew.map(|prefix| {
                let (layer, path) = (prefix.trim_end_matches('.'), model.path.display());
                format!("layer {layer}, the last with weights, starts anew; the others start as in {path}")
            }));
        }
        if let Some(model) = job.best.take() {
            state::load(runner, &model, Take::WEIGHTS)?;
            let found = model.described()?.best;
            let best = |(measure, epoch)| Best { measure, epoch, tensors: model.tensors, settled: true, saved: true };
            self.best = found.map(best);
        }
        if let Some(model) = job.resume.take() {
            self.progress = model.described()?.progress.clone().ok_or_else(|| not_resumable(&model))?;
            self.counted = state::load(runner, &model, Take::STATE)?;
            for counter in runner.compiled().counters.iter().filter(|counter| !counter.frozen) {
                let count = self.counted.entry(counter.name.clone()).or_default();
                *count = count.wrapping_sub_unsigned(self.progress.step);
            }
            // A run in another precision before has left none, or one that this run has no use for.
            runner.set_scaling(self.progress.scaling.unwrap_or_default())?;
            self.saved_step = Some(self.progress.step);
            let reached = self.progress.epoch;
            if let Some(epoch) = self.best.as_ref().map(|best| best.epoch).filter(|&epoch| epoch > reached) {
                self.notes.push(format!(
                    "{BEST} is of epoch {epoch}, and the state to go on from has {reached} epochs done: the model stays until \
                     an epoch is better"
                ));
            }
        }
        self.progress.scaling = runner.scaling()?;
        Ok(())
    }
}

/// Says of a file that does not fit only in the last layer what starts that layer anew.
fn of_head(error: Error, job: &Job, network: &Network) -> Error {
    let Error::Model(ModelError::Mismatch { path, what }) = error else { return error };
    let of_last = network.last_weighted().is_some_and(|prefix| what.starts_with(&prefix));
    let hint = if of_last && !job.settings.new_head { ": set new_head to start the last layer anew" } else { "" };
    Error::Model(ModelError::Mismatch { path, what: format!("{what}{hint}") })
}

fn not_resumable(model: &Model) -> Error {
    Error::RunFolder { path: model.path.clone(), what: "holds a model, but no run to go on with".into() }
}
