//! The training loop.
//!
//! The host decides between chunks of steps that take about a tenth of a second each: progress, Ctrl-C, a loss that is
//! not finite; and between epochs: validation, the best model, checkpoints. Within a chunk nothing is read back. How
//! steps are chunked changes no bit of the result.

use super::batches::steps;
use super::device::Device;
use super::diverged::{self, Fault};
use super::evaluate::Evaluation;
use super::pace::Pace;
use super::programs::{DataShape, Programs, TrainOptions};
use super::recipe::{Length, Settings};
use super::report::{EpochReport, Observer, Outcome};
use super::run_folder::RunFolder;
use super::runner::Runner;
use super::state;
use crate::data::{Affine, Dataset, Normalize, Split, Values};
use crate::error::Error;
use crate::export::{self, Metadata, Model, Normalization, Progress};
use crate::kernel::Step;
use crate::nn::Network;
use crate::shape::Shape;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time between two writings of files in mid-run; the last state is always written.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);

/// All that a run starts from.
#[derive(Debug)]
pub struct Job {
    /// The rows.
    pub dataset: Dataset,
    /// Their parts.
    pub split: Split,
    /// Normalisation by the training part.
    pub normalize: (Normalize, Affine),
    /// How to train.
    pub settings: Settings,
    /// Weights to start from in place of random ones.
    pub init_from: Option<Model>,
    /// A run to go on with.
    pub resume: Option<Model>,
    /// The best model of that run so far.
    pub best: Option<Model>,
}

/// A network in training.
#[derive(Debug)]
pub struct Trainer {
    pub(super) runner: Runner,
    pub(super) job: Job,
    pub(super) network: Network,
    pub(super) progress: Progress,
    /// Batches that batch norm had counted before the first update.
    counted: i64,
    best: Option<Best>,
    saved: Option<Instant>,
    pace: Pace,
}

/// The state with the lowest validation loss so far.
#[derive(Clone, Debug)]
struct Best {
    loss: f64,
    epoch: u64,
    tensors: BTreeMap<String, export::Values>,
}

impl Trainer {
    /// Compiles the network for a device and loads data and weights.
    ///
    /// # Errors
    /// The settings do not fit the data or one another; the device fails.
    pub fn new(mut job: Job, device: &Device) -> Result<Self, Error> {
        let (settings, rows) = (&job.settings, job.split.train.len());
        let network = Network::read(&settings.layers, job.dataset.classes.len(), settings.init)?;
        if settings.batch > rows {
            let what = format!("a batch of {} is larger than the {rows} rows to train on", settings.batch);
            return Err(Error::Setting(format!("{what}: --batch can be {rows} at most")));
        }
        if steps(rows, settings.batch, network.needs_two_rows(), 0.0, 0).is_empty() {
            return Err(Error::Setting("batch_norm cannot be trained on one row".into()));
        }
        let row = input_shape(&job.dataset, settings.shape.as_ref())?;
        let bytes = matches!(job.dataset.values, Values::Bytes(_));
        let data = DataShape { bytes, rows: job.dataset.rows(), row };
        let Settings { seed, optimizer, label_smoothing, batch, .. } = *settings;
        let options = TrainOptions { seed, optimizer, label_smoothing };
        let programs = Programs::compile(&network, &data, batch, Some(options), device.target())?;
        let mut runner = Runner::new(device, programs)?;
        let affine = &job.normalize.1;
        runner.load_data(&job.dataset.values, &job.dataset.labels, (&affine.offset, &affine.factor))?;
        state::initialize(&mut runner, seed)?;
        let mut counted = 0;
        let (mut progress, mut best) = (Progress::default(), None);
        if let Some(model) = job.init_from.take() {
            counted = state::load(&mut runner, &model, false)?;
        }
        if let Some(model) = job.best.take() {
            state::load(&mut runner, &model, false)?;
            let found = model.described()?.best;
            best = found.map(|(loss, epoch)| Best { loss, epoch, tensors: model.tensors });
        }
        if let Some(model) = job.resume.take() {
            progress = model.described()?.progress.clone().ok_or_else(|| not_resumable(&model))?;
            counted = state::load(&mut runner, &model, true)?.wrapping_sub_unsigned(progress.step);
        }
        let trainer = Self { runner, job, network, progress, counted, best, saved: None, pace: Pace::new() };
        trainer.check_length()?;
        Ok(trainer)
    }

    /// Refuses a run that is longer than steps can be numbered, or shorter than what is done of it.
    fn check_length(&self) -> Result<(), Error> {
        let (total, &Progress { step, step_in_epoch, .. }) = (self.total_steps(), &self.progress);
        let what = if total > u64::from(u32::MAX) {
            format!("the run would have {total} steps, the most is {}: give fewer epochs or steps", u32::MAX)
        } else if step > total {
            format!(
                "the run to go on with has {step} steps done, and would end after {total}: give more epochs or steps"
            )
        } else if step_in_epoch > self.epoch_steps().len() as u64 {
            format!(
                "the run to go on with has {step_in_epoch} steps done of an epoch that has fewer: its data have changed"
            )
        } else {
            return Ok(());
        };
        Err(Error::Setting(what))
    }

    /// The plan and the network's tensors.
    pub fn programs(&self) -> &Programs {
        self.runner.programs()
    }

    /// The layers, complete.
    pub fn layers(&self) -> Vec<String> {
        self.network.texts()
    }

    /// Where the run is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    pub(super) fn epoch_steps(&self) -> Vec<Step> {
        let s = &self.job.settings;
        let first = self.progress.step - self.progress.step_in_epoch;
        steps(self.job.split.train.len(), s.batch, self.network.needs_two_rows(), s.lr as f32, first)
    }

    /// Rows that every epoch leaves out, because `batch_norm` cannot be trained on a batch of one.
    pub fn left_out(&self) -> usize {
        self.job.split.train.len() - self.epoch_steps().iter().map(|step| step.rows as usize).sum::<usize>()
    }

    /// Updates of the whole run.
    pub fn total_steps(&self) -> u64 {
        match self.job.settings.length {
            Length::Steps(steps) => steps,
            Length::Epochs(epochs) => epochs.saturating_mul(self.epoch_steps().len() as u64),
        }
    }

    /// Trains to the end of the run, or until the observer stops it.
    ///
    /// # Errors
    /// A loss is not finite, and then what was reached is saved; a file cannot be written, or the device fails.
    pub fn run(&mut self, folder: &mut RunFolder, observer: &mut dyn Observer) -> Result<Outcome, Error> {
        let total = self.total_steps();
        while self.progress.step < total {
            if self.epoch(total, folder, observer)? == Outcome::Stopped {
                self.save(folder)?;
                return Ok(Outcome::Stopped);
            }
        }
        self.save(folder)?;
        self.take_best()?;
        Ok(Outcome::Finished)
    }

    fn epoch(&mut self, total: u64, folder: &mut RunFolder, observer: &mut dyn Observer) -> Result<Outcome, Error> {
        let table = self.epoch_steps();
        let mut done = self.progress.step_in_epoch as usize;
        let end = table.len().min(done + (total - self.progress.step) as usize);
        self.begin_epoch(&table)?;
        while done < end {
            done = self.chunk(&table, done..end, Some(&mut *folder))?;
            let rows = self.progress.rows;
            observer.progress(self.progress.step, total, rows);
            if observer.stop() && done < end {
                return Ok(Outcome::Stopped);
            }
        }
        let report = self.end_of_epoch()?;
        folder.epoch(&report.csv_line())?;
        observer.epoch(&report);
        if let Some(loss) = report.validation.as_ref().map(|v| v.loss).filter(|loss| !loss.is_finite()) {
            return Err(diverged::stop(self, Fault::Validation(loss), Some(folder)));
        }
        // A run that ends within an epoch can be resumed with more steps, and then goes on in that epoch.
        if done == table.len() {
            self.next_epoch();
        }
        if self.saved.is_none_or(|saved| saved.elapsed() > SAVE_INTERVAL) {
            self.save(folder)?;
        }
        let stop = observer.stop() && self.progress.step < total;
        Ok(if stop { Outcome::Stopped } else { Outcome::Finished })
    }

    /// Runs some of the steps and takes down what they gave, also in the run folder if there is one; says how many of
    /// the epoch are done.
    pub(super) fn chunk(
        &mut self,
        table: &[Step],
        range: std::ops::Range<usize>,
        mut folder: Option<&mut RunFolder>,
    ) -> Result<usize, Error> {
        let started = Instant::now();
        let count = self.pace.next(range.len());
        let train = self.programs().train.unwrap_or_else(|| panic!("a trainer's plan trains"));
        self.runner.run(train, count)?;
        let now = self.runner.executor().now()?;
        let halted = now.halted != 0;
        let done = if halted { now.index as usize } else { range.start + count };
        for (i, (loss, correct)) in self.runner.results(range.start, done)?.into_iter().enumerate() {
            let rows = u64::from(table[range.start + i].rows);
            if let Some(folder) = folder.as_deref_mut() {
                folder.step(self.progress.step, loss)?;
            }
            let p = &mut self.progress;
            p.step += 1;
            p.step_in_epoch += 1;
            p.rows += rows;
            p.correct += u64::from(correct);
            p.loss_sum += f64::from(loss) * rows as f64;
        }
        if halted {
            let loss = self.runner.results(done, done + 1)?[0].0;
            return Err(diverged::stop(self, Fault::Loss(loss), folder));
        }
        self.pace.took(count, started.elapsed());
        Ok(done)
    }

    fn end_of_epoch(&mut self) -> Result<EpochReport, Error> {
        let validation = match self.job.split.validation.as_slice() {
            [] => None,
            rows => Some(self.runner.evaluate(rows)?),
        };
        let p = &self.progress;
        // Only whole epochs compete, so that a run that is stopped within one and goes on ends as if it never had been.
        let whole = p.step_in_epoch == self.epoch_steps().len() as u64;
        let better = |loss: f64| whole && loss.is_finite() && self.best.as_ref().is_none_or(|best| loss < best.loss);
        let best = validation.as_ref().is_some_and(|v| better(v.loss));
        let report = EpochReport {
            epoch: p.epoch + 1,
            step: p.step,
            train_loss: p.loss_sum / p.rows as f64,
            train_accuracy: p.correct as f64 / p.rows as f64,
            validation,
            best,
        };
        if let (true, Some(validation)) = (best, &report.validation) {
            self.best = Some(Best { loss: validation.loss, epoch: report.epoch, tensors: self.tensors(false)? });
        }
        Ok(report)
    }

    fn tensors(&mut self, resumable: bool) -> Result<BTreeMap<String, export::Values>, Error> {
        let tracked = self.counted + self.progress.step as i64;
        Ok(state::save(&mut self.runner, tracked, resumable)?)
    }

    fn metadata(&self, best: Option<(f64, u64)>, progress: Option<Progress>) -> Metadata {
        let (kind, affine) = &self.job.normalize;
        let data = &self.job.dataset;
        Metadata {
            version: Metadata::VERSION,
            layers: self.network.texts(),
            input: input_shape(data, self.job.settings.shape.as_ref()).unwrap_or_else(|_| data.shape.clone()),
            classes: data.classes.clone(),
            columns: data.columns.clone(),
            target: data.target.clone(),
            trained_on: Some(data.name.clone()),
            normalize: Normalization::new(kind.to_string(), data.largest, &affine.offset, &affine.factor),
            best,
            progress,
        }
    }

    /// Writes `last.safetensors`, and `model.safetensors` with the best weights so far: of the lowest validation loss,
    /// or the last where nothing validates.
    fn save(&mut self, folder: &mut RunFolder) -> Result<(), Error> {
        if !self.save_last(folder)? {
            return Err(diverged::stop(self, Fault::Weights, Some(folder)));
        }
        if self.best.is_some() {
            return self.save_best(folder);
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

    fn take_best(&mut self) -> Result<(), Error> {
        if let Some(Best { loss, epoch, tensors }) = self.best.take() {
            let model = Model { path: PathBuf::from("the best model"), metadata: None, tensors };
            state::load(&mut self.runner, &model, false)?;
            self.best = Some(Best { loss, epoch, tensors: model.tensors });
        }
        Ok(())
    }

    /// The lowest validation loss so far, and the epochs it took.
    pub fn best(&self) -> Option<(f64, u64)> {
        self.best.as_ref().map(|best| (best.loss, best.epoch))
    }

    /// How the best model does on the test part, if there is one.
    ///
    /// # Errors
    /// The device failed.
    pub fn test(&mut self) -> Result<Option<Evaluation>, Error> {
        match self.job.split.test.as_slice() {
            [] => Ok(None),
            rows => Ok(Some(self.runner.evaluate(rows)?)),
        }
    }

    /// The job, for what is said of it.
    pub fn job(&self) -> &Job {
        &self.job
    }
}

/// The shape of one input: the recipe's if it names one of the right size, else the data's.
pub(super) fn input_shape(dataset: &Dataset, wanted: Option<&Vec<usize>>) -> Result<Vec<usize>, Error> {
    match wanted {
        Some(shape) if Shape(shape.clone()).elements() != dataset.features() => {
            let (has, values) = (Shape(dataset.shape.clone()), dataset.features());
            Err(Error::Setting(format!("shape {shape:?} does not fit rows of {has}, which are {values} values")))
        }
        Some(shape) => Ok(shape.clone()),
        None => Ok(dataset.shape.clone()),
    }
}

fn not_resumable(model: &Model) -> Error {
    Error::Setting(format!("{} holds a model, but no run to go on with", model.path.display()))
}
