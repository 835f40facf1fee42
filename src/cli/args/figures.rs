//! The arguments of the command that runs published figures again.

use crate::cli::flags::DeviceArg;
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(in crate::cli) struct ReproduceArgs {
    /// The name of a published figure [default: list all]
    pub(in crate::cli) name: Option<String>,
    /// Folder of the run; a run that was stopped goes on [default: runs/NAME]
    #[arg(long, short_alias = 'o', value_name = "DIR", requires = "name")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Seed of the run
    #[arg(long, default_value_t = 0, requires = "name")]
    pub(in crate::cli) seed: u64,
    /// Print only our figure beside the published one
    #[arg(long, short_alias = 'q')]
    pub(in crate::cli) quiet: bool,
    #[command(flatten)]
    pub(in crate::cli) device: DeviceArg,
    /// One JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
