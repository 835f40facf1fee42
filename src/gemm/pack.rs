//! Packing: a part of a matrix as panels that the innermost loop reads from the first word to the last.

use super::DEPTH;
use crate::simd::flip;
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

/// Columns of one length as rows: of eight columns 16 elements, which is a cache line of each, then the next eight.
#[inline(always)]
fn transpose<S: Simd, const W: usize>(simd: S, columns: [&[f32]; W], out: &mut [[f32; W]]) {
    let k = out.len();
    let columns = columns.map(|column| &column[..k]);
    for first in (0..k / 8 * 8).step_by(16) {
        for j in (0..W).step_by(8) {
            for p in (first..(first + 16).min(k / 8 * 8)).step_by(8) {
                block(simd, &columns, out, j, p);
            }
        }
    }
    for p in k / 8 * 8..k {
        out[p].iter_mut().zip(columns).for_each(|(out, column)| *out = column[p]);
    }
}

/// At most eight columns from `j` on, the elements `p..p + 8`.
#[inline(always)]
fn block<S: Simd, const W: usize>(simd: S, columns: &[&[f32]; W], out: &mut [[f32; W]], j: usize, p: usize) {
    let wide = (W - j).min(8);
    let mut x = [[0.0; 8]; 8];
    for i in 0..wide {
        x[i].copy_from_slice(&columns[j + i][p..p + 8]);
    }
    let x = flip(simd, x);
    for i in 0..8 {
        out[p + i][j..j + wide].copy_from_slice(&x[i][..wide]);
    }
}
