//! The arguments of commands that ask a model.

use super::common::{FormatArgs, Masks, Turns, ViewArgs};
use crate::cli::flags::DeviceArg;
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(in crate::cli) struct EvalArgs {
    /// A model file, or one of several models as wgrad ensemble makes it
    pub(in crate::cli) model: PathBuf,
    /// Data set name, table, or folder as train takes it; the pictures of a folder may have any size
    #[arg(required = true)]
    pub(in crate::cli) data: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) turns: Turns,
    #[command(flatten)]
    pub(in crate::cli) views: ViewArgs,
    #[command(flatten)]
    pub(in crate::cli) device: DeviceArg,
    /// Target column of a table [default: the model's]
    #[arg(long, value_name = "COLUMN")]
    pub(in crate::cli) target: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) format: FormatArgs,
    #[command(flatten)]
    pub(in crate::cli) masks: Masks,
    /// Leave pictures out that cannot be read, and say how many, in place of ending
    #[arg(long)]
    pub(in crate::cli) skip_broken: bool,
    /// List the rows behind a cell of the confusion matrix, as in cat,dog: cats that were taken for dogs
    #[arg(long, value_name = "TRUE,PREDICTED")]
    pub(in crate::cli) cell: Option<String>,
    /// Draw the up to 64 pictures with the worst mistakes, and list them
    #[arg(long, value_name = "FILE.png")]
    pub(in crate::cli) worst: Option<PathBuf>,
    /// Show the share of right answers by the confidence of the answer
    #[arg(long)]
    pub(in crate::cli) reliability: bool,
    /// Measure for each column of a table how much worse the answers are where its values are permuted over the rows
    #[arg(long)]
    pub(in crate::cli) importance: bool,
    /// Permutations of each column
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000), requires = "importance")]
    pub(in crate::cli) repeats: u32,
    /// Seed of the permutations
    #[arg(long, value_name = "SEED", default_value_t = 0, requires = "importance")]
    pub(in crate::cli) permute_seed: u64,
    /// One JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct PredictArgs {
    /// A model file, or one of several models as wgrad ensemble makes it
    pub(in crate::cli) model: PathBuf,
    /// Pictures (PNG, JPEG, WebP, BMP, GIF or TIFF), IDX image files, or tables; - reads a table from standard input
    #[arg(required = true, value_name = "INPUT")]
    pub(in crate::cli) inputs: Vec<PathBuf>,
    /// Write a table: all columns of the input, or the picture's path, then the answer and a probability for each class, and with --samples
    /// their means and deviations
    #[arg(long, value_name = "FILE.csv")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Also give the classes, or the interval of a number, that hold the right answer with this probability; the model must
    /// have been trained with --calibrate
    #[arg(long, value_name = "SHARE")]
    pub(in crate::cli) coverage: Option<f64>,
    #[command(flatten)]
    pub(in crate::cli) turns: Turns,
    #[command(flatten)]
    pub(in crate::cli) views: ViewArgs,
    #[command(flatten)]
    pub(in crate::cli) format: FormatArgs,
    #[command(flatten)]
    pub(in crate::cli) device: DeviceArg,
    #[command(flatten)]
    pub(in crate::cli) masks: Masks,
    /// One JSON object a line
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ExplainArgs {
    /// A model file whose network ends in global_avg_pool and linear
    pub(in crate::cli) model: PathBuf,
    /// PNG or JPEG images
    #[arg(required = true, value_name = "PICTURE")]
    pub(in crate::cli) pictures: Vec<PathBuf>,
    /// Class to look for [default: the one that the model answers]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) class: Option<String>,
    /// PNG file to write, for one picture [default: the picture's name with -cam.png, in the working directory]
    #[arg(long, value_name = "FILE.png")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Make dark bright and bright dark before the model takes a picture
    #[arg(long)]
    pub(in crate::cli) invert: bool,
    #[command(flatten)]
    pub(in crate::cli) device: DeviceArg,
    /// One JSON object a line
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
