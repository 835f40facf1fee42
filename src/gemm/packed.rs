//! A matrix packed once, for products with several others.

use super::dense::{self, Left, Pack, Tiles};
use super::{sparse, tile::ROWS};
use crate::{simd, threads};
use ndarray::{ArrayView2, ArrayViewMut2};

/// Tiles that a thread packs at a time.
const TILES: usize = 4;

/// How a matrix is packed. No bit of a product depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As panels of all elements.
    Panels,
    /// As lists of the elements that are not zero.
    Lists,
}

impl Form {
    /// The faster way to pack a for products with so many columns in all.
    pub fn of(a: ArrayView2<'_, f32>, columns: usize) -> Self {
        if sparse::pays(a, columns) { Self::Lists } else { Self::Panels }
    }
}

/// A matrix a `[rows, depth]` packed as a whole, for products with several b, on any threads.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    form: Form,
    a: ArrayView2<'a, f32>,
    data: &'a [f32],
}

impl<'a> Packed<'a> {
    /// Floats of memory that packing takes, in either form.
    pub fn floats((rows, depth): (usize, usize)) -> usize {
        sparse::floats(rows, depth).max(rows.next_multiple_of(ROWS) * depth)
    }

    /// Packs a into [`Packed::floats`] of memory, on all threads.
    ///
    /// # Panics
    /// There is less memory: a fault of ours.
    pub fn new(form: Form, a: ArrayView2<'a, f32>, memory: &'a mut [f32]) -> Self {
        let [packed] = pack_all([Some(Packing { form, a, memory })]);
        packed.unwrap_or_else(|| unreachable!("there is something to pack"))
    }

    /// Fewest columns that are worth a product of their own: fewer take as long with lists.
    pub fn least(self) -> usize {
        match self.form {
            Form::Panels => sparse::WIDEST / 2,
            Form::Lists => sparse::WIDEST,
        }
    }

    /// c `[rows, n]` = a · b `[depth, n]` on the calling thread. Rows of c are contiguous, or, with lists, columns.
    ///
    /// # Panics
    /// The sizes or c do not fit.
    pub fn gemm(self, b: ArrayView2<'_, f32>, c: ArrayViewMut2<'_, f32>) {
        let (a, data) = (self.a, self.data);
        match self.form {
            Form::Panels => dense::run(Left::Packed(data), a.dim(), b, c),
            Form::Lists => sparse::run(a, data, b, c),
        }
    }
}

/// A matrix that is to be packed into [`Packed::floats`] of memory.
pub(super) struct Packing<'a> {
    pub form: Form,
    pub a: ArrayView2<'a, f32>,
    pub memory: &'a mut [f32],
}

impl<'a> Packing<'a> {
    /// Floats that one thread writes at a time, and floats in all.
    fn floats(&self) -> [usize; 2] {
        let (rows, depth) = self.a.dim();
        match self.form {
            Form::Panels => [TILES * ROWS * depth, Tiles::of(rows, ROWS).count * ROWS * depth],
            Form::Lists => [sparse::WORDS, sparse::floats(rows, depth)],
        }
    }

    fn done(self) -> Packed<'a> {
        Packed { form: self.form, a: self.a, data: self.memory }
    }
}

/// Packs several matrices, on all threads.
pub(super) fn pack_all<'a, const N: usize>(mut all: [Option<Packing<'a>>; N]) -> [Option<Packed<'a>>; N] {
    let matrices = all.each_ref().map(|packing| packing.as_ref().map(|packing| (packing.form, packing.a)));
    let parts = all.each_mut().map(|packing| match packing {
        Some(packing) => {
            let [part, floats] = packing.floats();
            (&mut packing.memory[..floats], part.max(1))
        }
        None => (&mut [][..], 1),
    });
    threads::for_parts(parts, |number, index, out| match matrices[number] {
        Some((Form::Panels, a)) => {
            let tiles = Tiles::of(a.nrows(), ROWS);
            let own = index * TILES..tiles.count.min((index + 1) * TILES);
            simd::arch().dispatch(Pack { a, tiles, own, out });
        }
        Some((Form::Lists, a)) => sparse::write(a, index, out),
        None => (),
    });
    all.map(|packing| packing.map(Packing::done))
}
