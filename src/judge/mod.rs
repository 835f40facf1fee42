//! Instruments: kernels compared with their twins, and statistics of what the layers of a network give.

pub mod kernels;
pub mod layers;
pub mod long;
