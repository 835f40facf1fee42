//! Networks: the layer notation, layers made of operations, initial weights, optimisers.

mod init;
mod layers;
mod network;
mod notation;
mod optimizer;

pub use init::Init;
pub use network::{Built, Layer, Network, Tensor, Usage, check};
pub use notation::{LayerText, NotationError, nearest};
pub use optimizer::{STATES, Settings};
