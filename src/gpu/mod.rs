//! The executor on a GPU. The only place that names wgpu.

mod ahead;
mod device;
mod drivers;
mod kept;
mod matrices;
mod pipelines;
mod profile;
mod session;

pub use device::{AdapterReport, Choice, Gpu, adapters, nothing_found};
pub use drivers::quiet_drivers;
pub use kept::Attendant;
pub use pipelines::Checks;
pub use session::Session;
