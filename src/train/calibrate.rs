//! What the validation part says of the best model's answers: the temperature, and the scores of conformal prediction.
//!
//! Both are fitted on rows that have also chosen the epoch, so that they say a little more than rows of which training knows
//! nothing. The rows of the test part are not looked at.

use super::run_folder::{BEST, RunFolder};
use super::trainer::Trainer;
use crate::error::Error;
use crate::export::Calibrated;
use crate::metrics::{Scores, apply_temperature, temperature};

impl Trainer {
    /// What the validation part has said of the best model's answers, where `calibrate` is set and training is over.
    pub fn calibrated(&self) -> Option<&Calibrated> {
        self.calibrated.as_ref()
    }

    /// Asks the validation part, and writes `model.safetensors` again with what it says.
    pub(super) fn calibrate(&mut self, folder: Option<&mut RunFolder>) -> Result<(), Error> {
        let rows = self.job.split.validation.clone();
        let mut outputs = self.outputs(&rows)?;
        let (problem, targets) = (&self.job.problem, &self.job.dataset.targets);
        let temperature = temperature(problem, &outputs, targets, &rows);
        if let Some(temperature) = temperature {
            apply_temperature(problem, temperature, &mut outputs);
        }
        let scores = Scores::of(problem, &self.job.scale, &outputs, targets, &rows);
        self.calibrated = Some(Calibrated { rows: rows.len(), temperature, scores });
        let Some(folder) = folder else { return Ok(()) };
        if let Some(best) = &mut self.best {
            best.saved = false;
            return self.save_best(folder);
        }
        let tensors = self.tensors(false)?;
        self.write(folder, BEST, tensors, None)
    }
}
