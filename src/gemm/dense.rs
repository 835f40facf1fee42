//! The product of dense matrices: blocks that fit into the caches, cut into tiles that fit into registers.

use super::{BLOCK_COLUMNS, BLOCK_ROWS, DEPTH, Scratch, assert_sizes, equal, pack, part, tile, with_scratch};
use crate::simd;
use ndarray::{ArrayView2, ArrayViewMut2, Axis, Slice};
use pulp::{Scalar128b, Simd, WithSimd};
use tile::{ROWS, WIDE};

/// The first operand of a product: packed as a whole, or block by block.
pub(super) enum Left<'a> {
    Matrix(ArrayView2<'a, f32>),
    Packed(&'a [f32]),
}

/// c = a · b for an a `[m, k]`, on the calling thread.
///
/// # Panics
/// The sizes do not fit, or a row of c is not contiguous.
pub(super) fn run(a: Left<'_>, size: (usize, usize), b: ArrayView2<'_, f32>, c: ArrayViewMut2<'_, f32>) {
    assert_sizes(size, &b, &c);
    assert!(c.strides()[1] == 1 || c.ncols() <= 1 || c.nrows() == 0, "a row of a product is contiguous");
    with_scratch(|scratch| simd::arch().dispatch(Product { a, size, b, c, scratch }));
}

pub(super) struct Product<'a, 'b, 'c, 's> {
    pub a: Left<'a>,
    /// Rows and columns of a.
    pub size: (usize, usize),
    pub b: ArrayView2<'b, f32>,
    pub c: ArrayViewMut2<'c, f32>,
    pub scratch: &'s mut Scratch,
}

impl WithSimd for Product<'_, '_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            4 => product::<S, 8, true>(simd, self),
            8 => product::<S, 16, true>(simd, self),
            16 => product::<S, 32, true>(simd, self),
            // Four lanes are what compilers make of plain code anywhere.
            _ => product::<Scalar128b, 8, false>(Scalar128b, self),
        }
    }
}

/// All rows of a block of k.
pub(super) struct PackAll<'a> {
    pub a: ArrayView2<'a, f32>,
    pub out: &'a mut [f32],
}

impl WithSimd for PackAll<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (m, depth) = self.a.dim();
        let block_rows = block_rows(m);
        for i in (0..m).step_by(block_rows) {
            let rows = block_rows.min(m - i);
            pack_rows(simd, part(self.a, 0, i, rows), &mut self.out[i * depth..][..rows * depth]);
        }
    }
}

/// First row and number of rows of each tile: tiles of few rows are slow, so all have nearly the same.
#[inline(always)]
fn tiles(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = rows.div_ceil(ROWS);
    let (least, more) = (rows / count, rows % count);
    (0..count).map(move |i| (i * least + i.min(more), least + usize::from(i < more)))
}

/// Runs a block of code with a tile's number of rows as a constant.
macro_rules! with_rows {
    ($rows:expr, $name:ident => $work:expr) => {
        with_rows!(@each $rows, $name => $work, 1 2 3 4 5 6)
    };
    (@each $rows:expr, $name:ident => $work:expr, $($n:literal)*) => {
        match $rows {
            $($n => { const $name: usize = $n; $work })*
            _ => unreachable!("a tile has at most six rows"),
        }
    };
}

/// Rows of a block of a, a multiple of a tile's.
fn block_rows(rows: usize) -> usize {
    equal(rows, BLOCK_ROWS).next_multiple_of(ROWS)
}

/// Packs a block of a `[rows, depth]`, tile by tile.
#[inline(always)]
fn pack_rows<S: Simd>(simd: S, a: ArrayView2<'_, f32>, out: &mut [f32]) {
    let (rows, depth) = a.dim();
    for (first, count) in tiles(rows) {
        let (x, out) = (part(a, 0, first, count), &mut out[first * depth..][..count * depth]);
        with_rows!(count, R => pack::panel::<S, R>(simd, x.reversed_axes(), out));
    }
}

/// W is the width of a tile in floats.
#[inline(always)]
pub(super) fn product<S: Simd, const W: usize, const FUSED: bool>(simd: S, product: Product<'_, '_, '_, '_>) {
    let Product { a, size: (m, k), b, mut c, scratch: Scratch { a: own, b: packed_b } } = product;
    let n = b.ncols();
    if k == 0 {
        c.fill(0.0);
    }
    let (block_rows, depth) = (block_rows(m), equal(k, DEPTH));
    for p in (0..k).step_by(depth) {
        let depth = depth.min(k - p);
        let b = part(b, 0, p, depth);
        for j in (0..n).step_by(BLOCK_COLUMNS) {
            let columns = BLOCK_COLUMNS.min(n - j);
            let packed_b = &mut packed_b[..columns.next_multiple_of(W) * depth];
            for (out, first) in packed_b.chunks_exact_mut(W * depth).zip((0..columns).step_by(W)) {
                pack::panel::<S, W>(simd, part(b, 1, j + first, W.min(columns - first)), out);
            }
            for i in (0..m).step_by(block_rows) {
                let rows = block_rows.min(m - i);
                let packed_a: &[f32] = match &a {
                    Left::Packed(a) => &a[p * m + i * depth..][..rows * depth],
                    Left::Matrix(a) => {
                        let out = &mut own[..rows * depth];
                        pack_rows(simd, part(part(*a, 1, p, depth), 0, i, rows), out);
                        out
                    }
                };
                for (b, first) in packed_b.chunks_exact(W * depth).zip((j..j + columns).step_by(W)) {
                    let width = W.min(n - first);
                    let mut c = c.slice_axis_mut(Axis(1), Slice::from(first..first + width));
                    let c = c.slice_axis_mut(Axis(0), Slice::from(i..i + rows));
                    column_of_tiles::<S, FUSED>(simd, packed_a, b, c, p > 0);
                }
            }
        }
    }
}

/// c `[rows, at most a tile's width]`, from packed a and one panel of b.
#[inline(always)]
fn column_of_tiles<S: Simd, const FUSED: bool>(
    simd: S,
    a: &[f32],
    b: &[f32],
    mut c: ArrayViewMut2<'_, f32>,
    add: bool,
) {
    let b = S::as_simd_f32s(b).0.as_chunks::<WIDE>().0;
    let rows = c.nrows();
    let mut c = c.rows_mut().into_iter();
    for (first, count) in tiles(rows) {
        let a = &a[first * b.len()..][..count * b.len()];
        with_rows!(count, R => {
            let sums = tile::tile::<S, R, FUSED>(simd, a.as_chunks::<R>().0, b);
            for sums in sums {
                let row = c.next().and_then(|row| row.into_slice()).unwrap_or(&mut []);
                tile::store(simd, sums, row, add);
            }
        });
    }
}
