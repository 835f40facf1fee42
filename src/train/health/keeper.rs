//! What a training keeps to measure its layers: the instrument, and what was said.

use super::gather::Instrument;
use super::layer::LayerHealth;
use super::warning::{Cause, HealthWarning};
use crate::device::Device;

/// What is known of the layers before the first step.
#[derive(Debug)]
pub(in crate::train) enum Began {
    /// They had the random weights of the run's seed.
    Random,
    /// They were measured; `from_file` says whether their weights came from a file.
    Measured { layers: Vec<LayerHealth>, from_file: bool },
    /// Nothing: the run goes on from a state, and what it began with is not kept.
    Unknown,
}

/// The health of a training's layers.
#[derive(Debug)]
pub(in crate::train) struct Keeper {
    /// The device of the training.
    pub(in crate::train) device: Device,
    /// Made when it is first needed.
    pub(in crate::train) instrument: Option<Instrument>,
    /// What they were before the first step.
    pub(in crate::train) began: Began,
    /// The first epoch after which many rows may be looked at again for units that are dead in the sample.
    pub(in crate::train) next_long_look: u64,
    /// The loss of an answer that is the same for every row, once it was asked for.
    pub(in crate::train) constant: Option<f64>,
    /// All warnings so far, each for another layer or cause.
    pub(in crate::train) warnings: Vec<HealthWarning>,
}

impl Keeper {
    /// Of a training at its start, or of one that goes on.
    pub(in crate::train) fn new(device: &Device, at_start: bool) -> Self {
        let began = if at_start { Began::Random } else { Began::Unknown };
        Self { device: device.clone(), instrument: None, began, next_long_look: 0, constant: None, warnings: vec![] }
    }

    /// Whether the device did not take the plan of the instrument, so that nothing is measured.
    pub(in crate::train) fn is_given_up(&self) -> bool {
        self.warnings.iter().any(|warning| warning.cause == Cause::Unmeasured)
    }

    /// Whether a layer was warned of for a cause.
    pub(in crate::train) fn is_said(&self, path: &str, cause: Cause) -> bool {
        self.warnings.iter().any(|said| (&*said.path, said.cause) == (path, cause))
    }

    /// Takes a warning down, if it is the first for its layer and cause.
    pub(in crate::train) fn is_new(&mut self, warning: &HealthWarning) -> bool {
        let is_new = !self.is_said(&warning.path, warning.cause);
        if is_new {
            self.warnings.push(warning.clone());
        }
        is_new
    }
}
