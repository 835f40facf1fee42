//! What a run leaves: the state to go on from, and the best model so far.

use super::best::{Best, Tensors, is_finite};
use super::diverged::{self, Fault};
use super::job::Job;
use super::run_folder::{BEST, LAST, RunFolder};
use super::trainer::Trainer;
use crate::error::Error;
use crate::export::{self, Metadata, Model, Normalization, Progress};
use crate::run::state;
use std::path::PathBuf;
use std::time::Instant;

impl Trainer {
    /// The network as it stands: after [`Trainer::fit`] or [`Trainer::run`] the best model, between steps the weights of the
    /// last step.
    ///
    /// # Errors
    /// The device failed.
    pub fn model(&mut self) -> Result<Model, Error> {
        let best = if self.over { self.best() } else { None };
        let (tensors, metadata) = (self.tensors(false)?, Some(self.metadata(best, None)));
        Ok(Model { path: PathBuf::from("the model in training"), metadata, tensors })
    }

    pub(super) fn tensors(&mut self, resumable: bool) -> Result<Tensors, Error> {
        Ok(state::save(&mut self.runner, &self.counted, self.progress.step, resumable)?)
    }

    pub(super) fn metadata(&self, best: Option<(f64, u64)>, progress: Option<Progress>) -> Metadata {
        let Job { dataset: data, normalize: (kind, affine), problem, scale, .. } = &self.job;
        let input = self.job.input_shape().unwrap_or_else(|_| data.shape.clone());
        let normalize = Normalization::new(kind.to_string(), data.largest, affine);
        Metadata {
            encoding: data.encoding.clone(),
            target: data.target.clone(),
            image: self.job.settings.image.clone(),
            dialect: data.dialect.clone(),
            target_scale: (!scale.is_none()).then(|| scale.clone()),
            precision: self.job.settings.precision,
            trained_on: Some(data.name.clone()),
            pictures: self.looks.clone(),
            framing: data.framing,
            calibrated: self.calibrated.clone().filter(|_| progress.is_none()),
            best,
            fingerprint: progress.is_some().then(|| self.fingerprint.clone()),
            progress,
            ..Metadata::new(self.network.texts(), input, problem, normalize)
        }
    }

    /// Writes `last.safetensors`, and `model.safetensors` with the best weights so far, or the last where nothing
    /// validates. The best go first: a run that was killed in between meets them again, and must not forget them.
    pub(super) fn save(&mut self, folder: &mut RunFolder) -> Result<(), Error> {
        let tensors = self.tensors(true)?;
        if !is_finite(&tensors) {
            return Err(diverged::stop(self, Fault::Weights, Some(folder)));
        }
        self.save_best(folder)?;
        self.save_last(folder, tensors)?;
        if self.best.is_none() {
            let tensors = self.tensors(false)?;
            self.write(folder, BEST, tensors, None)?;
        }
        Ok(())
    }

    /// Writes the same within an epoch, if it is time to. A number that is not finite is left to the next loss to tell.
    pub(super) fn save_within_epoch(&mut self, folder: &mut RunFolder) -> Result<(), Error> {
        if !self.saves.is_due() {
            return Ok(());
        }
        let tensors = self.tensors(true)?;
        if is_finite(&tensors) {
            self.save_best(folder)?;
            self.save_last(folder, tensors)?;
        }
        self.saves.since = Instant::now();
        Ok(())
    }

    /// Writes the best model so far, if there is one that the folder does not hold.
    pub(super) fn save_best(&mut self, folder: &RunFolder) -> Result<(), Error> {
        let Some(best) = self.best.as_ref().filter(|best| !best.saved) else { return Ok(()) };
        self.write(folder, BEST, best.tensors.clone(), None)?;
        self.best.iter_mut().for_each(|best| best.saved = true);
        Ok(())
    }

    /// Writes the state to go on from. The tables come first: they must not lack what the state says is done.
    pub(super) fn save_last(&mut self, folder: &mut RunFolder, tensors: Tensors) -> Result<(), Error> {
        folder.sync()?;
        self.write(folder, LAST, tensors, Some(self.progress.clone()))?;
        (self.saves.since, self.saves.step) = (Instant::now(), Some(self.progress.step));
        Ok(())
    }

    /// Writes tensors as a model, or with the run's progress as a state to go on from.
    pub(super) fn write(
        &self,
        folder: &RunFolder,
        name: &str,
        tensors: Tensors,
        progress: Option<Progress>,
    ) -> Result<(), Error> {
        let best = if progress.is_none() { self.best() } else { None };
        let metadata = Some(self.metadata(best, progress));
        Ok(Model { path: PathBuf::new(), metadata, tensors }.save(folder.file(name))?)
    }

    pub(super) fn take_best(&mut self) -> Result<(), Error> {
        if let Some(best) = self.best.take() {
            let model = Model { path: PathBuf::from("the best model"), metadata: None, tensors: best.tensors };
            state::load(&mut self.runner, &model, state::Take::WEIGHTS)?;
            self.best = Some(Best { tensors: model.tensors, ..best });
        }
        Ok(())
    }

    /// The best measure on the validation part so far, and the epochs it took.
    pub fn best(&self) -> Option<(f64, u64)> {
        self.best.as_ref().map(|best| (best.measure, best.epoch))
    }

    /// Writes `model.safetensors` again, with the averages that batch norm is to have.
    pub(super) fn save_settled(&mut self, folder: Option<&mut RunFolder>) -> Result<(), Error> {
        let tensors = self.tensors(false)?;
        if let Some(best) = &mut self.best {
            // The counts stay those of its epoch.
            let floats = tensors.into_iter().filter(|(_, values)| matches!(values, export::Values::Floats(..)));
            best.tensors.extend(floats);
            (best.settled, best.saved) = (true, false);
            return folder.map_or(Ok(()), |folder| self.save_best(folder));
        }
        folder.map_or(Ok(()), |folder| self.write(folder, BEST, tensors, None))
    }
}
