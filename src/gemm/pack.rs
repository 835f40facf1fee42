//! Packing: a part of a matrix as panels that the innermost loop reads from the first word to the last.

use super::DEPTH;
use ndarray::{ArrayView1, ArrayView2};
use pulp::Simd;

/// A column where there is none.
const ZEROS: &[f32; DEPTH] = &[0.0; DEPTH];

/// The elements of a row or column that lie one after the other.
#[inline(always)]
fn slice(elements: ArrayView1<'_, f32>) -> &[f32] {
    elements.to_slice().unwrap_or(&[])
}

/// Copies x `[k, n]` with n of at most W and k of at most [`DEPTH`] to `out` `[k, W]`, zero in the columns beyond n.
#[inline(always)]
pub(super) fn panel<S: Simd, const W: usize>(simd: S, x: ArrayView2<'_, f32>, out: &mut [f32]) {
    let (k, n) = x.dim();
    let (out, _) = out.as_chunks_mut::<W>();
    if x.strides()[1] == 1 || n == 1 {
        for (row, out) in x.rows().into_iter().zip(out) {
            let row = slice(row);
            if let Some(row) = row.first_chunk::<W>() {
                *out = *row;
            } else {
                out[..n].copy_from_slice(row);
                out[n..].fill(0.0);
            }
        }
    } else if x.strides()[0] == 1 || k == 1 {
        let mut columns = [&ZEROS[..k]; W];
        columns.iter_mut().zip(x.columns()).for_each(|(place, column)| *place = slice(column));
        transpose::<S, W>(simd, columns, out);
    } else {
        for (row, out) in x.rows().into_iter().zip(out) {
            out[n..].fill(0.0);
            out.iter_mut().zip(row).for_each(|(out, x)| *out = *x);
        }
    }
}

/// Columns of one length as rows.
#[inline(always)]
fn transpose<S: Simd, const W: usize>(simd: S, columns: [&[f32]; W], out: &mut [[f32; W]]) {
    let k = out.len();
    let columns = columns.map(|column| &column[..k]);
    let (blocks, rest) = out.as_chunks_mut::<8>();
    for (p, block) in blocks.iter_mut().enumerate() {
        for j in (0..W).step_by(8) {
            let wide = (W - j).min(8);
            let mut x = [[0.0; 8]; 8];
            for i in 0..wide {
                x[i].copy_from_slice(&columns[j + i][p * 8..p * 8 + 8]);
            }
            let x = flip(simd, x);
            for i in 0..8 {
                block[i][j..j + wide].copy_from_slice(&x[i][..wide]);
            }
        }
    }
    for (p, row) in rest.iter_mut().enumerate() {
        let p = k / 8 * 8 + p;
        row.iter_mut().zip(columns).for_each(|(out, column)| *out = column[p]);
    }
}

/// The transposed block. Compilers make no shuffles of the plain loop, so these are written out where they are known.
#[inline(always)]
fn flip<S: Simd>(simd: S, x: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = (&simd as &dyn std::any::Any).downcast_ref::<pulp::x86::V3>() {
        return flip_256(simd.avx, x);
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
