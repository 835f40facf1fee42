//! The best model so far, and when the state of a run was saved.

use crate::export::Values;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Tensors by their names in a file.
pub(super) type Tensors = BTreeMap<String, Values>;

/// Whether all numbers are finite.
pub(super) fn is_finite(tensors: &Tensors) -> bool {
    tensors.values().all(|values| values.not_finite().is_none())
}

/// The state with the best measure on the validation part so far.
#[derive(Clone, Debug)]
pub(super) struct Best {
    pub(super) measure: f64,
    pub(super) epoch: u64,
    pub(super) tensors: Tensors,
    /// Whether batch norm's averages may be those of the population already, as in a file that a run has left.
    pub(super) settled: bool,
    /// Whether the run folder holds it.
    pub(super) saved: bool,
}

/// When the state was written, and when it is to be written again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saves {
    /// Time between two writings within a run; its end is always written.
    pub(super) every: Duration,
    /// When the last one was, or else when training began.
    pub(super) since: Instant,
    /// Updates done in the state that the run folder holds, if it holds one.
    pub(super) step: Option<u64>,
}

impl Saves {
    pub(super) fn is_due(&self) -> bool {
        self.since.elapsed() >= self.every
    }
}
