//! A compiled network on a device: its steps, its tensors and its outputs. Training and prediction are built on it.

pub(crate) mod batches;
mod compiled;
mod maker;
mod options;
pub(crate) mod pace;
mod predictor;
mod runner;
pub(crate) mod state;

pub use compiled::Compiled;
pub use options::{AugmentShape, DataShape, Purpose, TrainOptions};
pub use predictor::{Prediction, Predictor, Sampled};
pub use runner::Runner;
