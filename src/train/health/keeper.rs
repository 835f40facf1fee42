//! What a training keeps to measure its layers: the instrument, and what was said.

use super::gather::Instrument;
use super::warning::{Cause, HealthWarning};
use crate::device::Device;

/// The health of a training's layers.
#[derive(Debug)]
pub(in crate::train) struct Keeper {
    /// The device of the training.
    pub(in crate::train) device: Device,
    /// Made when it is first needed.
    pub(in crate::train) instrument: Option<Instrument>,
    /// The first epoch after which all training rows may be looked at again, for units that are dead in the sample.
    pub(in crate::train) next_whole: u64,
    /// The training losses of the epochs that were measured.
    pub(in crate::train) losses: Vec<f64>,
    /// All warnings so far, each for another layer or cause.
    pub(in crate::train) warnings: Vec<HealthWarning>,
}

impl Keeper {
    pub(in crate::train) fn new(device: &Device) -> Self {
        Self { device: device.clone(), instrument: None, next_whole: 0, losses: vec![], warnings: vec![] }
    }

    /// Whether the device did not take the plan of the instrument, so that nothing is measured.
    pub(in crate::train) fn is_given_up(&self) -> bool {
        self.warnings.iter().any(|warning| warning.cause == Cause::Unmeasured)
    }

    /// Whether the training loss has fallen over the second half of the epochs: below the lowest of the first half.
    pub(in crate::train) fn is_learning(&self) -> bool {
        let (first, second) = self.losses.split_at(self.losses.len() / 2);
        let lowest = |losses: &[f64]| losses.iter().copied().fold(f64::INFINITY, f64::min);
        !first.is_empty() && lowest(second) < lowest(first)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_falls_no_more_is_seen() {
        let learns = |losses: &[f64]| Keeper { losses: losses.to_vec(), ..Keeper::new(&Device::CPU) }.is_learning();
        assert!(learns(&[2.0, 1.0]) && learns(&[2.0, 1.5, 1.6, 1.4, 1.45]) && learns(&[1.0, 1.0, 0.9, f64::NAN]));
        assert!(!learns(&[]) && !learns(&[1.0]) && !learns(&[1.0, 1.0]) && !learns(&[1.0, 0.5, 2.3, 2.3]));
    }
}
