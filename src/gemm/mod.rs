//! Products of matrices on the host: c = a · b in float32, for views of any strides.
//!
//! a and b are packed into panels (`pack`), so that the innermost loop (`tile`) reads memory from front to back. k is
//! cut into blocks whose length depends on k alone; an element's sum is over the terms of a block in the order of k, and
//! over the blocks in their order, whether all terms are computed (`dense`) or only those that are not zero (`sparse`).
//! So no bit depends on where rows and columns are cut, nor on threads; nor does one of a product of which only some
//! elements are asked for (`masked`), whose order is another. NaN and infinities go through as by the definition.
//! Source: Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication".

mod dense;
mod masked;
mod pack;
mod packed;
mod sparse;
#[cfg(test)]
mod tests;
mod tile;

pub use masked::{Mask, STRIP, gemm_masked, is_worth_a_mask, mask_of};
pub use packed::{Form, Packed};

use crate::threads;
use dense::Left;
use ndarray::{ArrayView2, ArrayViewMut2, Axis, Slice};
use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

/// Most terms of a block of k: a panel of b of this length stays in the caches next to a thread.
const DEPTH: usize = 512;

/// Most tiles of a that are multiplied by one packed block of b after another: they stay in the second cache.
const BLOCK_TILES: usize = 10;

/// Most columns of b that are packed together.
const BLOCK_COLUMNS: usize = 128;

/// Widest tile in floats.
const WIDEST: usize = 32;

/// Products and additions that one thread should have at least: some 10 µs of work, which pays for waking it.
const WORTH_A_THREAD: usize = 1 << 18;

/// Least and most columns or rows that a thread takes at a time. They begin at multiples of a tile's columns without AVX-512.
const PIECES: [usize; 2] = [64, BLOCK_COLUMNS];

/// Where a thread packs a and b.
struct Scratch {
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Scratch {
    /// Floats of each: as many as any product needs.
    const A: usize = BLOCK_TILES * tile::ROWS * DEPTH;
    const B: usize = (BLOCK_COLUMNS + WIDEST) * DEPTH;

    const fn new() -> Self {
        Self { a: vec![], b: vec![] }
    }

    fn grow(&mut self) {
        self.a.resize(Self::A, 0.0);
        self.b.resize(Self::B, 0.0);
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
        // Zeros, for the system hands them out page by page as they are first touched.
        memory = vec![0.0; floats];
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
    dense::run(Left::Matrix(a), a.dim(), b, c);
}

fn assert_sizes((m, k): (usize, usize), b: &ArrayView2<'_, f32>, c: &ArrayViewMut2<'_, f32>) {
    assert!(m == c.nrows() && b.ncols() == c.ncols() && k == b.nrows(), "sizes of a product");
}

fn with_scratch(work: impl FnOnce(&mut Scratch)) {
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.b.is_empty() {
            scratch.grow();
        }
        work(scratch);
    });
}

/// How many threads so many products are worth.
pub fn workers(products: usize) -> usize {
    (products / WORTH_A_THREAD).clamp(1, threads::count())
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
    // As much as any way takes, for the next time may go another.
    let floats = Packed::floats(a.dim()).max(Packed::floats((n, a.ncols())));
    workspace(floats, |memory| {
        if sparse::pays(a, n) {
            by_columns(Packed::new(Form::Lists, a, memory), b, c, &end);
        } else if sparse::pays(b.t(), m) {
            let end = |[j, i]: [usize; 2], block: ArrayViewMut2<'_, f32>| end([i, j], block.reversed_axes());
            by_columns(Packed::new(Form::Lists, b.t(), memory), a.t(), c.reversed_axes(), &end);
        } else if n >= m && workers(m * n * a.ncols()) > 1 {
            by_columns(Packed::new(Form::Panels, a, memory), b, c, &end);
        } else {
            by_rows(a, b, c, &end);
        }
    });
}

fn by_columns(
    a: Packed<'_>,
    b: ArrayView2<'_, f32>,
    c: ArrayViewMut2<'_, f32>,
    end: &(impl Fn([usize; 2], ArrayViewMut2<'_, f32>) + Sync),
) {
    let workers = workers(b.len() * c.nrows());
    threads::share((b, c), PIECES, &mut vec![(); workers][..], 1, |_, first, (b, mut c)| {
        a.gemm(b, c.view_mut());
        end([0, first], c);
    });
}

fn by_rows(
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
    c: ArrayViewMut2<'_, f32>,
    end: &(impl Fn([usize; 2], ArrayViewMut2<'_, f32>) + Sync),
) {
    let workers = workers(a.len() * c.ncols());
    let columns = (a.reversed_axes(), c.reversed_axes());
    threads::share(columns, PIECES, &mut vec![(); workers][..], 1, |_, first, (a, c)| {
        let mut c = c.reversed_axes();
        gemm(a.reversed_axes(), b, c.view_mut());
        end([first, 0], c);
    });
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
