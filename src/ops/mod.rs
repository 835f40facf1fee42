//! The operations, one file each; what they share is in [`crate::op`] and [`crate::kernel`].

pub mod activation;
pub mod adam;
pub mod add;
pub mod augment;
pub mod avg_pool;
pub mod batch_norm;
pub mod binary_cross_entropy;
pub mod block;
pub mod clip;
pub mod conv;
pub mod cross_entropy;
pub mod dropout;
pub mod flatten;
pub mod gather;
pub mod global_avg_pool;
pub mod head;
pub mod health;
pub mod huber;
pub mod loss_scale;
pub mod matmul;
pub mod max_norm;
pub mod max_pool;
pub mod maxout;
pub mod metrics;
pub mod mse;
pub mod one_hot;
pub mod prelu;
pub mod rmsprop;
pub mod sgd;
pub mod shortcut;
pub mod step;

use crate::kernel::Kernel;
use crate::op::{Case, LossKind, OptimizerKind};

/// An operation as the checks, the profile and `doctor` meet it, and what it declares for recipes.
pub struct Entry {
    /// Its name, as in `shaders/NAME`.
    pub name: &'static str,
    /// Its kernels with all their variants, but for those that are made of its stages.
    pub kernels: &'static [&'static Kernel],
    /// Kernels that are made of stages: those of the cases.
    pub joined: fn() -> Vec<&'static Kernel>,
    /// Makes the cases with which it is checked.
    pub cases: fn() -> Vec<Case>,
    /// The optimisers whose update it is.
    pub optimizers: &'static [&'static OptimizerKind],
    /// The losses that it computes.
    pub losses: &'static [&'static LossKind],
}

impl Entry {
    const fn new(name: &'static str, kernels: &'static [&'static Kernel], cases: fn() -> Vec<Case>) -> Self {
        Self { name, kernels, joined: Vec::new, cases, optimizers: &[], losses: &[] }
    }

    const fn joined(self, joined: fn() -> Vec<&'static Kernel>) -> Self {
        Self { joined, ..self }
    }

    const fn optimizers(self, optimizers: &'static [&'static OptimizerKind]) -> Self {
        Self { optimizers, ..self }
    }

    const fn losses(self, losses: &'static [&'static LossKind]) -> Self {
        Self { losses, ..self }
    }
}

/// All operations. To be in this list is to be tested, and to be an optimiser or a loss that a recipe can name.
pub static OPS: &[Entry] = &[
    Entry::new("activation", activation::KERNELS, activation::cases),
    Entry::new("adam", adam::KERNELS, adam::cases).optimizers(&[&adam::ADAM, &adam::ADAMW]),
    Entry::new("add", add::KERNELS, add::cases),
    Entry::new("avg_pool", avg_pool::KERNELS, avg_pool::cases),
    Entry::new("batch_norm", batch_norm::KERNELS, batch_norm::cases),
    Entry::new("binary_cross_entropy", binary_cross_entropy::KERNELS, binary_cross_entropy::cases)
        .losses(&[&binary_cross_entropy::BINARY_CROSS_ENTROPY]),
    Entry::new("block", block::KERNELS, block::cases).joined(block::kernels),
    Entry::new("clip", clip::KERNELS, clip::cases),
    Entry::new("conv", conv::KERNELS, conv::cases),
    Entry::new("cross_entropy", cross_entropy::KERNELS, cross_entropy::cases).losses(&[&cross_entropy::CROSS_ENTROPY]),
    Entry::new("dropout", dropout::KERNELS, dropout::cases),
    Entry::new("flatten", flatten::KERNELS, flatten::cases),
    Entry::new("augment", augment::KERNELS, augment::cases),
    Entry::new("gather", gather::KERNELS, gather::cases),
    Entry::new("global_avg_pool", global_avg_pool::KERNELS, global_avg_pool::cases),
    Entry::new("head", head::KERNELS, head::cases).joined(head::kernels),
    Entry::new("health", health::KERNELS, health::cases),
    Entry::new("huber", huber::KERNELS, huber::cases).losses(&[&huber::HUBER]),
    Entry::new("loss_scale", loss_scale::KERNELS, loss_scale::cases),
    Entry::new("matmul", matmul::KERNELS, matmul::cases),
    Entry::new("max_norm", max_norm::KERNELS, max_norm::cases),
    Entry::new("max_pool", max_pool::KERNELS, max_pool::cases),
    Entry::new("maxout", maxout::KERNELS, maxout::cases),
    Entry::new("metrics", metrics::KERNELS, metrics::cases),
    Entry::new("mse", mse::KERNELS, mse::cases).losses(&[&mse::MSE]),
    Entry::new("one_hot", one_hot::KERNELS, one_hot::cases)
        .losses(&[&one_hot::ONE_HOT_MSE, &one_hot::ONE_HOT_BINARY_CROSS_ENTROPY]),
    Entry::new("prelu", prelu::KERNELS, prelu::cases),
    Entry::new("rmsprop", rmsprop::KERNELS, rmsprop::cases).optimizers(&[&rmsprop::RMSPROP]),
    Entry::new("sgd", sgd::KERNELS, sgd::cases).optimizers(&[&sgd::SGD]),
    Entry::new("shortcut", shortcut::KERNELS, shortcut::cases),
    Entry::new("step", step::KERNELS, step::cases),
];

/// All kernels, those that the cases make of stages included.
pub fn kernels() -> Vec<&'static Kernel> {
    OPS.iter().flat_map(|op| op.kernels.iter().copied().chain((op.joined)())).collect()
}

/// All optimisers, in the order of [`OPS`].
pub fn optimizers() -> impl Iterator<Item = &'static OptimizerKind> + Clone {
    OPS.iter().flat_map(|entry| entry.optimizers).copied()
}

/// All losses, in the order of [`OPS`].
pub fn losses() -> impl Iterator<Item = &'static LossKind> + Clone {
    OPS.iter().flat_map(|entry| entry.losses).copied()
}
