//! Trains neural networks with short, readable WGSL compute shaders on any GPU, or on the CPU with the same answer.
//!
//! A [`Recipe`] says what to train on what, a [`Device`] where, and a [`Trainer`] does it. Its [`Model`] can be saved, and a
//! [`Predictor`] answers with it. The program below is `examples/first.rs`:
//!
//! ```
#![doc = include_str!("../examples/first.rs")]
//! ```
//!
//! A recipe whose fields are all `None` is the default recipe for the data, which [`train::prepare`] fills in. Data come from
//! files ([`data::open`]) or from memory ([`data::from_floats`], [`data::from_bytes`]): [`Trainer::open`] trains
//! on the recipe's `source`, [`Trainer::with_data`] on data from memory. [`Trainer::fit`] trains to the end with
//! early stopping and the best model; [`Trainer::train_steps`] leaves the loop to the program; [`Trainer::run`] writes a run
//! folder that can be resumed. [`metrics`] has what is measured of answers, [`export`] the model file.
//!
//! Trainer, predictor and device can be sent to another thread.
//!
//! # Inside
//!
//! A layer notation ([`nn`]) becomes a graph of operations, the graph a plan (plain data: slots and dispatches), and one of two
//! executors runs the plan: one through wgpu, one through the kernels' Rust twins. `ARCHITECTURE.md` has the map. The modules
//! of this machinery are public for the program's own tests and benchmarks, hidden here, and may change at any time.

#[doc(hidden)]
pub mod aligned;
#[doc(hidden)]
pub mod bench;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod cpu;
pub mod data;
pub mod device;
pub mod error;
#[doc(hidden)]
pub mod executor;
pub mod export;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod gemm;
#[doc(hidden)]
pub mod gpu;
#[doc(hidden)]
pub mod graph;
#[doc(hidden)]
pub mod judge;
#[doc(hidden)]
pub mod kernel;
mod memory;
pub mod metrics;
#[doc(hidden)]
pub mod names;
pub mod nn;
#[doc(hidden)]
pub mod op;
#[doc(hidden)]
pub mod ops;
#[doc(hidden)]
pub mod random;
#[doc(hidden)]
pub mod run;
#[doc(hidden)]
pub mod shape;
#[doc(hidden)]
pub mod simd;
#[doc(hidden)]
pub mod threads;
pub mod train;

pub use device::{Device, DeviceChoice};
pub use error::Error;
pub use export::{Ensemble, Model};
pub use run::{Prediction, Predictor};
pub use train::{Recipe, Trainer};
