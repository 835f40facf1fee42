//! The executor on a GPU. The only place that names wgpu.

mod adapters;
mod ahead;
mod attendant;
mod cache;
mod device;
mod drivers;
mod matrices;
mod pipelines;
mod profile;
mod session;

pub use adapters::{AdapterReport, Choice, adapters, nothing_found};
pub use attendant::Attendant;
pub use device::Gpu;
pub use drivers::quiet_drivers;
pub(crate) use pipelines::Checks;
pub use session::Session;
