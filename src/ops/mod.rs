//! The operations, one file each; what they share is in [`crate::op`] and [`crate::kernel`].

pub mod activation;
pub mod adam;
pub mod add;
pub mod batch_norm;
pub mod binary_cross_entropy;
pub mod block;
pub mod clip;
pub mod cross_entropy;
pub mod dropout;
pub mod gather;
pub mod head;
pub mod loss_scale;
pub mod matmul;
pub mod max_norm;
pub mod maxout;
pub mod metrics;
pub mod mse;
pub mod prelu;
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
    Entry { name: "activation", kernels: activation::KERNELS, cases: activation::cases },
    Entry { name: "adam", kernels: adam::KERNELS, cases: adam::cases },
    Entry { name: "add", kernels: add::KERNELS, cases: add::cases },
    Entry { name: "batch_norm", kernels: batch_norm::KERNELS, cases: batch_norm::cases },
    Entry { name: "binary_cross_entropy", kernels: binary_cross_entropy::KERNELS, cases: binary_cross_entropy::cases },
    Entry { name: "block", kernels: block::KERNELS, cases: block::cases },
    Entry { name: "clip", kernels: clip::KERNELS, cases: clip::cases },
    Entry { name: "cross_entropy", kernels: cross_entropy::KERNELS, cases: cross_entropy::cases },
    Entry { name: "dropout", kernels: dropout::KERNELS, cases: dropout::cases },
    Entry { name: "gather", kernels: gather::KERNELS, cases: gather::cases },
    Entry { name: "head", kernels: head::KERNELS, cases: head::cases },
    Entry { name: "loss_scale", kernels: loss_scale::KERNELS, cases: loss_scale::cases },
    Entry { name: "matmul", kernels: matmul::KERNELS, cases: matmul::cases },
    Entry { name: "max_norm", kernels: max_norm::KERNELS, cases: max_norm::cases },
    Entry { name: "maxout", kernels: maxout::KERNELS, cases: maxout::cases },
    Entry { name: "metrics", kernels: metrics::KERNELS, cases: metrics::cases },
    Entry { name: "mse", kernels: mse::KERNELS, cases: mse::cases },
    Entry { name: "prelu", kernels: prelu::KERNELS, cases: prelu::cases },
    Entry { name: "sgd", kernels: sgd::KERNELS, cases: sgd::cases },
    Entry { name: "step", kernels: step::KERNELS, cases: step::cases },
];
