//! Files that outlive a run.

mod fold;
mod model;

pub use fold::{Folded, fold};
pub use model::{Metadata, Model, ModelError, Normalization, Progress, Values};
