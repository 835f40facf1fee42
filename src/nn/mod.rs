//! Networks: the layer notation, layers made of operations, initial weights, optimisers.

mod freeze;
mod init;
mod layer;
mod layers;
mod loss;
mod named;
mod network;
mod notation;
mod optimizer;
mod problem;
mod scale;
mod sequence;

pub use crate::op::{Answer, Weighing};
pub use freeze::Freeze;
pub use init::Init;
pub use layer::{Averages, Builder, Built, Counter, Layer, Place, Start, Tensor, Usage};
pub use loss::Loss;
pub use named::NAMED;
pub use network::{Head, Network, faults};
pub(crate) use notation::items;
pub use notation::{LayerText, NotationError};
pub use optimizer::{Rule, Settings};
pub use problem::Problem;
pub use scale::TargetScale;
