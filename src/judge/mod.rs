//! Instruments: kernels compared with their twins, statistics of what the layers of a network give, and what a network
//! looks at.

pub mod class_map;
pub mod gradients;
pub mod kernels;
pub mod layers;
pub mod long;
mod probe;
pub mod starts;
mod tape;

pub use tape::Batch;
