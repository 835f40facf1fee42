//! Products of matrices on the host: c = a · b in float32, for views of any strides.
//!
//! a and b are packed into panels (`pack`), so that the innermost loop (`tile`) reads memory from front to back. k is
//! cut into blocks whose length depends on k alone; an element's sum is over the terms of a block in the order of k, and
//! over the blocks in their order. So no bit depends on where rows and columns are cut, nor on threads. NaN and infinities
//! go through as by the definition. Source: Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication".

mod pack;
#[cfg(test)]
mod tests;
mod tile;

use crate::{simd, threads};
use ndarray::{ArrayView2, ArrayViewMut2, Axis, Slice};
use pulp::{Scalar128b, Simd, WithSimd};
use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};
use tile::{ROWS, WIDE};

/// Most terms of a block of k: a panel of b of this length stays in the caches next to a thread.
const DEPTH: usize = 512;

/// Most rows of a that are multiplied by one packed block of b after another: they stay in the second cache.
const BLOCK_ROWS: usize = 60;

/// Most columns of b that are packed together.
const BLOCK_COLUMNS: usize = 128;

/// Widest tile in floats.
const WIDEST: usize = 32;

/// Products and additions that one thread should have at least: some 10 µs of work, which pays for waking it.
const WORTH_A_THREAD: usize = 1 << 18;

/// Least columns of a block, where there are enough for all threads.
const LEAST_COLUMNS: usize = 64;

/// Blocks begin at multiples of so many columns: those of a tile without AVX-512.
const STEP: usize = 16;

/// Where a thread packs a and b.
struct Scratch {
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Scratch {
    const fn new() -> Self {
        Self { a: vec![], b: vec![] }
    }

    /// As large as any product needs.
    fn grow(&mut self) {
        self.a.resize(BLOCK_ROWS * DEPTH, 0.0);
        self.b.resize((BLOCK_COLUMNS + WIDEST) * DEPTH, 0.0);
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch::new()) };
}

/// The memory that kernels lend from each other, one after the other.
static WORKSPACE: Mutex<Vec<f32>> = Mutex::new(vec![]);

/// Lends memory of any content for the duration of `work`, which is taken from the system when more is wanted than ever
/// before.
pub fn workspace<R>(floats: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let lock = || WORKSPACE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut memory = std::mem::take(&mut *lock());
    if memory.len() < floats {
        memory.resize(floats, 0.0);
    }
    let result = work(&mut memory[..floats]);
    *lock() = memory;
    result
}

/// The first rows of a tensor as a matrix `[rows, columns]`.
///
/// # Panics
/// The tensor is shorter: a fault of ours.
pub fn matrix(data: &[f32], rows: usize, columns: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((rows, columns), &data[..rows * columns]).unwrap_or_else(|e| panic!("{e}"))
}

/// As [`matrix`], to be changed.
///
/// # Panics
/// The tensor is shorter: a fault of ours.
pub fn matrix_mut(data: &mut [f32], rows: usize, columns: usize) -> ArrayViewMut2<'_, f32> {
    ArrayViewMut2::from_shape((rows, columns), &mut data[..rows * columns]).unwrap_or_else(|e| panic!("{e}"))
}

/// Takes the memory that products on the calling thread need, which the first of them would take else.
pub fn reserve() {
    SCRATCH.with_borrow_mut(Scratch::grow);
}

/// c `[m, n]` = a `[m, k]` · b `[k, n]` on the calling thread. Rows of c are contiguous, a and b of any strides.
///
/// # Panics
/// The sizes do not fit, or a row of c is not contiguous.
pub fn gemm(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>, c: ArrayViewMut2<'_, f32>) {
    run(Left::Matrix(a), a.dim(), b, c);
}

/// [`gemm`] with an a that is packed already: the same bits.
///
/// # Panics
/// As [`gemm`].
pub fn gemm_packed(a: Packed<'_>, b: ArrayView2<'_, f32>, c: ArrayViewMut2<'_, f32>) {
    run(Left::Packed(a), (a.rows, a.depth), b, c);
}

fn run(a: Left<'_>, (m, k): (usize, usize), b: ArrayView2<'_, f32>, c: ArrayViewMut2<'_, f32>) {
    assert!(m == c.nrows() && b.ncols() == c.ncols() && k == b.nrows(), "sizes of a product");
    assert!(c.strides()[1] == 1 || c.ncols() <= 1 || c.nrows() == 0, "a row of a product is contiguous");
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.b.is_empty() {
            scratch.grow();
        }
        simd::arch().dispatch(Product { a, size: [m, k], b, c, scratch });
    });
}

/// A matrix a `[rows, depth]` packed as a whole, for products with several b, on any threads.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    data: &'a [f32],
    rows: usize,
    depth: usize,
}

impl<'a> Packed<'a> {
    /// Packs a into as many floats as it has elements, on all threads.
    ///
    /// # Panics
    /// The memory is of another size: a fault of ours.
    pub fn new(a: ArrayView2<'_, f32>, memory: &'a mut [f32]) -> Self {
        let (rows, depth) = a.dim();
        assert!(memory.len() == rows * depth, "memory of a packed matrix");
        let block = equal(depth, DEPTH);
        threads::for_pieces(&mut *memory, (rows * block).max(1), 1, |index, out: &mut [f32]| {
            let first = index * block;
            simd::arch().dispatch(PackAll { a: part(a, 1, first, block.min(depth - first)), out });
        });
        Self { data: memory, rows, depth }
    }
}

/// The first operand of a product.
enum Left<'a> {
    Matrix(ArrayView2<'a, f32>),
    Packed(Packed<'a>),
}

/// Into how many blocks of columns so many products go: several for each thread, for threads are not equally fast, but each
/// worth the packing of its columns.
pub fn parts(products: usize, columns: usize) -> usize {
    let threads = threads::count();
    (products / WORTH_A_THREAD).clamp(1, (columns / LEAST_COLUMNS).clamp(threads, 4 * threads))
}

/// Where the first half of that many parts ends.
pub fn half(columns: usize, parts: usize) -> usize {
    (columns * (parts / 2) / parts).next_multiple_of(STEP).min(columns)
}

/// [`gemm`] on all threads: cuts c into blocks, and calls `end([first row, first column], block)` on each as soon as it is
/// computed, on the thread that did. The first column of a block is a multiple of 16.
pub fn gemm_on_all(
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
    c: ArrayViewMut2<'_, f32>,
    end: impl Fn([usize; 2], ArrayViewMut2<'_, f32>) + Sync,
) {
    let (m, n) = c.dim();
    let (products, wide) = (m * n * a.ncols(), n >= m);
    let parts = parts(products, m.max(n));
    if parts == 1 || !wide {
        return rows_of(a, b, c, 0, parts, &end);
    }
    workspace(a.len(), |memory| columns_of(Packed::new(a, memory), b, c, 0, parts, &end));
}

/// Cuts the rows from `first` on.
fn rows_of(
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
    mut c: ArrayViewMut2<'_, f32>,
    first: usize,
    parts: usize,
    end: &(impl Fn([usize; 2], ArrayViewMut2<'_, f32>) + Sync),
) {
    let half = half(c.nrows(), parts);
    if half == 0 || half == c.nrows() {
        gemm(a, b, c.view_mut());
        return end([first, 0], c);
    }
    let ((a, a2), (c, c2)) = (a.split_at(Axis(0), half), c.split_at(Axis(0), half));
    threads::join(
        || rows_of(a, b, c, first, parts / 2, end),
        || rows_of(a2, b, c2, first + half, parts - parts / 2, end),
    );
}

/// Cuts the columns from `first` on.
fn columns_of(
    a: Packed<'_>,
    b: ArrayView2<'_, f32>,
    mut c: ArrayViewMut2<'_, f32>,
    first: usize,
    parts: usize,
    end: &(impl Fn([usize; 2], ArrayViewMut2<'_, f32>) + Sync),
) {
    let half = half(c.ncols(), parts);
    if half == 0 || half == c.ncols() {
        gemm_packed(a, b, c.view_mut());
        return end([0, first], c);
    }
    let ((b, b2), (c, c2)) = (b.split_at(Axis(1), half), c.split_at(Axis(1), half));
    threads::join(
        || columns_of(a, b, c, first, parts / 2, end),
        || columns_of(a, b2, c2, first + half, parts - parts / 2, end),
    );
}

struct Product<'a, 'b, 'c, 's> {
    a: Left<'a>,
    /// Rows and columns of a.
    size: [usize; 2],
    b: ArrayView2<'b, f32>,
    c: ArrayViewMut2<'c, f32>,
    scratch: &'s mut Scratch,
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
struct PackAll<'a> {
    a: ArrayView2<'a, f32>,
    out: &'a mut [f32],
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

/// The elements `first..first + count` along an axis.
#[inline(always)]
fn part(mut x: ArrayView2<'_, f32>, axis: usize, first: usize, count: usize) -> ArrayView2<'_, f32> {
    x.slice_axis_inplace(Axis(axis), Slice::from(first..first + count));
    x
}

/// Equal parts of a size, none larger than `most`: the size of each but the last.
fn equal(size: usize, most: usize) -> usize {
    size.div_ceil(size.div_ceil(most).max(1)).max(1)
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
fn product<S: Simd, const W: usize, const FUSED: bool>(simd: S, product: Product<'_, '_, '_, '_>) {
    let Product { a, size: [m, k], b, mut c, scratch: Scratch { a: own, b: packed_b } } = product;
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
                    Left::Packed(a) => &a.data[p * m + i * depth..][..rows * depth],
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
