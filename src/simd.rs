//! Loops compiled for the instruction set of the machine that runs them, found out once.

use pulp::{Arch, Simd, WithSimd};
use std::sync::OnceLock;

/// The best instruction set of this machine.
pub fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(Arch::new)
}

struct Loops<F>(F);

impl<R, F: FnOnce() -> R> WithSimd for Loops<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> R {
        (self.0)()
    }
}

/// Runs a closure of plain loops, compiled once for each instruction set. The closure and the functions that it calls in
/// its loops must be `#[inline(always)]`, else they are compiled for the least instruction set. Products and sums are not
/// fused, so results have the same bits on all of them; `f32::mul_add` is slow where there is no instruction for it.
#[inline(always)]
pub fn run<R>(work: impl FnOnce() -> R) -> R {
    arch().dispatch(Loops(work))
}
