//! Models that are to answer as one.

use super::super::setting;
use super::rows::Rows;
use crate::data::{Part, Values};
use crate::device::Device;
use crate::error::Error;
use crate::export::Ensemble;
use crate::run::{Answerer, greedy};
use crate::train::Job;

/// An ensemble, and what each member is called.
pub(in crate::cli) struct Members {
    pub(in crate::cli) ensemble: Ensemble,
    pub(in crate::cli) names: Vec<String>,
}

impl Members {
    /// The members on a device, for rows of this kind.
    ///
    /// # Errors
    /// A member does not fit what it describes, or the device failed.
    pub(in crate::cli) fn answerer(&self, rows: &Rows, device: &Device) -> Result<Answerer, Error> {
        Answerer::for_inputs(&self.ensemble, matches!(rows.inputs, Values::Bytes(_)), None, device)
    }

    /// Those that greedy selection takes by the validation part of a job, which is that of the first member.
    ///
    /// # Errors
    /// There is no validation part, or the device failed.
    pub(in crate::cli) fn chosen(self, job: &Job, device: &Device) -> Result<Self, Error> {
        let none = || setting("--greedy needs rows to validate on: train with a share for --validation");
        let rows = Rows::of_job(job, Part::Validation).ok_or_else(none)?;
        let mut answerer = self.answerer(&rows, device)?;
        let each = answerer.each(&rows.inputs, 1)?;
        let scale = self.ensemble.described()?.scale();
        let question = (answerer.problem(), &scale);
        let counts = greedy(question, self.ensemble.average(), &each, (&rows.targets, &rows.numbers));
        let kept = self.names.into_iter().zip(&counts).filter(|(_, count)| **count > 0);
        let names = kept.map(|(name, _)| name).collect();
        Ok(Self { ensemble: self.ensemble.counted(&counts), names })
    }
}
