//! The training loop.
//!
//! The host decides between chunks of steps that take about a tenth of a second each: progress, Ctrl-C, a loss that is
//! not finite; and between epochs: validation, the best model, checkpoints. Within a chunk nothing is read back. How
//! steps are chunked changes no bit of the result.

use super::best::{Best, is_finite};
use super::diverged::{self, Fault};
use super::impossible;
use super::report::{EpochReport, Observer, Outcome};
use super::run_folder::RunFolder;
use super::settings::Log;
use super::trainer::Trainer;
use crate::error::Error;
use crate::executor::DeviceError;
use crate::kernel::{Now, Step};
use crate::op::Class;
use crate::run::stream::Advance;
use std::time::Instant;

impl Trainer {
    /// Trains to the end of the run, until the validation gets no better (`early_stopping`), or until the observer stops it.
    /// Then the trainer holds the best model: that of the epoch with the best `measure` on the validation part, or the last
    /// one where nothing validates. No files are written; [`Trainer::run`] writes them.
    ///
    /// # Errors
    /// A loss is not finite, or the device fails.
    pub fn fit(&mut self, observer: &mut dyn Observer) -> Result<Outcome, Error> {
        self.train(None, observer)
    }

    /// The same with a run folder, into which the tables, the state to resume from and the best model go.
    ///
    /// # Errors
    /// As [`Trainer::fit`], and then what was reached is saved; or a file cannot be written.
    pub fn run(&mut self, folder: &mut RunFolder, observer: &mut dyn Observer) -> Result<Outcome, Error> {
        self.train(Some(folder), observer)
    }

    fn train(&mut self, mut folder: Option<&mut RunFolder>, observer: &mut dyn Observer) -> Result<Outcome, Error> {
        if self.over {
            return Err(Error::Over);
        }
        let total = self.total_steps();
        self.saves.since = Instant::now();
        if let Some(folder) = folder.as_deref_mut() {
            if self.from_file && self.progress.step == 0 {
                let tensors = self.tensors(true)?;
                self.save_last(folder, tensors)?;
            }
            let log = if self.progress.step < total { self.job.settings.log } else { Log::None };
            folder.begin(log, self.progress.step)?;
        }
        self.measure_start(observer);
        let mut outcome = Outcome::Finished;
        while self.progress.step < total && outcome == Outcome::Finished {
            outcome =
                if self.is_stale() { Outcome::Early } else { self.epoch(total, folder.as_deref_mut(), observer)? };
        }
        match folder.as_deref_mut() {
            Some(folder) => self.save(folder)?,
            None if !is_finite(&self.tensors(false)?) => return Err(diverged::stop(self, Fault::Weights, None)),
            None => {}
        }
        self.over = true;
        self.take_best()?;
        if outcome != Outcome::Stopped || self.takes_population() {
            self.settle(folder.as_deref_mut())?;
        }
        if outcome != Outcome::Stopped && self.job.settings.calibrate {
            self.calibrate(folder)?;
        }
        Ok(outcome)
    }

    fn epoch(
        &mut self,
        total: u64,
        mut folder: Option<&mut RunFolder>,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, Error> {
        let table = self.epoch_steps();
        let mut done = self.progress.step_in_epoch as usize;
        let end = table.len().min(done + (total - self.progress.step) as usize);
        self.begin_epoch(&table)?;
        let (measured, mut before) = (end == table.len() && self.is_measured(), None);
        while done < end {
            // The last update is taken alone where it is measured what it changes.
            let until = if measured && done + 1 < end { end - 1 } else { end };
            if measured && done + 1 == end {
                before = Some(self.runner.snapshot(Class::Parameters)?);
            }
            done = self.chunk(&table, done..until, folder.as_deref_mut())?;
            let rows = self.progress.rows;
            observer.progress(self.progress.step, total, rows);
            if done < end {
                if observer.stop() {
                    return Ok(Outcome::Stopped);
                }
                folder.as_deref_mut().map_or(Ok(()), |folder| self.save_within_epoch(folder))?;
            }
        }
        let report = self.end_of_epoch()?;
        folder.as_deref_mut().map_or(Ok(()), |folder| folder.epoch(&report))?;
        observer.epoch(&report);
        if let Some(loss) = report.validation.as_ref().map(|v| v.loss).filter(|loss| !loss.is_finite()) {
            return Err(diverged::stop(self, Fault::Validation(loss), folder));
        }
        if measured {
            self.measure(before.as_ref(), folder.as_deref_mut(), observer)?;
        }
        // A run that ends within an epoch can be resumed with more steps, and then goes on in that epoch.
        if done == table.len() {
            self.next_epoch();
        }
        // The first epoch is saved at once: that its files can be written is known early.
        if let Some(folder) = folder.filter(|_| self.saves.step.is_none() || self.saves.is_due()) {
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
        let Advance { steps: count, waited } =
            self.runner.advance(&self.job.dataset.values, train, range.start, count)?;
        let now = self.runner.executor().now()?;
        let halted = now.halted != 0;
        let done = if halted { now.index as usize } else { range.start + count };
        self.progress.scaling = self.runner.scaling()?;
        let (answers, mut wrong) = (self.answers(), None);
        for (i, (loss, correct)) in self.runner.results(range.start, done)?.into_iter().enumerate() {
            let rows = u64::from(table[range.start + i].rows);
            wrong = wrong.or_else(|| impossible::in_step(loss, correct, rows as u32, answers));
            if let Some(folder) = folder.as_deref_mut() {
                folder.step(self.progress.step, loss, table[range.start + i].rate)?;
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
        let elapsed = started.elapsed();
        self.waiting.add(waited, elapsed);
        self.pace.took(count, elapsed.saturating_sub(waited));
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

    /// Ends a run whose device gives what cannot be.
    fn check_possible(&self, of_steps: Option<String>) -> Result<(), DeviceError> {
        // A class of no weight has no loss, whatever the answers.
        let weighed = self.job.class_weights.as_ref().is_none_or(|weights| weights.iter().all(|&weight| weight > 0.0));
        let of_epoch = || impossible::in_epoch(&self.progress, self.answers()).filter(|_| weighed);
        of_steps.or_else(of_epoch).map_or(Ok(()), |what| Err(DeviceError::Impossible(what)))
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
}
