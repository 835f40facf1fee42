//! Files that outlive a run.

mod fold;
mod model;
mod normalization;
mod progress;

pub use fold::{Folded, fold};
pub use model::{Metadata, Model, ModelError, Values, loss_settings};
pub use normalization::Normalization;
pub use progress::{LossScaling, Progress};
