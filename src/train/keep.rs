//! What a run leaves: the state to go on from, and the best model so far.

use super::diverged::{self, Fault};
use super::job::Job;
use super::run_folder::RunFolder;
use super::state;
use super::trainer::Trainer;
use crate::error::Error;
use crate::export::{self, Metadata, Model, Normalization, Progress, loss_settings};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// The state with the best measure on the validation part so far.
#[derive(Clone, Debug)]
pub(super) struct Best {
    pub(super) measure: f64,
    pub(super) epoch: u64,
    pub(super) tensors: BTreeMap<String, export::Values>,
    /// Whether batch norm's averages may be those of the population already, as in a file that a run has left.
    pub(super) settled: bool,
}

impl Trainer {
    pub(super) fn tensors(&mut self, resumable: bool) -> Result<BTreeMap<String, export::Values>, Error> {
        let tracked = self.counted.wrapping_add_unsigned(self.progress.step);
        Ok(state::save(&mut self.runner, tracked, resumable)?)
    }

    pub(super) fn metadata(&self, best: Option<(f64, u64)>, progress: Option<Progress>) -> Metadata {
        let Job { dataset: data, normalize: (kind, affine), problem, scale, .. } = &self.job;
        Metadata {
            version: Metadata::VERSION,
            layers: self.network.texts(),
            input: self.job.input_shape().unwrap_or_else(|_| data.shape.clone()),
            answer: problem.answer,
            loss: problem.loss.to_string(),
            loss_settings: loss_settings(&problem.loss),
            classes: problem.names.clone(),
            encoding: data.encoding.clone(),
            target: data.target.clone(),
            target_scale: (!scale.is_none()).then(|| scale.clone()),
            precision: self.job.settings.precision,
            trained_on: Some(data.name.clone()),
            normalize: Normalization::new(kind.to_string(), data.largest, affine),
            best,
            progress,
        }
    }

    /// Writes `last.safetensors`, and `model.safetensors` with the best weights so far, or the last where nothing
    /// validates. The best go first: a run that was killed in between meets them again, and must not forget them.
    pub(super) fn save(&mut self, folder: &mut RunFolder) -> Result<(), Error> {
        self.save_best(folder)?;
        if !self.save_last(folder)? {
            return Err(diverged::stop(self, Fault::Weights, Some(folder)));
        }
        if self.best.is_some() {
            return Ok(());
        }
        let (metadata, tensors) = (Some(self.metadata(None, None)), self.tensors(false)?);
        Model { path: PathBuf::new(), metadata, tensors }.write(&folder.file("model.safetensors"))?;
        Ok(())
    }

    pub(super) fn save_best(&mut self, folder: &mut RunFolder) -> Result<(), Error> {
        let Some(best) = &self.best else { return Ok(()) };
        let (metadata, tensors) = (Some(self.metadata(self.best(), None)), best.tensors.clone());
        Model { path: PathBuf::new(), metadata, tensors }.write(&folder.file("model.safetensors"))?;
        Ok(())
    }

    /// Writes `last.safetensors`, unless a number in it is not finite; says whether it was written.
    pub(super) fn save_last(&mut self, folder: &mut RunFolder) -> Result<bool, Error> {
        folder.flush()?;
        let tensors = self.tensors(true)?;
        if tensors.values().any(|values| values.not_finite().is_some()) {
            return Ok(false);
        }
        let metadata = Some(self.metadata(None, Some(self.progress.clone())));
        Model { path: PathBuf::new(), metadata, tensors }.write(&folder.file("last.safetensors"))?;
        self.saved = Some(Instant::now());
        Ok(true)
    }

    pub(super) fn take_best(&mut self) -> Result<(), Error> {
        if let Some(Best { measure, epoch, tensors, settled }) = self.best.take() {
            let model = Model { path: PathBuf::from("the best model"), metadata: None, tensors };
            state::load(&mut self.runner, &model, false)?;
            self.best = Some(Best { measure, epoch, tensors: model.tensors, settled });
        }
        Ok(())
    }

    /// The best measure on the validation part so far, and the epochs it took.
    pub fn best(&self) -> Option<(f64, u64)> {
        self.best.as_ref().map(|best| (best.measure, best.epoch))
    }

    /// Writes `model.safetensors` again, with the averages that batch norm is to have.
    pub(super) fn save_settled(&mut self, folder: &mut RunFolder) -> Result<(), Error> {
        let tensors = self.tensors(false)?;
        if let Some(best) = &mut self.best {
            // The counts stay those of its epoch.
            let floats = tensors.into_iter().filter(|(_, values)| matches!(values, export::Values::Floats(..)));
            best.tensors.extend(floats);
            best.settled = true;
            return self.save_best(folder);
        }
        let metadata = Some(self.metadata(None, None));
        Ok(Model { path: PathBuf::new(), metadata, tensors }.write(&folder.file("model.safetensors"))?)
    }
}
