//! What a run tells while it goes and when it ends.

use super::health::HealthWarning;
use crate::metrics::Evaluation;

/// Hears what a run does, and may stop it. Every method has a default that does nothing, so `()` is an observer too.
///
/// ```
/// use wgrad::train::{EpochReport, Observer};
///
/// struct Print;
///
/// impl Observer for Print {
///     fn epoch(&mut self, report: &EpochReport) {
///         println!("epoch {}: loss {:.4}", report.epoch, report.train_loss);
///     }
/// }
/// ```
pub trait Observer {
    /// Called after each chunk of steps, with the updates done, the updates of the whole run, and the rows trained on so far in
    /// the current epoch.
    fn progress(&mut self, done: u64, total: u64, rows_in_epoch: u64) {
        let _ = (done, total, rows_in_epoch);
    }

    /// Called after each epoch.
    fn epoch(&mut self, report: &EpochReport) {
        let _ = report;
    }

    /// Called where layers do not learn as they should, once for each layer and cause.
    fn health(&mut self, warning: &HealthWarning) {
        let _ = warning;
    }

    /// Whether the run is to stop. It is asked between chunks of steps, and after each epoch once its layers are measured
    /// and its state is saved.
    fn stop(&self) -> bool {
        false
    }
}

impl Observer for () {}

/// An epoch as it goes into `epochs.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochReport {
    /// Number of the epoch, from 1.
    pub epoch: u64,
    /// Updates done since the first of the training.
    pub step: u64,
    /// Mean over the rows trained on, as they were met.
    pub train_loss: f64,
    /// Likewise, where answers are right or wrong.
    pub train_accuracy: Option<f64>,
    /// On the validation part, if there is one.
    pub validation: Option<Evaluation>,
    /// Whether all its rows were trained on. Only whole epochs compete for the best model.
    pub whole: bool,
    /// Whether the measure on the validation part is the best so far.
    pub best: bool,
}

/// How a run ended, when nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took all its epochs or steps.
    Finished,
    /// No epoch of late brought anything better on the validation part (see `early_stopping`).
    Early,
    /// The user stopped it; everything is saved.
    Stopped,
}

impl EpochReport {
    /// Its line in `epochs.csv`.
    pub(super) fn csv_line(&self) -> String {
        let EpochReport { epoch, step, train_loss, train_accuracy, validation, .. } = self;
        let shown = |share: Option<f64>| share.map_or_else(String::new, |share| share.to_string());
        let validation = validation.as_ref().map_or(",".into(), |v| format!("{},{}", v.loss, shown(v.accuracy())));
        format!("{epoch},{step},{train_loss},{},{validation}", shown(*train_accuracy))
    }
}
