//! Files that outlive a run.

mod fingerprint;
mod fold;
mod model;
mod progress;

pub use fingerprint::{Fingerprint, PartFingerprint};
pub use fold::{Folded, fold};
pub use model::{Metadata, Model, ModelError, Normalization, Values, loss_settings};
pub use progress::{LossScaling, Progress};
