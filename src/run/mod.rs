//! A compiled network on a device: its steps, its tensors and its outputs. Training and prediction are built on it.

mod answerer;
pub(crate) mod batches;
mod compiled;
mod greedy;
mod looks;
mod maker;
mod mean;
mod options;
mod out_of_bag;
pub(crate) mod pace;
mod predictor;
mod runner;
pub(crate) mod state;
pub(crate) mod stream;
mod window;

pub use answerer::Answerer;
pub use compiled::Compiled;
pub use greedy::greedy;
pub use looks::LookedAt;
pub use mean::Mean;
pub use options::{AugmentShape, DataShape, Purpose, TrainOptions};
pub use out_of_bag::out_of_bag;
pub use predictor::{Prediction, Predictor, Sampled};
pub use runner::Runner;
pub(crate) use runner::Snapshot;
