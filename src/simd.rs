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

/// The transposed block. Compilers make no shuffles of the plain loop, so these are written out where they are known.
#[inline(always)]
pub fn flip<S: Simd>(simd: S, x: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
    #[cfg(target_arch = "x86_64")]
    {
        let simd = &simd as &dyn std::any::Any;
        if let Some(simd) = simd.downcast_ref::<pulp::x86::V3>() {
            return flip_256(simd.avx, x);
        }
        if let Some(simd) = simd.downcast_ref::<pulp::x86::V4>() {
            return flip_256(simd.avx, x);
        }
    }
    let _ = simd;
    std::array::from_fn(|i| std::array::from_fn(|j| x[j][i]))
}

/// Written out: a closure here would be compiled for the least instruction set.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn flip_256(avx: pulp::core_arch::x86::Avx, x: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
    use std::arch::x86_64::__m256;
    let mut x: [__m256; 8] = bytemuck::cast(x);
    let mut pairs = x;
    for i in 0..4 {
        pairs[2 * i] = avx._mm256_unpacklo_ps(x[2 * i], x[2 * i + 1]);
        pairs[2 * i + 1] = avx._mm256_unpackhi_ps(x[2 * i], x[2 * i + 1]);
    }
    let mut quads = pairs;
    for i in [0, 4] {
        quads[i] = avx._mm256_shuffle_ps::<0x44>(pairs[i], pairs[i + 2]);
        quads[i + 1] = avx._mm256_shuffle_ps::<0xee>(pairs[i], pairs[i + 2]);
        quads[i + 2] = avx._mm256_shuffle_ps::<0x44>(pairs[i + 1], pairs[i + 3]);
        quads[i + 3] = avx._mm256_shuffle_ps::<0xee>(pairs[i + 1], pairs[i + 3]);
    }
    for i in 0..4 {
        x[i] = avx._mm256_permute2f128_ps::<0x20>(quads[i], quads[i + 4]);
        x[i + 4] = avx._mm256_permute2f128_ps::<0x31>(quads[i], quads[i + 4]);
    }
    bytemuck::cast(x)
}
