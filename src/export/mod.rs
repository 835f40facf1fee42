//! Files that outlive a run.

mod model;

pub use model::{Metadata, Model, ModelError, Normalization, Progress, Values};
