//! Files that outlive a run.

mod calibrated;
mod ensemble;
mod fingerprint;
mod fold;
mod metadata;
mod model;
mod normalization;
mod progress;
mod tensors;
mod torchvision;

pub use calibrated::Calibrated;
pub use ensemble::{Average, Ensemble};
pub use fingerprint::{Fingerprint, PartFingerprint};
pub use fold::{Folded, fold};
pub use metadata::{Metadata, loss_settings};
pub use model::{Model, ModelError};
pub use normalization::Normalization;
pub use progress::{LossScaling, Progress};
pub use tensors::Values;
pub use torchvision::torchvision_names;
