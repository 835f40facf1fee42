//! Loops compiled for the instruction set of the machine that runs them, found out once.

pub mod math;

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
    if let Some((avx, _)) = avx(simd) {
        return flip_256(avx, x);
    }
    let _ = simd;
    std::array::from_fn(|i| std::array::from_fn(|j| x[j][i]))
}

/// What has vectors of 256 bits in the instruction set, known when it is compiled.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn avx<S: Simd>(simd: S) -> Option<(pulp::core_arch::x86::Avx, pulp::core_arch::x86::Avx2)> {
    let simd = &simd as &dyn std::any::Any;
    match (simd.downcast_ref::<pulp::x86::V3>(), simd.downcast_ref::<pulp::x86::V4>()) {
        (Some(simd), _) => Some((simd.avx, simd.avx2)),
        (_, Some(simd)) => Some((simd.avx, simd.avx2)),
        (None, None) => None,
    }
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

/// For each choice among eight elements those that are chosen, one after the other.
static CHOSEN: [[u32; 8]; 256] = {
    let mut chosen = [[0; 8]; 256];
    let mut choice = 0;
    while choice < 256 {
        let (mut element, mut count) = (0, 0);
        while element < 8 {
            if choice >> element & 1 == 1 {
                chosen[choice][count] = element as u32;
                count += 1;
            }
            element += 1;
        }
        choice += 1;
    }
    chosen
};

/// The places of the elements that are not zero, one after the other, and how many there are.
#[inline(always)]
pub fn not_zero<S: Simd>(simd: S, x: &[f32; 8]) -> ([u32; 8], usize) {
    let choice = choice(simd, x);
    (CHOSEN[usize::from(choice)], choice.count_ones() as usize)
}

/// A bit for each element that is not zero.
#[inline(always)]
fn choice<S: Simd>(simd: S, x: &[f32; 8]) -> u8 {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::_CMP_NEQ_UQ;
        if let Some((avx, _)) = avx(simd) {
            let is_not = avx._mm256_cmp_ps::<_CMP_NEQ_UQ>(bytemuck::cast(*x), avx._mm256_setzero_ps());
            return avx._mm256_movemask_ps(is_not) as u8;
        }
    }
    let _ = simd;
    x.iter().zip(0..).fold(0, |choice, (x, bit)| choice | u8::from(*x != 0.0) << bit)
}

/// The elements at some places.
#[inline(always)]
pub fn pick<S: Simd>(simd: S, x: &[f32; 8], places: &[u32; 8]) -> [f32; 8] {
    #[cfg(target_arch = "x86_64")]
    if let Some((_, avx2)) = avx(simd) {
        return bytemuck::cast(avx2._mm256_permutevar8x32_ps(bytemuck::cast(*x), bytemuck::cast(*places)));
    }
    let _ = simd;
    places.map(|place| x[place as usize % 8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::Scalar128b;

    struct Found([f32; 8]);

    impl WithSimd for Found {
        type Output = (Vec<u32>, Vec<u32>);

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let (places, count) = not_zero(simd, &self.0);
            let values = pick(simd, &self.0, &places).map(f32::to_bits);
            (places[..count].to_vec(), values[..count].to_vec())
        }
    }

    #[test]
    fn what_is_not_zero_is_found_by_the_best_and_the_least_instruction_set() {
        for choice in 0..256 {
            // NaN and the least number are not zero, and both zeros are.
            let values = [1.0, f32::NAN, f32::from_bits(1), -2.0, f32::INFINITY, 3.0, -f32::NAN, 4.0];
            let x: [f32; 8] = std::array::from_fn(|i| match (choice >> i & 1, i % 2) {
                (1, _) => values[i],
                (_, 0) => 0.0,
                _ => -0.0,
            });
            let places: Vec<u32> = (0..8).filter(|i| choice >> i & 1 == 1).collect();
            let want = places.iter().map(|&i| values[i as usize].to_bits()).collect();
            let want = (places, want);
            assert_eq!(arch().dispatch(Found(x)), want);
            assert_eq!(Found(x).with_simd(Scalar128b), want);
        }
    }
}
