//! The commands and their arguments.

mod answers;
mod checks;
mod common;
mod diagnosis;
mod ensembles;
mod figures;
mod files;
mod machine;
mod past;

use super::flags::TrainArgs;
pub(super) use answers::{EvalArgs, ExplainArgs, PredictArgs};
pub(super) use checks::{GradcheckArgs, InitLabArgs};
use clap::{Parser, Subcommand};
pub(super) use common::{FormatArgs, Turns, ViewArgs};
pub(super) use diagnosis::DiagnoseArgs;
pub(super) use ensembles::{BagArgs, EnsembleArgs, Vary};
pub(super) use figures::ReproduceArgs;
pub(super) use files::{DataArgs, DataCommand, ExportArgs, ImportArgs, PreviewArgs};
pub(super) use machine::{BenchArgs, DevicesArgs, DoctorArgs, PlanArgs, TuneArgs};
pub(super) use past::{CompareArgs, ReportArgs};

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
    /// Name what to work on next, bias, variance or data mismatch, from the errors of a person and of a model
    Diagnose(DiagnoseArgs),
    /// Compare runs: settings that differ, results side by side, and whether one is better by more than chance
    Compare(CompareArgs),
    /// Write a page about a run: result on the test part, diagnosis over all parts, curves, layers, worst mistakes and recipe
    Report(ReportArgs),
    /// Compare the gradient of every tensor of a network with differences of its loss, on rows of the data
    Gradcheck(GradcheckArgs),
    /// Show what each kind of initial weights does to activations and gradients of a network, on rows of the data
    InitLab(InitLabArgs),
    /// Train several networks that differ by their bootstrap samples, or in another way, and make one model of them
    Bag(BagArgs),
    /// Make one file of several models, whose answers are averaged
    Ensemble(EnsembleArgs),
    /// Train a network whose result is published, and set ours beside it
    Reproduce(ReproduceArgs),
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
