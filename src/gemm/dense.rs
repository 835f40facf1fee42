//! The product of dense matrices: blocks that fit into the caches, cut into tiles that fit into registers.

use super::{BLOCK_COLUMNS, BLOCK_TILES, DEPTH, Scratch, assert_sizes, equal, pack, part, tile, with_scratch};
use crate::simd;
use ndarray::{ArrayView2, ArrayViewMut2, Axis, Slice};
use pulp::{Scalar128b, Simd, WithSimd};
use std::ops::Range;
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

/// The tiles of so many rows. Tiles of few rows are slow, so all have nearly the same number.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    pub count: usize,
    pub rows: usize,
    /// Rows of each, and how many of them have one more.
    least: usize,
    more: usize,
}

impl Tiles {
    pub fn of(rows: usize, most: usize) -> Self {
        let count = rows.div_ceil(most);
        let (least, more) = (rows / count.max(1), rows % count.max(1));
        Self { count, rows, least, more }
    }

    /// First row and number of rows.
    #[inline(always)]
    pub fn at(self, tile: usize) -> (usize, usize) {
        (tile * self.least + tile.min(self.more), self.least + usize::from(tile < self.more))
    }

    /// First row of some tiles, and the row after the last.
    #[inline(always)]
    fn rows(self, tiles: &Range<usize>) -> Range<usize> {
        let end = if tiles.end < self.count { self.at(tiles.end).0 } else { self.rows };
        self.at(tiles.start).0..end
    }
}

/// Packs some tiles of a matrix of as many rows as `tiles` has.
pub(super) struct Pack<'a> {
    pub a: ArrayView2<'a, f32>,
    pub tiles: Tiles,
    pub own: Range<usize>,
    /// For each tile room for [`ROWS`] rows.
    pub out: &'a mut [f32],
}

impl WithSimd for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let k = self.a.ncols();
        let depth = equal(k, DEPTH);
        for p in (0..k).step_by(depth) {
            pack(simd, part(self.a, 1, p, depth.min(k - p)), self.tiles, self.own.clone(), (self.out, k, p));
        }
    }
}

/// Packs a block of k, a `[rows, depth]`. Each tile has room for `terms` of [`ROWS`] rows, and its first `before` terms are
/// those of other blocks.
#[inline(always)]
fn pack<S: Simd>(
    simd: S,
    a: ArrayView2<'_, f32>,
    tiles: Tiles,
    own: Range<usize>,
    (out, terms, before): (&mut [f32], usize, usize),
) {
    let (rows, depth) = (tiles.rows(&own), a.ncols());
    let x = part(a, 0, rows.start, rows.len()).reversed_axes();
    let mut lines = pack::NO_LINES;
    let are_lines = pack::lines(&x, &mut lines);
    for (out, tile) in out.chunks_exact_mut(ROWS * terms).zip(own) {
        let (first, count) = tiles.at(tile);
        let (first, out) = (first - rows.start, &mut out[before * count..][..depth * count]);
        with_rows!(count, R => match are_lines {
            true => pack::columns::<R>(&lines, first, out),
            false => pack::panel::<S, R>(simd, part(x, 1, first, R), out),
        });
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
    let (tiles, depth) = (Tiles::of(m, ROWS), equal(k, DEPTH));
    let together = equal(tiles.count, BLOCK_TILES);
    for p in (0..k).step_by(depth) {
        let depth = depth.min(k - p);
        let b = part(b, 0, p, depth);
        for j in (0..n).step_by(BLOCK_COLUMNS) {
            let columns = BLOCK_COLUMNS.min(n - j);
            let packed_b = &mut packed_b[..columns.next_multiple_of(W) * depth];
            pack::panels::<S, W>(simd, part(b, 1, j, columns), packed_b);
            for first in (0..tiles.count).step_by(together) {
                let block = first..tiles.count.min(first + together);
                let a = match &a {
                    Left::Packed(a) => (&a[first * ROWS * k..], k, p),
                    Left::Matrix(a) => {
                        pack(simd, part(*a, 1, p, depth), tiles, block.clone(), (own, depth, 0));
                        (&own[..], depth, 0)
                    }
                };
                for (b, first) in packed_b.chunks_exact(W * depth).zip((j..j + columns).step_by(W)) {
                    let width = W.min(n - first);
                    let c = c.slice_axis_mut(Axis(1), Slice::from(first..first + width));
                    column_of_tiles::<S, FUSED>(simd, a, b, c, (tiles, block.clone()), p > 0);
                }
            }
        }
    }
}

/// Some tiles of a few columns of c, at most a tile's width, from packed a and one panel of b.
#[inline(always)]
fn column_of_tiles<S: Simd, const FUSED: bool>(
    simd: S,
    (a, terms, before): (&[f32], usize, usize),
    b: &[f32],
    mut c: ArrayViewMut2<'_, f32>,
    (tiles, own): (Tiles, Range<usize>),
    add: bool,
) {
    let b = S::as_simd_f32s(b).0.as_chunks::<WIDE>().0;
    let mut c = c.slice_axis_mut(Axis(0), Slice::from(tiles.rows(&own)));
    assert!(c.strides()[1] == 1 || c.ncols() <= 1, "the elements of a row of c are not contiguous");
    let mut c = c.rows_mut().into_iter();
    for (a, tile) in a.chunks_exact(ROWS * terms).zip(own) {
        let count = tiles.at(tile).1;
        let a = &a[before * count..][..b.len() * count];
        with_rows!(count, R => {
            let sums = tile::tile::<S, R, WIDE, FUSED>(simd, a.as_chunks::<R>().0, b);
            for sums in sums {
                // It was checked above that all rows are slices: a check here would slow down the loop.
                let row = c.next().and_then(|row| row.into_slice()).unwrap_or(&mut []);
                tile::store(simd, sums, row, add);
            }
        });
    }
}
