//! Trains neural networks with short, readable WGSL compute shaders on any GPU, or on the CPU with the same answer.
//!
//! The way of a training run: a layer notation becomes a [`graph::Graph`] of operations, the graph a
//! [`graph::plan::Plan`] (plain data: slots and dispatches), and one of two executors runs the plan: [`gpu::Session`]
//! through wgpu, or [`cpu::Machine`] through the kernels' Rust twins. `ARCHITECTURE.md` has the map.

pub mod aligned;
pub mod bench;
#[cfg(feature = "cli")]
pub mod cli;
pub mod cpu;
pub mod data;
pub mod device;
pub mod error;
pub mod executor;
pub mod export;
pub mod files;
pub mod gemm;
pub mod gpu;
pub mod graph;
pub mod judge;
pub mod kernel;
pub mod memory;
pub mod metrics;
pub mod names;
pub mod nn;
pub mod op;
pub mod ops;
pub mod random;
pub mod run;
pub mod shape;
pub mod simd;
pub mod threads;
pub mod train;

pub use device::Device;
pub use export::Model;
pub use run::Predictor;
pub use train::{Recipe, Trainer};
