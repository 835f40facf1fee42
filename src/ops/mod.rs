//! The operations, one file each; what they share is in [`crate::op`] and [`crate::kernel`].

pub mod add;
pub mod batch_norm;
pub mod cross_entropy;
pub mod dropout;
pub mod gather;
pub mod matmul;
pub mod metrics;
pub mod relu;
pub mod sgd;
pub mod step;

use crate::kernel::Kernel;
use crate::op::Case;

/// An operation as the checks, the profile and `doctor` meet it.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// All its kernels with all their variants.
    pub kernels: &'static [&'static Kernel],
    /// The inputs with which it is checked.
    pub cases: fn() -> Vec<Case>,
}

/// All operations. To be in this list is to be tested.
pub static OPS: &[Entry] = &[
    Entry { name: "add", kernels: add::KERNELS, cases: add::cases },
    Entry { name: "batch_norm", kernels: batch_norm::KERNELS, cases: batch_norm::cases },
    Entry { name: "cross_entropy", kernels: cross_entropy::KERNELS, cases: cross_entropy::cases },
    Entry { name: "dropout", kernels: dropout::KERNELS, cases: dropout::cases },
    Entry { name: "gather", kernels: gather::KERNELS, cases: gather::cases },
    Entry { name: "matmul", kernels: matmul::KERNELS, cases: matmul::cases },
    Entry { name: "metrics", kernels: metrics::KERNELS, cases: metrics::cases },
    Entry { name: "relu", kernels: relu::KERNELS, cases: relu::cases },
    Entry { name: "sgd", kernels: sgd::KERNELS, cases: sgd::cases },
    Entry { name: "step", kernels: step::KERNELS, cases: step::cases },
];
