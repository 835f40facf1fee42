//! The instruments that say whether, and why, something is wrong.

pub mod kernels;
pub mod layers;
pub mod long;
