//! Packing: a part of a matrix as panels that the innermost loop reads from the first word to the last.

use super::{DEPTH, part, slice_of};
use crate::simd::flip;
use ndarray::ArrayView2;
use pulp::Simd;

/// An empty column, for places beyond the last one.
const ZEROS: &[f32; DEPTH] = &[0.0; DEPTH];

/// Room for the rows of a matrix. It is filled where it lies: to move it would copy 8 KiB.
pub(super) type Lines<'a> = [&'a [f32]; DEPTH];

/// Room in which no row was found.
pub(super) const NO_LINES: Lines<'static> = [&[]; DEPTH];

/// Finds the rows of x `[k, n]` with k of at most [`DEPTH`], if the elements of each lie one after the other.
#[inline(always)]
pub(super) fn lines<'a>(x: &'a ArrayView2<'_, f32>, lines: &mut Lines<'a>) -> bool {
    let are_lines = x.strides()[1] == 1 || x.ncols() <= 1;
    if are_lines {
        // No row is left out: all are slices.
        lines.iter_mut().zip(x.rows()).for_each(|(line, row)| *line = row.to_slice().unwrap_or(&[]));
    }
    are_lines
}

/// Copies W columns from `first` on, zero beyond the last, of as many rows as `out` has.
#[inline(always)]
pub(super) fn columns<const W: usize>(lines: &[&[f32]], first: usize, out: &mut [f32]) {
    for (line, out) in lines.iter().zip(out.as_chunks_mut::<W>().0) {
        let line = &line[first..];
        if let Some(line) = line.first_chunk::<W>() {
            *out = *line;
        } else {
            out[..line.len()].copy_from_slice(line);
            out[line.len()..].fill(0.0);
        }
    }
}

/// Copies x `[k, n]` with k of at most [`DEPTH`] to panels of W columns, one after the other, zero in the columns beyond n.
#[inline(always)]
pub(super) fn panels<S: Simd, const W: usize>(simd: S, x: ArrayView2<'_, f32>, out: &mut [f32]) {
    let (k, n) = x.dim();
    let mut room = NO_LINES;
    let are_lines = lines(&x, &mut room);
    for (out, first) in out.chunks_exact_mut((W * k).max(1)).zip((0..n).step_by(W)) {
        match are_lines {
            true => columns::<W>(&room, first, out),
            false => panel::<S, W>(simd, part(x, 1, first, W.min(n - first)), out),
        }
    }
}

/// Copies x `[k, n]` with n of at most W and k of at most [`DEPTH`] to `out` `[k, W]`, zero in the columns beyond n.
#[inline(always)]
pub(super) fn panel<S: Simd, const W: usize>(simd: S, x: ArrayView2<'_, f32>, out: &mut [f32]) {
    let (k, n) = x.dim();
    if x.strides()[1] != 1 && n != 1 && (x.strides()[0] == 1 || k == 1) {
        let mut columns = [&ZEROS[..k]; W];
        columns.iter_mut().zip(x.columns()).for_each(|(place, column)| *place = slice_of(column));
        return transpose::<S, W>(simd, columns, out.as_chunks_mut().0);
    }
    for (row, out) in x.rows().into_iter().zip(out.as_chunks_mut::<W>().0) {
        match row.to_slice() {
            Some(row) => columns::<W>(&[row], 0, out),
            None => {
                out[n..].fill(0.0);
                out.iter_mut().zip(row).for_each(|(out, x)| *out = *x);
            }
        }
    }
}

/// Columns of one length as rows: of eight columns 16 elements, which is a cache line of each, then the next eight.
#[inline(always)]
fn transpose<S: Simd, const W: usize>(simd: S, columns: [&[f32]; W], out: &mut [[f32; W]]) {
    let k = out.len();
    let columns = columns.map(|column| &column[..k]);
    for first in (0..k / 8 * 8).step_by(16) {
        for j in (0..W / 8 * 8).step_by(8) {
            for p in (first..(first + 16).min(k / 8 * 8)).step_by(8) {
                for (out, x) in out[p..p + 8].iter_mut().zip(block(simd, &columns[j..j + 8], p)) {
                    out[j..j + 8].copy_from_slice(&x);
                }
            }
        }
        if !W.is_multiple_of(8) {
            for p in (first..(first + 16).min(k / 8 * 8)).step_by(8) {
                for (out, x) in out[p..p + 8].iter_mut().zip(block(simd, &columns[W / 8 * 8..], p)) {
                    out[W / 8 * 8..].copy_from_slice(&x[..W % 8]);
                }
            }
        }
    }
    for p in k / 8 * 8..k {
        out[p].iter_mut().zip(columns).for_each(|(out, column)| *out = column[p]);
    }
}

/// The elements `p..p + 8` of at most eight columns, as rows.
#[inline(always)]
fn block<S: Simd>(simd: S, columns: &[&[f32]], p: usize) -> [[f32; 8]; 8] {
    let mut x = [[0.0; 8]; 8];
    for (x, column) in x.iter_mut().zip(columns) {
        x.copy_from_slice(&column[p..p + 8]);
    }
    flip(simd, x)
}
