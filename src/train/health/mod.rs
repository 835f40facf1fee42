//! The health of the layers in training: what their outputs and gradients hold, which units do nothing, and how much an
//! update moves the weights. It is measured on a plan of its own, so that no bit of the training depends on it.

mod advice;
mod constant;
mod gather;
mod keeper;
mod layer;
mod warning;

pub(super) use advice::Origin;
pub(super) use constant::constant_loss;
pub(super) use gather::Instrument;
pub(super) use keeper::{Began, Keeper};
pub(super) use layer::HEADER;
pub use layer::{LayerHealth, Spread};
pub use warning::{Cause, HealthWarning};
pub(super) use warning::{DEAD, Fault, faults};
