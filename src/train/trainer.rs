//! A network in training: what it holds, where it starts and how long it runs.

use super::averages::{Averaged, Gap};
use super::best::{Best, Saves};
use super::health::Keeper;
use super::job::Job;
use super::prepare::{prepare, prepare_data};
use super::resume::Start;
use super::settings::{Length, Recipe};
use crate::data::{Looks, Opened};
use crate::device::Device;
use crate::error::Error;
use crate::export::{Calibrated, Fingerprint, Progress};
use crate::kernel::{Precision, Step};
use crate::metrics::Evaluation;
use crate::nn::{Answer, Network};
use crate::op::{Family, Target};
use crate::run::pace::Pace;
use crate::run::state::Counts;
use crate::run::{Compiled, Runner, batches};
use std::time::{Duration, Instant};

/// A network in training.
///
/// ```
/// use wgrad::{Device, Recipe, Trainer};
///
/// let layers = ["linear 32", "relu", "linear"].map(String::from).to_vec();
/// let recipe = Recipe { layers: Some(layers), epochs: Some(2), ..Recipe::default() };
/// let mut trainer = Trainer::open(&recipe, &Device::CPU)?;
/// trainer.fit(&mut ())?;
/// let test = trainer.test()?.expect("the digits are split");
/// assert!(test.accuracy().is_some_and(|accuracy| accuracy > 0.5));
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Debug)]
pub struct Trainer {
    pub(super) runner: Runner,
    pub(super) job: Job,
    pub(super) network: Network,
    pub(super) progress: Progress,
    /// Batches that batch norm had counted before the first update.
    pub(super) counted: Counts,
    pub(super) best: Option<Best>,
    pub(super) saves: Saves,
    /// What tells the data from others.
    pub(super) fingerprint: Fingerprint,
    /// Whether weights came from a file that the run does not keep, so that its first state is written at once.
    pub(super) from_file: bool,
    notes: Vec<String>,
    /// How far batch norm's two averages are apart, once they are known.
    pub(super) gaps: Vec<Gap>,
    /// How the model does with each of them, once that is known.
    pub(super) averaged: Option<Averaged>,
    /// What the validation part has said of the best model's answers, once it was asked.
    pub(super) calibrated: Option<Calibrated>,
    /// What the pictures of the training part look like, if they are pictures.
    pub(super) looks: Option<Looks>,
    /// Whether the device holds the best model in place of the state to go on from.
    pub(super) over: bool,
    pub(super) pace: Pace,
    pub(super) waiting: Waiting,
    /// What measures the layers.
    pub(super) health: Keeper,
}

/// How long steps took, and how long of that the device waited for rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    waited: Duration,
    all: Duration,
}

impl Waiting {
    pub(super) fn add(&mut self, waited: Duration, all: Duration) {
        self.waited += waited;
        self.all += all;
    }
}

impl Trainer {
    /// Prepares a run on data that a program has opened or made itself, and compiles it for a device. What the user should know
    /// of the data and of the defaults is among the [notes](Trainer::notes).
    ///
    /// # Errors
    /// The recipe does not fit the data, or the network the device; the device fails.
    pub fn with_data(recipe: &Recipe, data: Opened, device: &Device) -> Result<Self, Error> {
        Self::noted(prepare_data(recipe, data)?, device)
    }

    /// The same on the data that the recipe names as its `source`; without one, on the handwritten digits in the program.
    ///
    /// # Errors
    /// As [`Trainer::with_data`]; or the data are not there or are broken.
    pub fn open(recipe: &Recipe, device: &Device) -> Result<Self, Error> {
        Self::noted(prepare(recipe, None)?, device)
    }

    fn noted((job, notes): (Job, Vec<String>), device: &Device) -> Result<Self, Error> {
        let mut trainer = Self::new(job, device)?;
        trainer.notes.splice(..0, notes);
        Ok(trainer)
    }

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
        let (network, mut runner) = job.runner(device, target)?;
        job.load(&mut runner)?;
        start.load(&mut runner, &mut job, &network)?;
        runner.keep_features(&job.dataset.values)?;
        let Start { progress, counted, best, fingerprint, from_file, saved_step, mut notes } = start;
        notes.extend(job.in_parts(runner.compiled()));
        let every = Duration::try_from_secs_f64(job.settings.save_every).unwrap_or(Duration::MAX);
        let saves = Saves { every, since: Instant::now(), step: saved_step };
        let looks = Looks::of(&job.dataset, &job.split.train);
        let (gaps, averaged, calibrated, over, pace, waiting) =
            (vec![], None, None, false, Pace::new(), Waiting::default());
        let health = Keeper::new(device, progress.step == 0);
        #[rustfmt::skip]
        let trainer = Self {
            runner, job, network, progress, counted, best, saves, fingerprint, from_file, notes, gaps, averaged, calibrated, looks,
            over, pace, waiting, health,
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
        Err(Error::Steps(what))
    }

    /// The plan and the network's tensors.
    pub fn compiled(&self) -> &Compiled {
        self.runner.compiled()
    }

    /// The layers in their notation, nothing left out.
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

    /// The share of the time of training steps in which the device had nothing to do, as it waited for rows from the host; none
    /// where all rows lie on the device, or no step was taken yet.
    pub fn waited(&self) -> Option<f64> {
        let Waiting { waited, all } = self.waiting;
        let streams = self.compiled().window.is_some() && self.compiled().features.is_none();
        (streams && !all.is_zero()).then(|| waited.as_secs_f64() / all.as_secs_f64())
    }

    /// Where the run is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    pub(super) fn steps_per_epoch(&self) -> u64 {
        let (rows, two) = (self.job.split.train.len(), self.compiled().needs_two_rows);
        batches::count(rows, self.job.settings.batch, two) as u64
    }

    /// The step table of the epoch at work.
    pub(super) fn epoch_steps(&self) -> Vec<Step> {
        let s = &self.job.settings;
        let first = self.progress.step - self.progress.step_in_epoch;
        let (total, per_epoch) = (self.total_steps(), self.steps_per_epoch());
        let rate = |step| s.schedule.rate(s.lr, step, total, per_epoch);
        batches::steps(self.job.split.train.len(), s.batch, self.compiled().needs_two_rows, rate, first)
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

    /// Passes over the training rows of the whole run; the last one may be a part of one.
    pub fn total_epochs(&self) -> u64 {
        self.total_steps().div_ceil(self.steps_per_epoch().max(1))
    }

    /// Answers to each row, where they are right or wrong.
    pub(super) fn answers(&self) -> Option<u64> {
        match self.job.problem.answer {
            Answer::Numbers => None,
            Answer::Class | Answer::Binary => Some(1),
            Answer::Labels => Some(self.job.problem.names.len() as u64),
        }
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
