//! The loss before any update, and what an answer that looks at no input would lose on the same rows.

use super::job::Job;
use super::trainer::Trainer;
use crate::data::Targets;
use crate::error::Error;
use crate::metrics::mean_loss;

/// A first loss of more than so many times that of a constant guess is a bad start: the first updates do nothing but undo it.
pub const BAD_START: f64 = 2.0;

/// What is known of a run before it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FirstStep {
    /// Rows of the first batch.
    pub rows: usize,
    /// Mean loss of training on the first batch before the first update, as the run's table of steps begins.
    pub loss: f64,
    /// The same loss of an answer that is one for all rows (see [`Job::constant_guess`]).
    pub guess: f64,
}

impl Trainer {
    /// Takes the first step of the run, and says what its loss was before the update.
    ///
    /// # Errors
    /// The run has begun already; or as [`Trainer::train_steps`].
    pub fn first_step(&mut self) -> Result<FirstStep, Error> {
        if self.progress.step > 0 {
            return Err(Error::Steps("the first step of the run is done already".into()));
        }
        let rows = self.epoch_steps().first().map_or(0, |step| step.rows as usize);
        let guess = self.job.constant_guess(&self.job.first_rows(rows));
        Ok(FirstStep { rows, loss: self.train_steps(1)?, guess })
    }
}

impl Job {
    /// Mean loss of training on rows for an answer that is one for all of them: every class equally likely (a cross-entropy of
    /// ln classes), every label as likely as not, the mean of the training part for a number. A network that has learnt
    /// anything loses less.
    pub fn constant_guess(&self, rows: &[u32]) -> f64 {
        let problem = &self.problem;
        let outputs = match &self.dataset.targets {
            Targets::Numbers { values, names } => {
                let train = &self.split.train;
                let of = |j: usize| train.iter().map(move |&row| values[row as usize * names.len() + j]).sum::<f64>();
                (0..names.len()).map(|j| self.scale.scaled(j, of(j) / train.len() as f64)).collect()
            }
            Targets::Labels { names, .. } => problem.outputs_of(&vec![0.5; names.len()]),
            Targets::Classes { names, .. } => problem.outputs_of(&vec![1.0 / names.len() as f64; names.len()]),
        };
        let outputs = outputs.repeat(rows.len());
        mean_loss(problem, &self.scale, (&outputs, &self.dataset.targets, rows), &self.weighing())
    }
}
