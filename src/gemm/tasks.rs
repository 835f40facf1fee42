//! Products on all threads: each is cut into pieces of columns, or of rows, which are handed out to whoever is free.

use super::packed::{Packing, pack_all};
use super::{BLOCK_COLUMNS, Form, Packed, gemm, slice_of, sparse, workers, workspace};
use crate::simd;
use crate::threads::{self, Work};
use ndarray::{ArrayView2, ArrayViewMut2};
use std::cmp::Reverse;

/// Least and most columns or rows that a thread takes at a time. They begin at multiples of a tile's columns.
const PIECES: [usize; 2] = [64, BLOCK_COLUMNS];

/// Multiplications that take as long as one term of a column sum: each term is loaded for one addition only.
const TERM: usize = 16;

/// What all threads do together.
#[derive(Debug)]
pub enum Task<'a> {
    /// c `[m, n]` = a `[m, k]` · b `[k, n]`. Rows of c are contiguous, a and b of any strides.
    Product {
        /// The first operand, `[m, k]`.
        a: ArrayView2<'a, f32>,
        /// The second operand, `[k, n]`.
        b: ArrayView2<'a, f32>,
        /// Where the product is written.
        c: ArrayViewMut2<'a, f32>,
    },
    /// c `[1, n]` = the sums of the columns of b `[k, n]`, the terms in the order of the rows. Rows of both are contiguous.
    Sums {
        /// The matrix whose columns are added up.
        b: ArrayView2<'a, f32>,
        /// Where the sums are written.
        c: ArrayViewMut2<'a, f32>,
    },
}

/// A task as columns that can be cut apart.
struct Cut<'a> {
    /// How the operand that all columns share is packed; none if the task is cut by rows, or is a sum.
    form: Option<Form>,
    /// Whether it is the transposed task: its columns are the rows of the task.
    turned: bool,
    /// The operand that all columns share; the columns themselves, of a sum.
    all: ArrayView2<'a, f32>,
    columns: (ArrayView2<'a, f32>, ArrayViewMut2<'a, f32>),
    /// Cost of a column in multiplications.
    each: usize,
}

impl<'a> Task<'a> {
    /// A task of no work.
    pub fn nothing() -> Self {
        Self::Sums { b: ArrayView2::from(&[[]; 0]), c: ArrayViewMut2::from(&mut [[]; 0]) }
    }

    /// Cost of the task in multiplications, a term of a sum counted as [`TERM`].
    fn work(&self) -> usize {
        match self {
            Self::Product { a, b, .. } => a.len() * b.ncols(),
            Self::Sums { b, .. } => b.len() * TERM,
        }
    }

    /// Floats of memory for packing: enough for either form, since the next step may choose the other.
    fn floats(&self) -> usize {
        match self {
            Self::Product { a, b, .. } => Packed::floats(a.dim()).max(Packed::floats(b.t().dim())),
            Self::Sums { .. } => 0,
        }
    }

    fn cut(self) -> Cut<'a> {
        let work = self.work();
        let (a, b, c) = match self {
            Self::Product { a, b, c } => (a, b, c),
            Self::Sums { b, c } => {
                assert!(c.nrows() == 1 && b.ncols() == c.ncols() || c.is_empty(), "sizes of sums");
                let contiguous = |stride: isize| stride == 1 || b.ncols() <= 1;
                assert!(contiguous(b.strides()[1]) && contiguous(c.strides()[1]), "rows of a sum are contiguous");
                let each = b.nrows() * TERM;
                return Cut { form: None, turned: false, all: b, columns: (b, c), each };
            }
        };
        let (m, n) = c.dim();
        let (form, turned) = if sparse::pays(a, n) {
            (Some(Form::Lists), false)
        } else if sparse::pays(b.t(), m) {
            (Some(Form::Lists), true)
        } else if n >= m && workers(work) > 1 {
            (Some(Form::Panels), false)
        } else {
            (None, true)
        };
        if !turned {
            return Cut { form, turned, all: a, columns: (b, c), each: a.len() };
        }
        let all = if form.is_some() { b.reversed_axes() } else { b };
        Cut { form, turned, all, columns: (a.reversed_axes(), c.reversed_axes()), each: b.len() }
    }
}

impl<'a> Cut<'a> {
    /// What packs the shared operand, if it is packed, into the first part of `memory`, which is cut off.
    fn packing<'m>(&self, memory: &mut &'m mut [f32]) -> Option<Packing<'m>>
    where
        'a: 'm,
    {
        let form = self.form?;
        let (own, after) = std::mem::take(memory).split_at_mut(Packed::floats(self.all.dim()));
        *memory = after;
        Some(Packing { form, a: self.all, memory: own })
    }

    fn work(self) -> Work<(ArrayView2<'a, f32>, ArrayViewMut2<'a, f32>)> {
        Work { data: self.columns, sizes: PIECES, each: self.each }
    }
}

/// [`gemm`] on all threads: cuts c into blocks, and calls `end([first row, first column], block)` on each as soon as it is
/// computed, on the thread that did. The first column of a block is a multiple of 16.
pub fn gemm_on_all(
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
    c: ArrayViewMut2<'_, f32>,
    end: impl Fn([usize; 2], ArrayViewMut2<'_, f32>) + Sync,
) {
    run([Task::Product { a, b, c }], &end);
}

/// Does all tasks, without a wait between one and the next.
///
/// # Panics
/// Sizes do not fit, or what is to be contiguous is not.
pub fn run_on_all<const N: usize>(mut tasks: [Task<'_>; N]) {
    // The small ones are left for the end, so that no thread waits long for another.
    tasks.sort_unstable_by_key(|task| Reverse(task.work()));
    run(tasks, &|_, _| ());
}

fn run<const N: usize>(tasks: [Task<'_>; N], end: &(impl Fn([usize; 2], ArrayViewMut2<'_, f32>) + Sync)) {
    let workers = workers(tasks.iter().map(Task::work).sum());
    workspace(tasks.iter().map(Task::floats).sum(), |memory| {
        let mut memory = &mut *memory;
        let cuts = tasks.map(Task::cut);
        let packed = pack_all(cuts.each_ref().map(|cut| cut.packing(&mut memory)));
        let ways = cuts.each_ref().map(|cut| (cut.turned, cut.all));
        let mut rooms = vec![(); workers];
        threads::share_all(cuts.map(Cut::work), &mut rooms[..], 1, |_, [task, first], (b, mut c)| {
            let (turned, all) = ways[task];
            match packed[task] {
                Some(a) => a.gemm(b, c.view_mut()),
                None if turned => gemm(b.reversed_axes(), all, c.view_mut().reversed_axes()),
                None => return sums(b, c),
            }
            if turned {
                end([first, 0], c.reversed_axes());
            } else {
                end([0, first], c);
            }
        });
    });
}

fn sums(b: ArrayView2<'_, f32>, c: ArrayViewMut2<'_, f32>) {
    let Some(c) = c.into_slice() else { panic!("sums are contiguous") };
    simd::run(
        #[inline(always)]
        || {
            c.fill(0.0);
            for row in b.rows() {
                c.iter_mut().zip(slice_of(row)).for_each(|(sum, b)| *sum += b);
            }
        },
    );
}
