//! What `train` does in place of a run, where a flag asks for it.

use super::{dry_run, one_batch, rate};
use crate::cli::flags::TrainArgs;
use crate::cli::setting;
use crate::device::Device;
use crate::error::Error;
use crate::train::Job;

/// A check ahead of a run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Check {
    DryRun,
    OneBatch,
    Rate,
}

impl Check {
    /// The one that is asked for, if one is.
    pub(super) fn asked(args: &TrainArgs) -> Result<Option<Self>, Error> {
        let checks = &args.checks;
        let others = [
            ("--dry-run", checks.dry_run),
            ("--overfit-one-batch", checks.overfit_one_batch),
            ("--resume", args.resume.is_some()),
        ];
        if let (true, Some((flag, _))) = (checks.lr.0, others.iter().find(|(_, given)| *given)) {
            return Err(setting(format!("--lr find stops when it has found a rate: leave out {flag}, or give a rate")));
        }
        let all =
            [(Self::DryRun, checks.dry_run), (Self::OneBatch, checks.overfit_one_batch), (Self::Rate, checks.lr.0)];
        Ok(all.into_iter().find(|(_, given)| *given).map(|(check, _)| check))
    }

    /// Does it on the job of the run, and gives the exit code.
    pub(super) fn run(self, args: &TrainArgs, job: Job, device: &Device, notes: &[String]) -> Result<u8, Error> {
        match self {
            Self::DryRun => dry_run::run(args, job, device, notes),
            Self::OneBatch => one_batch::run(args, job, device, notes),
            Self::Rate => rate::run(args, job, device, notes),
        }
    }
}
