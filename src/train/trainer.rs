//! The training loop.
//!
//! The host decides between chunks of steps that take about a tenth of a second each: progress, Ctrl-C, a loss that is
//! not finite; and between epochs: validation, the best model, checkpoints. Within a chunk nothing is read back. How
//! steps are chunked changes no bit of the result.

use super::checkpoint::{Best, Saves};
use super::diverged::{self, Fault};
use super::impossible;
use super::job::Job;
use super::report::{EpochReport, Observer, Outcome};
use super::resume::Start;
use super::run_folder::RunFolder;
use super::settings::{Length, Recipe};
use super::statistics::{Averaged, Gap};
use crate::data::Looks;
use crate::device::Device;
use crate::error::Error;
use crate::export::{Fingerprint, Progress};
use crate::kernel::{Now, Precision, Step};
use crate::metrics::Evaluation;
use crate::nn::Network;
use crate::op::{Family, Target};
use crate::run::Runner;
use crate::run::batches;
use crate::run::pace::Pace;
use crate::run::{Compiled, Purpose};
use std::time::{Duration, Instant};

/// A network in training.
#[derive(Debug)]
pub struct Trainer {
    pub(super) runner: Runner,
    pub(super) job: Job,
    pub(super) network: Network,
    pub(super) progress: Progress,
    /// Batches that batch norm had counted before the first update.
    pub(super) counted: i64,
    pub(super) best: Option<Best>,
    pub(super) saves: Saves,
    /// What tells the data from others.
    pub(super) fingerprint: Fingerprint,
    /// Whether weights came from a file that the run does not keep, so that its first state is written at once.
    from_file: bool,
    notes: Vec<String>,
    /// How far batch norm's two averages are apart, once they are known.
    pub(super) gaps: Vec<Gap>,
    /// How the model does with each of them, once that is known.
    pub(super) averaged: Option<Averaged>,
    /// What the pictures of the training part look like, if they are pictures.
    pub(super) looks: Option<Looks>,
    /// Whether the device holds the best model in place of the state to go on from.
    pub(super) over: bool,
    pace: Pace,
}

impl Trainer {
    /// Compiles the network for a device and loads data and weights.
    ///
    /// # Errors
    /// The settings do not fit the data, one another or the device; the device fails.
    pub fn new(job: Job, device: &Device) -> Result<Self, Error> {
        let target = device.target();
        if (job.settings.precision == Precision::F16) != matches!(target.product, Family::Cooperative(_)) {
            let precision = job.settings.precision;
            return Err(Error::Setting(format!("precision is {precision}, for which the device was not opened")));
        }
        Self::for_target(job, device, target)
    }

    /// The same, with the plan compiled for a target that is not all that the device can do: one without fusion, or one
    /// that scales the loss for a precision in which its products do not multiply.
    ///
    /// # Errors
    /// The settings do not fit the data or one another; the device fails.
    pub fn for_target(mut job: Job, device: &Device, target: Target) -> Result<Self, Error> {
        // Before all that other data may make fail.
        let mut start = Start::check(&mut job)?;
        let (settings, rows) = (&job.settings, job.split.train.len());
        let network = Network::read(&settings.layers, job.problem.head(), settings.init)?;
        if settings.batch > rows {
            let what = format!("a batch of {} is larger than the {rows} rows to train on", settings.batch);
            return Err(Error::Setting(format!("{what}: --batch can be {rows} at most")));
        }
        if batches::count(rows, settings.batch, network.needs_two_rows()) == 0 {
            return Err(Error::Setting("batch_norm cannot be trained on one row".into()));
        }
        let (data, purpose) = (job.data_shape()?, Purpose::Train(job.train_options()));
        let compiled = Compiled::compile(&network, &data, job.settings.batch, purpose, target)?;
        let mut runner = Runner::new(device, compiled)?;
        job.load(&mut runner)?;
        start.load(&mut runner, &mut job)?;
        let Start { progress, counted, best, fingerprint, from_file, saved_step, notes } = start;
        let every = Duration::try_from_secs_f64(job.settings.save_every).unwrap_or(Duration::MAX);
        let saves = Saves { every, since: Instant::now(), step: saved_step };
        let looks = Looks::of(&job.dataset, &job.split.train);
        let (gaps, averaged, over, pace) = (vec![], None, false, Pace::new());
        #[rustfmt::skip]
        let trainer = Self {
            runner, job, network, progress, counted, best, saves, fingerprint, from_file, notes, gaps, averaged, looks, over,
            pace,
        };
        trainer.check_length()?;
        Ok(trainer)
    }

    /// The same run from its start at another learning rate. Weights that it started from are not those of a file.
    ///
    /// # Errors
    /// The device fails while the network is compiled or the data are loaded.
    pub fn restart(self, lr: f64, device: &Device) -> Result<Self, Error> {
        let (mut job, target) = (self.job, self.runner.compiled().plan.target);
        (job.settings.lr, job.recipe.lr) = (lr, Some(lr));
        Self::for_target(job, device, target)
    }

    /// Refuses a run that is longer than steps can be numbered, or shorter than what is done of it or than its schedule.
    fn check_length(&self) -> Result<(), Error> {
        let (total, &Progress { step, step_in_epoch, .. }) = (self.total_steps(), &self.progress);
        let what = if total > u64::from(u32::MAX) {
            format!("the run would have {total} steps, the most is {}: give fewer epochs or steps", u32::MAX)
        } else if step > total {
            format!(
                "the run to go on with has {step} steps done, and would end after {total}: give more epochs or steps"
            )
        } else if step_in_epoch > self.steps_per_epoch() {
            format!(
                "the run to go on with has {step_in_epoch} steps done of an epoch that has fewer: its data have changed"
            )
        } else if let Err(what) = self.job.settings.schedule.check(total, self.steps_per_epoch()) {
            what
        } else {
            return Ok(());
        };
        Err(Error::Setting(what))
    }

    /// The plan and the network's tensors.
    pub fn compiled(&self) -> &Compiled {
        self.runner.compiled()
    }

    /// The layers, complete.
    pub fn layers(&self) -> Vec<String> {
        self.network.texts()
    }

    /// The recipe of this run: every setting, with the layers complete.
    pub fn recipe(&self) -> Recipe {
        Recipe { layers: Some(self.layers()), ..self.job.recipe.clone() }
    }

    /// What the user should know of where the run starts, in sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Where the run is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    fn steps_per_epoch(&self) -> u64 {
        let (rows, two) = (self.job.split.train.len(), self.network.needs_two_rows());
        batches::count(rows, self.job.settings.batch, two) as u64
    }

    /// The step table of the epoch at work.
    pub(super) fn epoch_steps(&self) -> Vec<Step> {
        let s = &self.job.settings;
        let first = self.progress.step - self.progress.step_in_epoch;
        let (total, per_epoch) = (self.total_steps(), self.steps_per_epoch());
        let rate = |step| s.schedule.rate(s.lr, step, total, per_epoch);
        batches::steps(self.job.split.train.len(), s.batch, self.network.needs_two_rows(), rate, first)
    }

    /// Rows that every epoch leaves out, because `batch_norm` cannot be trained on a batch of one.
    pub fn left_out(&self) -> usize {
        self.job.split.train.len() - self.epoch_steps().iter().map(|step| step.rows as usize).sum::<usize>()
    }

    /// Updates of the whole run.
    pub fn total_steps(&self) -> u64 {
        match self.job.settings.length() {
            Length::Steps(steps) => steps,
            Length::Epochs(epochs) => epochs.saturating_mul(self.steps_per_epoch()),
        }
    }

    /// Trains to the end of the run, or until the observer stops it.
    ///
    /// # Errors
    /// A loss is not finite, and then what was reached is saved; a file cannot be written, or the device fails.
    pub fn run(&mut self, folder: &mut RunFolder, observer: &mut dyn Observer) -> Result<Outcome, Error> {
        let total = self.total_steps();
        self.saves.since = Instant::now();
        if self.from_file && self.progress.step == 0 {
            let tensors = self.tensors(true)?;
            self.save_last(folder, tensors)?;
        }
        folder.begin()?;
        let mut outcome = Outcome::Finished;
        while self.progress.step < total && outcome == Outcome::Finished {
            outcome = if self.is_stale() { Outcome::Early } else { self.epoch(total, folder, observer)? };
        }
        self.save(folder)?;
        self.over = true;
        self.take_best()?;
        if outcome != Outcome::Stopped || self.takes_population() {
            self.settle(folder)?;
        }
        Ok(outcome)
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
            if done < end {
                if observer.stop() {
                    return Ok(Outcome::Stopped);
                }
                self.save_within_epoch(folder)?;
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
        // The first epoch is saved at once: that its files can be written is known early.
        if self.saves.step.is_none() || self.saves.is_due() {
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
        let train = self.compiled().train.unwrap_or_else(|| panic!("a trainer's plan trains"));
        self.runner.run(train, count)?;
        let now = self.runner.executor().now()?;
        let halted = now.halted != 0;
        let done = if halted { now.index as usize } else { range.start + count };
        self.progress.scaling = self.runner.scaling()?;
        let (answers, mut wrong) = (self.answers(), None);
        for (i, (loss, correct)) in self.runner.results(range.start, done)?.into_iter().enumerate() {
            let rows = u64::from(table[range.start + i].rows);
            wrong = wrong.or_else(|| impossible::in_step(loss, correct, rows as u32, answers));
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
            let fault = if now.halted == Now::HALTED_BY_GRADIENT { Fault::Gradient } else { Fault::Loss(loss) };
            return Err(diverged::stop(self, fault, folder));
        }
        self.check_possible(wrong)?;
        self.pace.took(count, started.elapsed());
        Ok(done)
    }

    fn end_of_epoch(&mut self) -> Result<EpochReport, Error> {
        let rows = self.job.split.validation.clone();
        let validation = if rows.is_empty() { None } else { Some(self.validate(&rows)?) };
        let p = &self.progress;
        // Only whole epochs compete, so that a run that is stopped within one and goes on ends as if it never had been.
        let whole = p.step_in_epoch == self.steps_per_epoch();
        let measure = validation.as_ref().map(|v| self.job.settings.measure.of(v)).filter(|m| whole && m.is_finite());
        let direction = self.job.settings.measure;
        let best = measure.is_some_and(|m| self.best.as_ref().is_none_or(|best| direction.is_better(m, best.measure)));
        let report = EpochReport {
            epoch: p.epoch + 1,
            step: p.step,
            train_loss: p.loss_sum / p.rows as f64,
            train_accuracy: self.train_accuracy(),
            validation,
            whole,
            best,
        };
        if let (true, Some(measure)) = (best, measure) {
            self.best = Some(Best {
                measure,
                epoch: report.epoch,
                tensors: self.tensors(false)?,
                settled: false,
                saved: false,
            });
        }
        Ok(report)
    }

    /// Share of right answers in the epoch at work, as its rows were met.
    fn train_accuracy(&self) -> Option<f64> {
        Some(self.progress.correct as f64 / (self.progress.rows * self.answers()?) as f64)
    }

    /// Whether so many epochs have brought nothing better that the run ends.
    fn is_stale(&self) -> bool {
        let patience = self.job.settings.early_stopping;
        let best = self.best.as_ref().map_or(0, |best| best.epoch);
        patience.is_some_and(|patience| self.progress.epoch >= best.saturating_add(patience))
    }

    /// How the best model does on the test part, if there is one.
    ///
    /// # Errors
    /// The device failed.
    pub fn test(&mut self) -> Result<Option<Evaluation>, Error> {
        let rows = self.job.split.test.clone();
        if rows.is_empty() { Ok(None) } else { self.evaluate(&rows).map(Some) }
    }

    /// The job, for what is said of it.
    pub fn job(&self) -> &Job {
        &self.job
    }
}
