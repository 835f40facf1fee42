//! The arguments of commands that say why training goes badly.

use crate::cli::flags::DeviceArg;
use clap::Args;
use std::path::PathBuf;

/// The error that a model's is compared with.
#[derive(Args, Clone, Copy, Debug)]
pub(in crate::cli) struct HumanArg {
    /// Error of a person on the task, or the lowest that is possible, as a share: 0.01 is 1 %
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(in crate::cli) human_error: Option<f64>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct DiagnoseArgs {
    /// A run folder: its model is measured on each part of its data, in place of errors that are given
    pub(in crate::cli) run: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) human: HumanArg,
    /// Error on the rows that the model was trained on
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(in crate::cli) train_error: Option<f64>,
    /// Error on rows of the training source that it was not trained on
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(in crate::cli) train_dev_error: Option<f64>,
    /// Error on the validation rows
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(in crate::cli) validation_error: Option<f64>,
    /// Error on the test rows
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(in crate::cli) test_error: Option<f64>,
    /// The smallest gap between two errors that is a problem, as a share; of a run, its interval must also exclude 0
    /// [default: 0.02, of a run 0.01]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(in crate::cli) threshold: Option<f64>,
    /// Also test whether the parts have one distribution: a small network tells rows of two parts from one another
    #[arg(long, requires = "run")]
    pub(in crate::cli) two_sample: bool,
    #[command(flatten)]
    pub(in crate::cli) device: DeviceArg,
    /// One JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Reads a share from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("give a share from 0 to 1, as in 0.05 for 5 %".to_owned()),
    }
}
