//! The arguments of a block's kernels: a head that all have, and those of each stage behind it.

use super::chain::Chain;
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

    pub(super) fn word(&self, at: usize) -> u32 {
        self.words[at]
    }

    /// Those of the link at a place.
    pub(super) fn of_link(&self, chain: &Chain, at: usize) -> &'a [u32] {
        let before: usize = chain.links[..at].iter().map(|link| link.stage.args.len()).sum();
        &self.words[self.head + before..][..chain.links[at].stage.args.len()]
    }
}
