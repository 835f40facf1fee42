//! The arguments of commands that look at a network before it is trained.

use crate::cli::flags::{DeviceArg, LossFlags};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(in crate::cli) struct GradcheckArgs {
    /// A recipe in TOML; a flag wins over its key
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) recipe: Option<PathBuf>,
    /// Rows of the training part that the loss is taken of (at most 256)
    #[arg(long, default_value_t = 16, allow_negative_numbers = true)]
    pub(in crate::cli) rows: usize,
    #[command(flatten)]
    pub(in crate::cli) settings: LossFlags,
    /// One JSON object a line, for each tensor
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct InitLabArgs {
    /// A recipe in TOML; a flag wins over its key
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) recipe: Option<PathBuf>,
    /// Rows of the training part that pass the network (at most 4096)
    #[arg(long, default_value_t = 256, allow_negative_numbers = true)]
    pub(in crate::cli) rows: usize,
    /// SVG file to draw into
    #[arg(long, short_alias = 'o', value_name = "FILE.svg")]
    pub(in crate::cli) out: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) settings: LossFlags,
    #[command(flatten)]
    pub(in crate::cli) device: DeviceArg,
    /// One JSON object a line, for each kind of initial weights
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
