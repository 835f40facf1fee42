//! The innermost loop: a tile of c in registers.

use pulp::Simd;

/// Vectors side by side in a tile. With [`ROWS`] rows that is 12 sums, 2 vectors of b and one element of a in a vector: 15
/// registers of the 16 that AVX2 has.
pub(super) const WIDE: usize = 2;

/// Most rows of a tile.
pub(super) const ROWS: usize = 6;

/// Steps of k that are written out one after the other: what counts them is then a small part of the work.
pub(super) const STEPS: usize = 4;

/// Sums over k of R rows and V vectors: a `[k, R]`, b `[k, V]` vectors, the terms in the order of k.
#[inline(always)]
pub(super) fn tile<S: Simd, const R: usize, const V: usize, const FUSED: bool>(
    simd: S,
    a: &[[f32; R]],
    b: &[[S::f32s; V]],
) -> [[S::f32s; V]; R] {
    debug_assert_eq!(a.len(), b.len(), "terms of a tile");
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    let ((a, last_a), (b, last_b)) = (a.as_chunks::<STEPS>(), b.as_chunks::<STEPS>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..STEPS {
            step::<S, R, V, FUSED>(simd, &a[i], &b[i], &mut sums);
        }
    }
    for (a, b) in last_a.iter().zip(last_b) {
        step::<S, R, V, FUSED>(simd, a, b, &mut sums);
    }
    sums
}

/// Adds the terms of one element of k.
#[inline(always)]
pub(super) fn step<S: Simd, const R: usize, const V: usize, const FUSED: bool>(
    simd: S,
    a: &[f32; R],
    b: &[S::f32s; V],
    sums: &mut [[S::f32s; V]; R],
) {
    for (sums, a) in sums.iter_mut().zip(a) {
        let a = simd.splat_f32s(*a);
        for (sum, b) in sums.iter_mut().zip(b) {
            *sum = add_product::<S, FUSED>(simd, a, *b, *sum);
        }
    }
}

/// a · b + sum. FUSED is off where there is no instruction for it.
#[inline(always)]
pub(super) fn add_product<S: Simd, const FUSED: bool>(simd: S, a: S::f32s, b: S::f32s, sum: S::f32s) -> S::f32s {
    if FUSED { simd.mul_add_e_f32s(a, b, sum) } else { simd.add_f32s(simd.mul_f32s(a, b), sum) }
}

/// Stores a row of a tile, or adds it: as much of it as c has columns. A sum of -0 becomes 0, so that zero terms change no bit.
#[inline(always)]
pub(super) fn store<S: Simd, const V: usize>(simd: S, sums: [S::f32s; V], c: &mut [f32], add: bool) {
    if c.len() == V * S::F32_LANES {
        for (c, sum) in S::as_mut_simd_f32s(c).0.iter_mut().zip(sums) {
            *c = simd.add_f32s(if add { *c } else { simd.splat_f32s(0.0) }, sum);
        }
    } else {
        store_floats(bytemuck::cast_slice(&sums), c, add);
    }
}

/// As [`store`], for any number of sums.
#[inline(always)]
pub(super) fn store_floats(sums: &[f32], c: &mut [f32], add: bool) {
    for (c, sum) in c.iter_mut().zip(sums) {
        *c = if add { *c } else { 0.0 } + sum;
    }
}
