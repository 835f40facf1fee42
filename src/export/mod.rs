//! Files that outlive a run.

mod fingerprint;
mod fold;
mod model;
mod normalization;
mod progress;
mod tensors;
mod torchvision;

pub use fingerprint::{Fingerprint, PartFingerprint};
pub use fold::{Folded, fold};
pub use model::{Metadata, Model, ModelError, loss_settings};
pub use normalization::Normalization;
pub use progress::{LossScaling, Progress};
pub use tensors::Values;
pub use torchvision::torchvision_names;
