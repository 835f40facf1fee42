//! Products of matrices on the host: c = a · b in float32, for views of any strides.
//!
//! a and b are packed into panels (`pack`), so that the innermost loop (`tile`) reads memory from front to back. k is
//! cut into blocks whose length depends on k alone; an element's sum is over the terms of a block in the order of k, and
//! over the blocks in their order, whether all terms are computed (`dense`) or only those that are not zero (`sparse`).
//! So no bit depends on where rows and columns are cut, nor on threads. A product of which only some elements are wanted
//! (`masked`) adds in another order, which does not depend on cuts and threads either. An operand may be packed once for many
//! products (`packed`), and products are done on all threads together (`tasks`). NaN and infinities go through as by the
//! definition.
//! Source: Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication".

mod conv;
mod dense;
mod masked;
mod pack;
mod packed;
mod sparse;
mod tasks;
#[cfg(test)]
mod tests;
mod tile;

pub use conv::{Taps, band, conv_gradient_by_input, conv_gradient_by_weight, conv_value};
pub use masked::{Mask, STRIP, gemm_masked, is_worth_a_mask, mask_of};
pub use packed::{Form, Packed};
pub use tasks::{Task, gemm_on_all, run_on_all};

use crate::aligned::Aligned;
use crate::threads;
use dense::Left;
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis, Slice};
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

/// Where a thread packs a and b.
struct Scratch {
    a: Aligned<f32>,
    b: Aligned<f32>,
}

impl Scratch {
    /// Floats of each: as many as any product needs.
    const A: usize = BLOCK_TILES * tile::ROWS * DEPTH;
    const B: usize = (BLOCK_COLUMNS + WIDEST) * DEPTH;

    const fn new() -> Self {
        Self { a: Aligned::empty(), b: Aligned::empty() }
    }

    fn grow(&mut self) {
        if self.b.is_empty() {
            (self.a, self.b) = (Aligned::zeroed(Self::A), Aligned::zeroed(Self::B));
        }
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch::new()) };
}

/// The memory that kernels use in turn.
static WORKSPACE: Mutex<Aligned<f32>> = Mutex::new(Aligned::empty());

/// Lends memory of any content to `work`. The system is asked for more only when `work` wants more than any before it.
pub fn workspace<R>(floats: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let lock = || WORKSPACE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut memory = std::mem::replace(&mut *lock(), Aligned::empty());
    if memory.len() < floats {
        memory = Aligned::hot(floats);
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

/// The elements of a row or column that lie one after the other.
///
/// # Panics
/// They do not: a fault of ours.
#[inline(always)]
pub fn slice_of<'a>(elements: ArrayView1<'a, f32>) -> &'a [f32] {
    elements.to_slice().unwrap_or_else(|| panic!("the elements of a row or column are not contiguous"))
}

/// The same, to be changed.
///
/// # Panics
/// As [`slice_of`].
#[inline(always)]
pub fn slice_mut<'a>(elements: ArrayViewMut1<'a, f32>) -> &'a mut [f32] {
    elements.into_slice().unwrap_or_else(|| panic!("the elements of a row or column are not contiguous"))
}

/// Takes the memory that products on the calling thread need, so that the first of them need not.
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
        scratch.grow();
        work(scratch);
    });
}

/// How many threads are worth waking for so many products.
pub fn workers(products: usize) -> usize {
    (products / WORTH_A_THREAD).clamp(1, threads::count())
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
