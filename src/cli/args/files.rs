//! The arguments of commands that write models, and of those for data sets.

use crate::cli::flags::PlanFlags;
use crate::data::Normalize;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(in crate::cli) struct ExportArgs {
    /// A model file, or one of several models as wgrad ensemble makes it
    pub(in crate::cli) model: PathBuf,
    /// File to write
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) out: PathBuf,
    /// Fold every batch_norm into the linear layer before it
    #[arg(long)]
    pub(in crate::cli) fold: bool,
    /// Names of the tensors: places in the sequence of layers, as PyTorch's Sequential has them, or those of torchvision's
    /// residual networks
    #[arg(long, value_name = "NAMES", default_value = "sequential", value_parser = ["sequential", "torchvision"])]
    pub(in crate::cli) names: String,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ImportArgs {
    /// A safetensors file with PyTorch's names of a Sequential, or torchvision's of a ResNet of basic blocks
    pub(in crate::cli) file: PathBuf,
    /// The network's layers, or its name, as in resnet18
    #[arg(long, value_name = "LAYERS")]
    pub(in crate::cli) layers: String,
    /// Channels, height and width of an input, as in 3x224x224; or the number of its features, for rows of NumPy's .npy
    #[arg(long, value_name = "SIZES")]
    pub(in crate::cli) shape: String,
    /// How inputs are scaled: imagenet (the numbers of torchvision's networks), scale or none [default: imagenet for 3xHxW, none for
    /// features]
    #[arg(long, value_name = "KIND")]
    pub(in crate::cli) normalize: Option<Normalize>,
    /// Mean of each channel for values from 0 to 1, in place of the numbers of --normalize
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', allow_negative_numbers = true, requires = "std")]
    #[arg(conflicts_with = "normalize")]
    pub(in crate::cli) mean: Vec<f64>,
    /// Standard deviation of each channel for values from 0 to 1
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', requires = "mean")]
    pub(in crate::cli) std: Vec<f64>,
    /// Shorter side in pixels that pictures are brought to before their middle is taken [default: that of the shape]
    #[arg(long, value_name = "SIDE", value_parser = clap::value_parser!(u64).range(1..=16_384))]
    pub(in crate::cli) scale: Option<u64>,
    /// Names of the classes in the order of the outputs, separated by commas [default: 0, 1, 2, …]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(in crate::cli) classes: Vec<String>,
    /// The model file to write
    #[arg(long, short_alias = 'o', value_name = "FILE")]
    pub(in crate::cli) out: PathBuf,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct DataArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DataCommand {
    /// List the data sets that are known by name, with source and licence
    List(ListArgs),
    /// Draw pictures as evaluation sees them, and beside each as training sees it in every epoch
    Preview(Box<PreviewArgs>),
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ListArgs {
    /// One JSON object a line
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct PreviewArgs {
    /// A recipe in TOML; a flag wins over its key
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) recipe: Option<PathBuf>,
    /// PNG file to write
    #[arg(long, value_name = "FILE.png")]
    pub(in crate::cli) out: PathBuf,
    /// Pictures of the training part, spread over it (at most 64)
    #[arg(long, default_value_t = 8, allow_negative_numbers = true)]
    pub(in crate::cli) rows: usize,
    /// Epochs in which each is shown (at most 64)
    #[arg(long, default_value_t = 8, allow_negative_numbers = true)]
    pub(in crate::cli) epochs: usize,
    #[command(flatten)]
    pub(in crate::cli) settings: PlanFlags,
}
