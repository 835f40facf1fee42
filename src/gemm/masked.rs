//! A product of which only some elements are asked for, as where the gradient of ReLU and dropout throws the others away.
//!
//! An element is a row of a times a column of b. The terms are cut into passes, and the part of b that a pass reads is laid
//! column by column and stays in the first cache while all rows go over it, four elements of a row at a time:
//!
//! ```text
//!   a, row r  [ terms of a pass ]  ·  columns 3, 7, 8, 12 of b, those asked for of row r
//! ```
//!
//! A sum is over the terms in order, by lanes of a vector, within a pass, and over the passes in their order.

use super::pack::panel;
use super::sparse::SAMPLE;
use super::tile::add_product;
use super::{Scratch, equal, part, slice_of, with_scratch};
use crate::simd;
use ndarray::{ArrayView2, Axis};
use pulp::{Scalar128b, Simd, WithSimd};

/// Columns of a strip.
pub const STRIP: usize = 64;

/// Terms of a pass: 32 KiB of b.
const PASS: usize = 128;

const _: () = assert!(STRIP * PASS <= Scratch::B, "room for a strip");

/// Elements of a row that are computed together.
const TOGETHER: usize = 4;

/// Which columns of a strip are asked for, a bit for each.
pub type Mask = [u32; STRIP / 32];

/// Asks for the elements that are over zero.
#[inline(always)]
pub fn mask_of(row: &[f32]) -> Mask {
    let mut mask = [0; STRIP / 32];
    for (mask, row) in mask.iter_mut().zip(row.chunks(32)) {
        *mask = row.iter().zip(0..).fold(0, |mask, (x, bit)| mask | u32::from(*x > 0.0) << bit);
    }
    mask
}

/// Whether [`gemm_masked`] is faster than the whole product, for sums of so many terms and the elements where h is over zero. It
/// is if few elements are, by a sample of the rows, and a pass has enough terms.
pub fn is_worth_a_mask(h: ArrayView2<'_, f32>, terms: usize) -> bool {
    if terms < PASS / 2 {
        return false;
    }
    let (mut values, mut count) = (0, 0);
    for row in h.rows().into_iter().step_by(SAMPLE) {
        values += row.len();
        count += simd::run(
            #[inline(always)]
            || row.iter().map(|h| u32::from(*h > 0.0)).sum::<u32>(),
        ) as usize;
    }
    count <= values / 2
}

/// c `[m, STRIP]` = a `[m, k]` · b `[k, at most STRIP]` where a row's mask has a bit, on the calling thread; the other
/// elements become zero. The rows of a are contiguous. No mask has a bit for a column beyond those of b.
///
/// # Panics
/// The sizes do not fit, or a row of a is not contiguous.
pub fn gemm_masked(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>, masks: &[Mask], c: &mut [[f32; STRIP]]) {
    assert!(a.nrows() == c.len() && masks.len() == c.len(), "rows of a masked product");
    assert!(a.ncols() == b.nrows() && b.ncols() <= STRIP, "sizes of a masked product");
    with_scratch(|scratch| simd::arch().dispatch(Product { a, b, masks, c, scratch }));
}

struct Product<'a, 'b, 'c> {
    a: ArrayView2<'a, f32>,
    b: ArrayView2<'b, f32>,
    masks: &'c [Mask],
    c: &'c mut [[f32; STRIP]],
    scratch: &'c mut Scratch,
}

impl WithSimd for Product<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            4 | 8 | 16 => product::<S, true>(simd, self),
            _ => product::<Scalar128b, false>(Scalar128b, self),
        }
    }
}

#[inline(always)]
fn product<S: Simd, const FUSED: bool>(simd: S, product: Product<'_, '_, '_>) {
    let Product { a, b, masks, c, scratch } = product;
    c.fill([0.0; STRIP]);
    let terms = equal(a.ncols(), PASS);
    for (first, b) in (0..).step_by(terms).zip(b.axis_chunks_iter(Axis(0), terms)) {
        let Some(columns) = scratch.b.as_chunks_mut::<PASS>().0.first_chunk_mut::<STRIP>() else {
            unreachable!("room for a strip")
        };
        panel::<S, PASS>(simd, b.reversed_axes(), columns[..b.ncols()].as_flattened_mut());
        for ((a, &mask), c) in part(a, 1, first, b.nrows()).rows().into_iter().zip(masks).zip(c.iter_mut()) {
            // The columns have zeros behind the last term, and so has the row.
            let mut row = [0.0; PASS];
            row[..a.len()].copy_from_slice(slice_of(a));
            let row = &row[..a.len().next_multiple_of(S::F32_LANES)];
            add::<S, FUSED>(simd, row, columns, mask, c);
        }
    }
}

/// Adds the terms of a pass to the elements of a row that are asked for.
#[inline(always)]
fn add<S: Simd, const FUSED: bool>(
    simd: S,
    a: &[f32],
    columns: &[[f32; PASS]; STRIP],
    mask: Mask,
    c: &mut [f32; STRIP],
) {
    let mut mask = u64::from(mask[0]) | u64::from(mask[1]) << 32;
    while mask != 0 {
        // Where fewer are left, the last one is computed again and again.
        let (mut at, mut count) = ([0; TOGETHER], 0);
        for i in 0..TOGETHER {
            at[i] = if mask == 0 { at[i - 1] } else { mask.trailing_zeros() as usize % STRIP };
            count += usize::from(mask != 0);
            mask &= mask.wrapping_sub(1);
        }
        let sums = dots::<S, FUSED>(simd, a, at.map(|at| &columns[at]));
        for (at, sum) in at.into_iter().zip(sums).take(count) {
            c[at] += simd.reduce_sum_f32s(sum);
        }
    }
}

#[inline(always)]
fn dots<S: Simd, const FUSED: bool>(simd: S, a: &[f32], b: [&[f32; PASS]; TOGETHER]) -> [S::f32s; TOGETHER] {
    let mut sums = [simd.splat_f32s(0.0); TOGETHER];
    let [b0, b1, b2, b3] = b;
    let (b0, b1, b2, b3) = (S::as_simd_f32s(b0).0, S::as_simd_f32s(b1).0, S::as_simd_f32s(b2).0, S::as_simd_f32s(b3).0);
    for ((((a, b0), b1), b2), b3) in S::as_simd_f32s(a).0.iter().zip(b0).zip(b1).zip(b2).zip(b3) {
        for (sum, b) in sums.iter_mut().zip([b0, b1, b2, b3]) {
            *sum = add_product::<S, FUSED>(simd, *a, *b, *sum);
        }
    }
    sums
}
