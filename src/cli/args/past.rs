//! The arguments of commands that look back at runs.

use super::diagnosis::HumanArg;
use crate::cli::flags::DeviceArg;
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(in crate::cli) struct ReportArgs {
    /// The folder of a run
    pub(in crate::cli) run: PathBuf,
    /// HTML file to write, or a folder for report.html; a name without an ending gets .html [default: report.html in the folder of
    /// the run]
    #[arg(long, value_name = "FILE.html")]
    pub(in crate::cli) out: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) human: HumanArg,
    #[command(flatten)]
    pub(in crate::cli) device: DeviceArg,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct CompareArgs {
    /// The folders of two or more runs; the others are compared with the first
    #[arg(required = true, value_name = "RUN")]
    pub(in crate::cli) runs: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) device: DeviceArg,
    /// One JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
