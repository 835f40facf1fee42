//! Where a run is, in the file that it goes on from.

use crate::ops::loss_scale;
use serde::{Deserialize, Serialize};

/// Where a training run is, in a file that it can be resumed from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Updates done since the start of training.
    pub step: u64,
    /// Epochs that are complete.
    pub epoch: u64,
    /// Updates done of the epoch at work.
    pub step_in_epoch: u64,
    /// Sum of the rows' losses in the epoch at work.
    pub loss_sum: f64,
    /// Correct answers in the epoch at work.
    pub correct: u64,
    /// Rows trained on in the epoch at work.
    pub rows: u64,
    /// Of a run that scales its loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<LossScaling>,
}

/// Where loss scaling is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossScaling {
    /// The scale is 2 to this power.
    pub exponent: u32,
    /// Steps since it changed or a step was skipped.
    pub steady: u32,
    /// Steps skipped since the first of the training.
    pub skipped: u32,
}

impl LossScaling {
    /// That of a run that does not scale its loss.
    pub const NONE: Self = Self { exponent: 0, steady: 0, skipped: 0 };

    /// The factor on the loss: 2 to the power of the exponent.
    pub fn scale(&self) -> f64 {
        2f64.powi(self.exponent as i32)
    }
}

/// That of a run that begins.
impl Default for LossScaling {
    fn default() -> Self {
        Self { exponent: loss_scale::START, ..Self::NONE }
    }
}

impl Progress {
    /// Refuses numbers that no run reaches.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.step_in_epoch > self.step {
            return Err("its epoch has more steps than its run".into());
        }
        let reached = |s: &LossScaling| {
            s.exponent <= loss_scale::MOST && s.steady < loss_scale::INTERVAL && u64::from(s.skipped) <= self.step
        };
        if self.scaling.as_ref().is_some_and(|scaling| !reached(scaling)) {
            return Err("its loss scale is none that a run reaches".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_scale_that_no_run_reaches_is_refused() {
        let of = |scaling| Progress { step: 7, scaling: Some(scaling), ..Progress::default() }.check();
        assert_eq!(of(LossScaling { exponent: 24, steady: 1999, skipped: 7 }), Ok(()));
        for wrong in [[25, 0, 0], [0, 2000, 0], [0, 0, 8]] {
            let [exponent, steady, skipped] = wrong;
            assert!(of(LossScaling { exponent, steady, skipped }).is_err(), "{wrong:?}");
        }
    }
}
