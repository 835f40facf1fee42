//! The arguments of commands that make one model of several.

use crate::cli::flags::{BaseArgs, DeviceArg, RunFlags};
use crate::export::Average;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(in crate::cli) struct EnsembleArgs {
    /// Model files that answer the same question; the members of one that has several count singly
    #[arg(required = true, value_name = "MODEL")]
    pub(in crate::cli) models: Vec<PathBuf>,
    /// File to write, which eval, predict and export take as a model
    #[arg(long, short_alias = 'o', value_name = "FILE")]
    pub(in crate::cli) out: PathBuf,
    /// What is averaged: probabilities or logits; numbers of a regression are averaged as they are
    #[arg(long, default_value_t = Average::Probabilities, value_name = "WHAT")]
    pub(in crate::cli) average: Average,
    /// Choose members, each perhaps several times, by what they add on the validation part of their runs
    #[arg(long)]
    pub(in crate::cli) greedy: bool,
    /// Rows to judge the members and all together by, as eval takes them [default: the test part of the runs, if all models lie in
    /// their run folders]
    #[arg(long, value_name = "DATA")]
    pub(in crate::cli) data: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) device: DeviceArg,
    /// One JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct BagArgs {
    #[command(flatten)]
    pub(in crate::cli) base: BaseArgs,
    /// Number of members to train
    #[arg(long, default_value_t = 5, value_name = "MEMBERS", value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub(in crate::cli) k: u32,
    /// What differs from member to member, in place of the bootstrap sample
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(in crate::cli) vary: Option<Vary>,
    /// What is averaged: probabilities or logits; numbers of a regression are averaged as they are
    #[arg(long, default_value_t = Average::Probabilities, value_name = "WHAT")]
    pub(in crate::cli) average: Average,
    /// Choose members, each perhaps several times, by what they add on the validation part
    #[arg(long)]
    pub(in crate::cli) greedy: bool,
    /// Folder for the run folders of the members and ensemble.safetensors [default: the next free runs/NAME-bag-001]
    #[arg(long, short_alias = 'o', value_name = "DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Print only the final summary
    #[arg(long, short_alias = 'q')]
    pub(in crate::cli) quiet: bool,
    #[command(flatten)]
    pub(in crate::cli) settings: RunFlags,
}

/// What differs from member to member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Vary {
    /// The seed of initial weights, the order of rows and dropout
    Seed,
    /// How initial weights are drawn
    Init,
    /// The optimiser of each member
    Optimizer,
    /// The loss, of those that judge the same kind of output
    Loss,
    /// The widths of hidden linear layers, and with them those inside of residual blocks
    Layers,
}
