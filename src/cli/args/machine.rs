//! The arguments of commands that measure devices and plans.

use crate::cli::flags::{BaseArgs, DeviceArg, Drivers, PlanFlags};
use crate::kernel::Precision;
use crate::op::Kind;
use clap::Args;

#[derive(Args, Debug)]
pub(in crate::cli) struct DevicesArgs {
    #[command(flatten)]
    pub(in crate::cli) drivers: Drivers,
    /// One JSON object a line
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct DoctorArgs {
    #[command(flatten)]
    pub(in crate::cli) device: DeviceArg,
    /// One JSON object a line, for each kernel and case
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct PlanArgs {
    #[command(flatten)]
    pub(in crate::cli) base: BaseArgs,
    #[command(flatten)]
    pub(in crate::cli) settings: PlanFlags,
    /// Show the plan that a kind of device gets, with none of it there: hardware (a GPU), software8 (a software driver with
    /// subgroups of eight lanes), software (any other), or cpu
    #[arg(long = "for", value_name = "KIND", conflicts_with = "device")]
    pub(in crate::cli) kind: Option<Kind>,
    /// Print the WGSL source of a kernel, for example batch_norm.stats
    #[arg(long, value_name = "KERNEL")]
    pub(in crate::cli) wgsl: Option<String>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct BenchArgs {
    /// Networks of linear, batch_norm, relu and dropout: w1 (784-256-128-10, batch 128), w2 (784-2048-2048-10, batch 512), w3
    /// (64-32-10, batch 32). w1 with other layers: gelu_adam, tanh, relu_adam, maxout. Networks of images of 3x32x32: w5
    /// (small_cnn, batch 64), resnet20 (batch 128). Matrix products: gemm512, gemm1024, gemm2048, gemm4096, gemm (the first
    /// three), gemmw1, gemmw2, gemmw3 (those of a training step). gemmw5: convolutions, on the CPU path. dispatch: an empty
    /// kernel. peak: products and sums in registers of the CPU [default: w1 w2 w3]
    #[arg(value_name = "WORK")]
    pub(in crate::cli) works: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) device: DeviceArg,
    /// Measurements of each work
    #[arg(long, default_value_t = 3, allow_negative_numbers = true)]
    pub(in crate::cli) runs: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 5.0, allow_negative_numbers = true)]
    pub(in crate::cli) seconds: f64,
    /// Also print the time of each kernel in one step, and the device's best measured rate beside it
    #[arg(long)]
    pub(in crate::cli) kernels: bool,
    /// Run every operation as a dispatch of its own
    #[arg(long)]
    pub(in crate::cli) no_fuse: bool,
    /// Numbers that matrix products multiply: f32, or f16 with sums in f32 on GPUs that list fitting cooperative matrices
    #[arg(long, default_value_t = Precision::F32, value_name = "PRECISION")]
    pub(in crate::cli) precision: Precision,
    /// Maximum training steps in one GPU submission (at most 128) [default: as many as run in 0.1 s]
    #[arg(long, value_name = "STEPS", allow_negative_numbers = true)]
    pub(in crate::cli) steps_per_submission: Option<usize>,
    /// One JSON object a line
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct TuneArgs {
    /// w1, w2, w3 (benchmark networks and their matrix products); gemm (square products) [default: all]
    #[arg(value_name = "WORK")]
    pub(in crate::cli) works: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) device: DeviceArg,
    /// Measurements of each variant, in turn with the others
    #[arg(long, default_value_t = 3, allow_negative_numbers = true)]
    pub(in crate::cli) runs: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 0.1, allow_negative_numbers = true)]
    pub(in crate::cli) seconds: f64,
    /// Forget the stored choice for the device
    #[arg(long, conflicts_with_all = ["works", "runs", "seconds"])]
    pub(in crate::cli) reset: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
