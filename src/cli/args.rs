//! The commands and their arguments.

use super::flags::{BaseArgs, DeviceArg, Drivers, PlanFlags, TrainArgs};
use super::setting;
use crate::data::Normalize;
use crate::data::{Decimal, Format, Separator, View};
use crate::error::Error;
use crate::kernel::Precision;
use crate::op::Kind;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Train neural networks on any GPU, or on the CPU. Without a command or a data set it trains on handwritten digits.
#[derive(Debug, Parser)]
#[command(name = "wgrad", version, args_conflicts_with_subcommands = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) train: TrainArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Train a network and write a model file
    Train(TrainArgs),
    /// Measure a model on a data set: accuracy with its interval, errors by class, or R²
    Eval(EvalArgs),
    /// Predict classes or numbers for pictures or rows of a table
    Predict(PredictArgs),
    /// Show where on a picture a network sees a class
    Explain(ExplainArgs),
    /// Write a model for inference only, with batch_norm folded into the layer before it on request
    Export(ExportArgs),
    /// Make a model file of PyTorch's weights, and of what they leave open: layers, shape, normalisation, classes
    Import(ImportArgs),
    /// List the GPUs of this machine and what they offer
    Devices(DevicesArgs),
    /// Check every kernel against the CPU with this machine's driver
    Doctor(DoctorArgs),
    /// Show layers, parameters, memory and dispatches of a network without training it
    Plan(PlanArgs),
    /// Measure samples per second on benchmark networks, and the time of each kernel
    Bench(BenchArgs),
    /// Measure which kernel variants are fastest on a GPU, and use them from then on
    Tune(TuneArgs),
    /// List known data sets, or draw pictures as training sees them
    Data(DataArgs),
}

#[derive(Args, Debug)]
pub(super) struct EvalArgs {
    /// A model file
    pub(super) model: PathBuf,
    /// Data set name, table, or folder as train takes it; the pictures of a folder may have any size
    #[arg(required = true)]
    pub(super) data: Vec<String>,
    #[command(flatten)]
    pub(super) turns: Turns,
    #[command(flatten)]
    pub(super) views: ViewArgs,
    #[command(flatten)]
    pub(super) device: DeviceArg,
    /// Target column of a table [default: the model's]
    #[arg(long, value_name = "COLUMN")]
    pub(super) target: Option<String>,
    #[command(flatten)]
    pub(super) format: FormatArgs,
    #[command(flatten)]
    pub(super) masks: Masks,
    /// List the rows behind a cell of the confusion matrix, as in cat,dog: cats that were taken for dogs
    #[arg(long, value_name = "TRUE,PREDICTED")]
    pub(super) cell: Option<String>,
    /// Draw the up to 64 pictures with the worst mistakes, and list them
    #[arg(long, value_name = "FILE.png")]
    pub(super) worst: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct PredictArgs {
    /// A model file
    pub(super) model: PathBuf,
    /// Pictures (PNG, JPEG, WebP, BMP, GIF or TIFF), IDX image files, or tables; - reads a table from standard input
    #[arg(required = true, value_name = "INPUT")]
    pub(super) inputs: Vec<PathBuf>,
    /// Write a table: all columns of the input, or the picture's path, then the answer and a probability for each class, and with --samples
    /// their means and deviations
    #[arg(long, value_name = "FILE.csv")]
    pub(super) out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) turns: Turns,
    #[command(flatten)]
    pub(super) views: ViewArgs,
    #[command(flatten)]
    pub(super) format: FormatArgs,
    #[command(flatten)]
    pub(super) device: DeviceArg,
    #[command(flatten)]
    pub(super) masks: Masks,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// A model file whose network ends in global_avg_pool and linear
    pub(super) model: PathBuf,
    /// PNG or JPEG images
    #[arg(required = true, value_name = "PICTURE")]
    pub(super) pictures: Vec<PathBuf>,
    /// Class to look for [default: the one that the model answers]
    #[arg(long, value_name = "NAME")]
    pub(super) class: Option<String>,
    /// PNG file to write, for one picture [default: the picture's name with -cam.png, in the working directory]
    #[arg(long, value_name = "FILE.png")]
    pub(super) out: Option<PathBuf>,
    /// Make dark bright and bright dark before the model takes a picture
    #[arg(long)]
    pub(super) invert: bool,
    #[command(flatten)]
    pub(super) device: DeviceArg,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

/// How pictures are turned before a model takes them.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Turns {
    /// Make dark bright and bright dark, for pictures that are the reverse of those trained on
    #[arg(long)]
    pub(super) invert: bool,
    /// Cut out the drawing on each picture and lay it as the drawings lie that were trained on
    #[arg(long)]
    pub(super) center: bool,
}

impl Turns {
    /// The first flag that is given.
    pub(super) fn given(self) -> Option<&'static str> {
        let given = [("--invert", self.invert), ("--center", self.center)];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }
}

/// Several looks at each picture, whose probabilities are averaged.
#[derive(Args, Clone, Debug)]
pub(super) struct ViewArgs {
    /// Parts of each picture whose probabilities are averaged: 1 (the middle) or 10 (middle and corners, also mirrored)
    #[arg(long, value_name = "1|10", value_parser = ["1", "10"])]
    crops: Option<String>,
    /// Shorter sides in pixels that each picture is brought to, separated by commas; probabilities are averaged [default: that of the model]
    #[arg(long, value_name = "SIDES", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=16_384))]
    scales: Vec<u64>,
}

impl ViewArgs {
    /// The first flag that is given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let given = [("--crops", self.crops.is_some()), ("--scales", !self.scales.is_empty())];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }

    /// The views that are asked for, if any are; `short` is the shorter side of the model's own.
    pub(super) fn views(&self, short: usize) -> Vec<View> {
        if self.given().is_none() {
            return vec![];
        }
        let mut scales: Vec<usize> = self.scales.iter().map(|&side| side as usize).collect();
        if scales.is_empty() {
            scales.push(short);
        }
        View::all(self.crops.as_deref() == Some("10"), &scales)
    }
}

/// How the text of a table is written.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct FormatArgs {
    /// What separates the fields of a table: comma, semicolon, tab, pipe or blanks [default: recognised]
    #[arg(long, aliases = ["sep", "delimiter"], value_name = "SEPARATOR")]
    separator: Option<Separator>,
    /// What stands before the fraction in the numbers of a table: point or comma [default: recognised]
    #[arg(long, value_name = "MARK")]
    decimal: Option<Decimal>,
    /// Whether the first row of a table holds the names of its columns [default: recognised]
    #[arg(long, value_name = "BOOL")]
    header: Option<bool>,
}

impl FormatArgs {
    /// The first flag that is given.
    pub(super) fn given(self) -> Option<&'static str> {
        let given = [
            ("--separator", self.separator.is_some()),
            ("--decimal", self.decimal.is_some()),
            ("--header", self.header.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }

    /// What is given of the format.
    pub(super) fn format(self) -> Format {
        Format { separator: self.separator, decimal: self.decimal, header: self.header }
    }
}

/// Monte-Carlo prediction.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Masks {
    /// Also predict with this many random dropout masks (at least 2) and report the mean and the spread
    #[arg(long, value_name = "MASKS")]
    pub(super) samples: Option<u32>,
    /// Seed of the dropout masks
    #[arg(long, default_value_t = 0, requires = "samples")]
    pub(super) seed: u64,
}

impl Masks {
    /// Refuses one mask, which has no spread.
    pub(super) fn check(self) -> Result<(), Error> {
        match self.samples {
            Some(samples @ 0..2) => Err(setting(format!("--samples must be at least 2 masks, not {samples}"))),
            _ => Ok(()),
        }
    }
}

#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// A model file
    pub(super) model: PathBuf,
    /// File to write
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// Fold every batch_norm into the linear layer before it
    #[arg(long)]
    pub(super) fold: bool,
    /// Names of the tensors: places in the sequence of layers, as PyTorch's Sequential has them, or those of torchvision's
    /// residual networks
    #[arg(long, value_name = "NAMES", default_value = "sequential", value_parser = ["sequential", "torchvision"])]
    pub(super) names: String,
}

#[derive(Args, Debug)]
pub(super) struct DevicesArgs {
    #[command(flatten)]
    pub(super) drivers: Drivers,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    pub(super) device: DeviceArg,
    /// One JSON object a line, for each kernel and case
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) base: BaseArgs,
    #[command(flatten)]
    pub(super) settings: PlanFlags,
    /// Show the plan that a kind of device gets, with none of it there: hardware (a GPU), software8 (a software driver with
    /// subgroups of eight lanes), software (any other), or cpu
    #[arg(long = "for", value_name = "KIND", conflicts_with = "device")]
    pub(super) kind: Option<Kind>,
    /// Print the WGSL source of a kernel, for example batch_norm.stats
    #[arg(long, value_name = "KERNEL")]
    pub(super) wgsl: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct BenchArgs {
    /// Networks of linear, batch_norm, relu and dropout: w1 (784-256-128-10, batch 128), w2 (784-2048-2048-10, batch 512), w3
    /// (64-32-10, batch 32). w1 with other layers: gelu_adam, tanh, relu_adam, maxout. Networks of images of 3x32x32: w5
    /// (small_cnn, batch 64), resnet20 (batch 128). Matrix products: gemm512, gemm1024, gemm2048, gemm4096, gemm (the first
    /// three), gemmw1, gemmw2, gemmw3 (those of a training step). gemmw5: convolutions, on the CPU path. dispatch: an empty
    /// kernel. peak: products and sums in registers of the CPU [default: w1 w2 w3]
    #[arg(value_name = "WORK")]
    pub(super) works: Vec<String>,
    #[command(flatten)]
    pub(super) device: DeviceArg,
    /// Measurements of each work
    #[arg(long, default_value_t = 3, allow_negative_numbers = true)]
    pub(super) runs: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 5.0, allow_negative_numbers = true)]
    pub(super) seconds: f64,
    /// Also print the time of each kernel in one step, and the device's best measured rate beside it
    #[arg(long)]
    pub(super) kernels: bool,
    /// Run every operation as a dispatch of its own
    #[arg(long)]
    pub(super) no_fuse: bool,
    /// Numbers that matrix products multiply: f32, or f16 with sums in f32 on GPUs that list fitting cooperative matrices
    #[arg(long, default_value_t = Precision::F32, value_name = "PRECISION")]
    pub(super) precision: Precision,
    /// Maximum training steps in one GPU submission (at most 128) [default: as many as run in 0.1 s]
    #[arg(long, value_name = "STEPS", allow_negative_numbers = true)]
    pub(super) steps_per_submission: Option<usize>,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct TuneArgs {
    /// w1, w2, w3 (benchmark networks and their matrix products); gemm (square products) [default: all]
    #[arg(value_name = "WORK")]
    pub(super) works: Vec<String>,
    #[command(flatten)]
    pub(super) device: DeviceArg,
    /// Measurements of each variant, in turn with the others
    #[arg(long, default_value_t = 3, allow_negative_numbers = true)]
    pub(super) runs: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 0.1, allow_negative_numbers = true)]
    pub(super) seconds: f64,
    /// Forget the stored choice for the device
    #[arg(long, conflicts_with_all = ["works", "runs", "seconds"])]
    pub(super) reset: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct ImportArgs {
    /// A safetensors file with PyTorch's names of a Sequential, or torchvision's of a ResNet of basic blocks
    pub(super) file: PathBuf,
    /// The network's layers, or its name, as in resnet18
    #[arg(long, value_name = "LAYERS")]
    pub(super) layers: String,
    /// Channels, height and width of an input, as in 3x224x224; or the number of its features
    #[arg(long, value_name = "SIZES")]
    pub(super) shape: String,
    /// How inputs are scaled: imagenet (the numbers of torchvision's networks), scale or none
    #[arg(long, default_value_t = Normalize::ImageNet, value_name = "KIND")]
    pub(super) normalize: Normalize,
    /// Shorter side in pixels that pictures are brought to before their middle is taken [default: that of the shape]
    #[arg(long, value_name = "SIDE", value_parser = clap::value_parser!(u64).range(1..=16_384))]
    pub(super) scale: Option<u64>,
    /// Names of the classes in the order of the outputs, separated by commas [default: 0, 1, 2, …]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) classes: Vec<String>,
    /// The model file to write
    #[arg(long, short_alias = 'o', value_name = "FILE")]
    pub(super) out: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct DataArgs {
    #[command(subcommand)]
    pub(super) command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// List the data sets that are known by name, with source and licence
    List(ListArgs),
    /// Draw pictures as evaluation sees them, and beside each as training sees it in every epoch
    Preview(Box<PreviewArgs>),
}

#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
pub(super) struct PreviewArgs {
    /// A recipe in TOML; a flag wins over its key
    #[arg(long, value_name = "FILE")]
    pub(super) recipe: Option<PathBuf>,
    /// PNG file to write
    #[arg(long, value_name = "FILE.png")]
    pub(super) out: PathBuf,
    /// Pictures of the training part, spread over it (at most 64)
    #[arg(long, default_value_t = 8, allow_negative_numbers = true)]
    pub(super) rows: usize,
    /// Epochs in which each is shown (at most 64)
    #[arg(long, default_value_t = 8, allow_negative_numbers = true)]
    pub(super) epochs: usize,
    #[command(flatten)]
    pub(super) settings: PlanFlags,
}
