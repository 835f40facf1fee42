//! The arguments of a block's kernels: a head that all have, and those of each stage behind it.

use super::chain::Chain;
use crate::args;
use crate::kernel::Scalar;

/// The place of a tensor that a kernel does not have.
pub(super) const NOWHERE: u32 = u32::MAX;

/// The words that the arguments begin with, in both directions.
pub(super) const FORWARD: [(&str, Scalar); 9] = [
    ("k", Scalar::U32),
    ("n", Scalar::U32),
    ("weight", Scalar::U32),
    ("bias", Scalar::U32),
    ("gamma", Scalar::U32),
    ("beta", Scalar::U32),
    ("learned", Scalar::U32),
    ("saved", Scalar::U32),
    ("eps", Scalar::F32),
];
pub(super) const BACKWARD: [(&str, Scalar); 13] = [
    ("k", Scalar::U32),
    ("n", Scalar::U32),
    ("weight", Scalar::U32),
    ("gamma", Scalar::U32),
    ("beta", Scalar::U32),
    ("learned", Scalar::U32),
    ("saved", Scalar::U32),
    ("dgamma", Scalar::U32),
    ("dbeta", Scalar::U32),
    ("dlearned", Scalar::U32),
    ("running_mean", Scalar::U32),
    ("running_var", Scalar::U32),
    ("momentum", Scalar::F32),
];

/// The arguments of a block: those of its head by name, and those of each link.
#[derive(Clone, Copy)]
pub(super) struct Args<'a> {
    words: &'a [u32],
    head: usize,
}

impl<'a> Args<'a> {
    pub(super) fn new(bytes: &'a [u8], backward: bool) -> Self {
        Self { words: bytemuck::cast_slice(bytes), head: if backward { BACKWARD.len() } else { FORWARD.len() } }
    }

    /// Those of a kernel over pixels.
    pub(super) fn over_pixels(bytes: &'a [u8]) -> Self {
        Self { words: bytemuck::cast_slice(bytes), head: PixelArgs::FIELDS.len() }
    }

    pub(super) fn word(&self, at: usize) -> u32 {
        self.words[at]
    }

    /// Those of the link at a place.
    pub(super) fn of_link(&self, chain: &Chain, at: usize) -> &'a [u32] {
        let before: usize = chain.links[..at].iter().map(|link| link.stage.args.len()).sum();
        &self.words[self.head + before..][..chain.links[at].stage.args.len()]
    }
}

args! {
    /// What the arguments of kernels over pixels begin with: sizes, and where tensors lie in what is bound.
    pub(super) struct PixelArgs {
        /// Columns of z, and of h.
        pub n: u32,
        /// Pixels of an image.
        pub pixels: u32,
        /// Units of an image: pixels, or windows.
        pub units: u32,
        /// Quads of columns of a group, a power of two.
        pub quads: u32,
        /// Units of a group.
        pub own: u32,
        /// Units of an image, as the kernel that made the parts had them.
        pub part_units: u32,
        /// Units of a part.
        pub of_part: u32,
        /// Height of an image.
        pub in_h: u32,
        /// Width of an image.
        pub in_w: u32,
        /// Pixels along each side of a window.
        pub pool: u32,
        /// Where γ begins in `params`, in words.
        pub gamma: u32,
        /// Where β begins in `params`, in words.
        pub beta: u32,
        /// Where mean, 1/√(var + eps) and variance begin in `zs`, in words.
        pub saved: u32,
        /// Where the gradient by γ begins in `grads`, in words.
        pub dgamma: u32,
        /// Where the gradient by β begins in `grads`, in words.
        pub dbeta: u32,
        /// Where the running mean begins in `state`, in words.
        pub running_mean: u32,
        /// Where the running variance begins in `state`, in words.
        pub running_var: u32,
        /// Added to the variance.
        pub eps: f32,
        /// Share by which the running statistics move.
        pub momentum: f32,
    }
}
