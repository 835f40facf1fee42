//! Products with a matrix a that is mostly zeros, as ReLU and dropout leave it: only the other terms are computed.
//!
//! Each block of k is cut into passes. The values that are not zero stand as one list for each pass and row. A strip of
//! columns of b is packed, and the part of it that a pass reads stays in the first cache while all rows of a block go over
//! it:
//!
//! ```text
//!      a, as lists          strip of b           sums of a block of rows
//!   row 0  2:0.3 5:1.1   k 0 [ columns ]   row 0 += 0.3 · b[2] + 1.1 · b[5]
//!   row 1  0:0.7           1 [         ]       1 += 0.7 · b[0]
//!   ...                    ...                 ...
//! ```
//!
//! The terms are added in the same order as in the dense product, and a term of zero changes no sum but the sign of zero,
//! which no product keeps ([`store_floats`]): so the bits are the same. Zero times NaN or infinity is NaN:
//! a strip of b that has one is multiplied by all of a.

use super::pack::panel;
use super::tile::{add_product, store_floats};
use super::{DEPTH, Scratch, WORTH_A_THREAD, assert_sizes, equal, part, slice_mut, slice_of, with_scratch};
use crate::aligned::LINE;
use crate::simd::{self, flip};
use crate::threads;
use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use pulp::{Scalar128b, Simd, WithSimd};

/// Terms of a pass: with a strip of 64 columns 32 KiB of b.
const PASS: usize = 128;

/// Rows of a block: their sums stay in the caches between the passes.
const ROWS: usize = 128;

/// Rows that are brought into order together where their values do not lie one after the other: a cache line of them.
const GROUP: usize = 16;

/// Widest strip in floats.
pub(super) const WIDEST: usize = 64;

const _: () = assert!(WIDEST * DEPTH <= Scratch::B && WIDEST * ROWS <= Scratch::A, "room for a strip and its sums");

/// Rows whose lists lie together: a thread writes those of a pass at a time.
const TOGETHER: usize = 32;

/// Room for the terms of some rows of a pass, and a cache line: places and values that lie whole pages apart would share few
/// places of the first cache.
const TERMS: usize = TOGETHER * PASS + LINE / size_of::<f32>();

/// Where each list begins and the last one ends; then of each term its place in the block of k, and of each its value.
pub(super) const WORDS: usize = TOGETHER + 1 + 2 * TERMS;

/// How the terms of a are cut: into blocks of k as everywhere, and these into passes.
#[derive(Clone, Copy)]
struct Cuts {
    rows: usize,
    depth: usize,
    block: usize,
    pass: usize,
}

impl Cuts {
    fn of((rows, depth): (usize, usize)) -> Self {
        let block = equal(depth, DEPTH);
        Self { rows, depth, block, pass: equal(block, PASS) }
    }

    /// Passes of a block.
    fn passes(self) -> usize {
        self.block.div_ceil(self.pass)
    }

    /// Groups of rows of a pass.
    fn groups(self) -> usize {
        self.rows.div_ceil(TOGETHER)
    }

    /// Floats of the lists of a block.
    fn floats(self) -> usize {
        self.passes() * self.groups() * WORDS
    }
}

/// Floats that the lists of a matrix take.
pub(super) fn floats(rows: usize, depth: usize) -> usize {
    let cuts = Cuts::of((rows, depth));
    depth.div_ceil(cuts.block) * cuts.floats()
}

/// One of so many rows is looked at to see how many zeros there are.
pub(super) const SAMPLE: usize = 8;

/// Whether lists are faster for a product of a with so many columns: a has many zeros, and every thread has enough columns.
pub(super) fn pays(a: ArrayView2<'_, f32>, columns: usize) -> bool {
    if columns < WIDEST * threads::count() || a.len() * columns < WORTH_A_THREAD {
        return false;
    }
    let a = if a.strides()[1] == 1 { a } else { a.reversed_axes() };
    let (mut values, mut count) = (0, 0);
    for row in a.rows().into_iter().step_by(SAMPLE) {
        // Lists are made of rows or columns that are contiguous.
        let Some(row) = row.to_slice() else { return false };
        values += row.len();
        count += simd::run(
            #[inline(always)]
            || row.iter().map(|a| u32::from(*a != 0.0)).sum::<u32>(),
        ) as usize;
    }
    count <= values / 8 * 3
}

/// Writes the lists of the group of rows of a pass that has this number, [`WORDS`].
pub(super) fn write(a: ArrayView2<'_, f32>, index: usize, out: &mut [f32]) {
    let cuts = Cuts::of(a.dim());
    let (pass, group) = (index / cuts.groups(), index % cuts.groups());
    let (block, pass) = (pass / cuts.passes() * cuts.block, pass % cuts.passes() * cuts.pass);
    let (first, end) = (block + pass, cuts.depth.min(block + cuts.block.min(pass + cuts.pass)));
    // The last block may be shorter by whole passes.
    let a = part(a, 1, first.min(end), end.saturating_sub(first));
    let row = group * TOGETHER;
    let a = part(a, 0, row, TOGETHER.min(cuts.rows - row));
    simd::arch().dispatch(Lists { a, first: pass, out });
}

/// The lists of a few rows of a pass.
struct Lists<'a> {
    a: ArrayView2<'a, f32>,
    /// Where the pass begins in the block of k.
    first: usize,
    out: &'a mut [f32],
}

impl WithSimd for Lists<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (starts, terms) = self.out.split_at_mut(TOGETHER + 1);
        let (places, values) = terms.split_at_mut(TERMS);
        let (starts, places) = (bytemuck::cast_slice_mut::<_, u32>(starts), bytemuck::cast_slice_mut(places));
        let (mut starts, mut count) = (starts.iter_mut(), 0);
        let mut group = [[0.0; PASS]; GROUP];
        for a in self.a.axis_chunks_iter(Axis(0), GROUP) {
            let lies = a.strides()[1] == 1;
            if !lies {
                panel::<S, PASS>(simd, a, group[..a.nrows()].as_flattened_mut());
            }
            for ((a, group), start) in a.rows().into_iter().zip(&group).zip(starts.by_ref()) {
                *start = count as u32;
                let row = if lies { slice_of(a) } else { &group[..a.len()] };
                count = list(simd, row, self.first as u32, (places, values), count);
            }
        }
        starts.for_each(|end| *end = count as u32);
    }
}

/// Writes what is not zero behind `count` terms, and says how many there are then.
#[inline(always)]
fn list<S: Simd>(
    simd: S,
    row: &[f32],
    mut first: u32,
    (places, values): (&mut [u32], &mut [f32]),
    mut count: usize,
) -> usize {
    let (eights, last) = row.as_chunks();
    for eight in eights {
        let (order, found) = simd::not_zero(simd, eight);
        places[count..count + 8].copy_from_slice(&order.map(|place| first + place));
        values[count..count + 8].copy_from_slice(&simd::pick(simd, eight, &order));
        (first, count) = (first + 8, count + found);
    }
    for (value, place) in last.iter().zip(first..) {
        (places[count], values[count]) = (place, *value);
        count += usize::from(*value != 0.0);
    }
    count
}

/// c = a · b by the lists of a, on the calling thread.
///
/// # Panics
/// The sizes do not fit, or neither the rows nor the columns of c are contiguous.
pub(super) fn run(a: ArrayView2<'_, f32>, lists: &[f32], b: ArrayView2<'_, f32>, c: ArrayViewMut2<'_, f32>) {
    assert_sizes(a.dim(), &b, &c);
    assert!(c.strides().contains(&1) || c.len() <= 1, "rows or columns of a product are contiguous");
    with_scratch(|scratch| simd::arch().dispatch(Product { a, lists, b, c, scratch }));
}

pub(super) struct Product<'a, 'b, 'c, 's> {
    pub a: ArrayView2<'a, f32>,
    pub lists: &'a [f32],
    pub b: ArrayView2<'b, f32>,
    pub c: ArrayViewMut2<'c, f32>,
    pub scratch: &'s mut Scratch,
}

impl WithSimd for Product<'_, '_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            4 => product::<S, 8, 32, true>(simd, self),
            8 => product::<S, 8, 64, true>(simd, self),
            16 => product::<S, 4, 64, true>(simd, self),
            _ => product::<Scalar128b, 8, 32, false>(Scalar128b, self),
        }
    }
}

/// V vectors, W floats, are the width of a strip.
#[inline(always)]
pub(super) fn product<S: Simd, const V: usize, const W: usize, const FUSED: bool>(
    simd: S,
    product: Product<'_, '_, '_, '_>,
) {
    let Product { a, lists, b, mut c, scratch: Scratch { a: sums, b: strip } } = product;
    let (m, k) = a.dim();
    if k == 0 {
        c.fill(0.0);
    }
    let cuts = Cuts::of((m, k));
    for (p, lists) in (0..k).step_by(cuts.block).zip(lists.chunks_exact(cuts.floats().max(1))) {
        let depth = cuts.block.min(k - p);
        let (a, b) = (part(a, 1, p, depth), part(b, 0, p, depth));
        for (b, mut c) in b.axis_chunks_iter(Axis(1), W).zip(c.axis_chunks_iter_mut(Axis(1), W)) {
            let strip = &mut strip[..DEPTH * W];
            panel::<S, W>(simd, b, &mut strip[..depth * W]);
            let lists = strip[..depth * W].iter().fold(true, |all, b| all & b.is_finite()).then_some(lists);
            for (mut c, first) in c.axis_chunks_iter_mut(Axis(0), ROWS).zip((0..m).step_by(ROWS)) {
                let sums = &mut sums.as_chunks_mut::<W>().0[..c.nrows()];
                block_of_sums::<S, V, W, FUSED>(simd, (a, cuts), lists, first, strip, sums);
                if c.strides()[1] == 1 || c.ncols() == 1 {
                    for (sums, row) in sums.iter().zip(c.rows_mut()) {
                        store_floats(sums, slice_mut(row), p > 0);
                    }
                } else {
                    store_across(simd, sums, c, p > 0);
                }
            }
        }
    }
}

/// The sums of the rows from `first` on, a multiple of [`TOGETHER`]: by the lists, or, where there are none, by all of a.
#[inline(always)]
fn block_of_sums<S: Simd, const V: usize, const W: usize, const FUSED: bool>(
    simd: S,
    (a, cuts): (ArrayView2<'_, f32>, Cuts),
    lists: Option<&[f32]>,
    first: usize,
    strip: &[f32],
    sums: &mut [[f32; W]],
) {
    let Some(strip) = S::as_simd_f32s(strip).0.as_chunks::<V>().0.first_chunk::<DEPTH>() else {
        unreachable!("room for a strip")
    };
    sums.fill([0.0; W]);
    let Some(lists) = lists else {
        for (sums, row) in sums.iter_mut().zip(first..) {
            add::<S, V, FUSED>(simd, sums, strip, (0..a.ncols()).map(|k| (k, a[[row, k]])));
        }
        return;
    };
    for pass in 0..a.ncols().div_ceil(cuts.pass) {
        for (sums, group) in sums.chunks_mut(TOGETHER).zip(pass * cuts.groups() + first / TOGETHER..) {
            let (starts, terms) = lists[group * WORDS..][..WORDS].split_at(TOGETHER + 1);
            let (places, values) = terms.split_at(TERMS);
            let [starts, places] = [starts, places].map(bytemuck::cast_slice::<_, u32>);
            for (sums, ends) in sums.iter_mut().zip(starts.windows(2)) {
                let own = ends[0] as usize..ends[1] as usize;
                let places = places[own.clone()].iter().map(|place| *place as usize);
                add::<S, V, FUSED>(simd, sums, strip, places.zip(values[own].iter().copied()));
            }
        }
    }
}

/// Adds terms to the sums of a row.
#[inline(always)]
fn add<S: Simd, const V: usize, const FUSED: bool>(
    simd: S,
    sums: &mut [f32],
    strip: &[[S::f32s; V]; DEPTH],
    terms: impl Iterator<Item = (usize, f32)>,
) {
    let Some(sums) = S::as_mut_simd_f32s(sums).0.first_chunk_mut::<V>() else {
        unreachable!("a strip is V vectors wide")
    };
    let mut own = *sums;
    for (k, a) in terms {
        let a = simd.splat_f32s(a);
        // A block is no longer than DEPTH, so this changes nothing but spares a check.
        for (sum, b) in own.iter_mut().zip(&strip[k % DEPTH]) {
            *sum = add_product::<S, FUSED>(simd, a, *b, *sum);
        }
    }
    *sums = own;
}

/// As [`store_floats`], into a block of c whose columns are contiguous: of eight columns eight rows at a time.
#[inline(always)]
fn store_across<S: Simd, const W: usize>(simd: S, sums: &[[f32; W]], mut c: ArrayViewMut2<'_, f32>, add: bool) {
    for (j, mut c) in c.axis_chunks_iter_mut(Axis(1), 8).enumerate() {
        let mut columns = c.axis_iter_mut(Axis(1));
        let mut columns: [&mut [f32]; 8] = std::array::from_fn(|_| columns.next().map_or(&mut [][..], slice_mut));
        for (i, sums) in sums.chunks(8).enumerate() {
            let mut block = [[0.0; 8]; 8];
            for (block, sums) in block.iter_mut().zip(sums) {
                *block = sums.as_chunks().0[j];
            }
            let block = flip(simd, block);
            for (column, block) in columns.iter_mut().filter(|column| !column.is_empty()).zip(&block) {
                store_floats(&block[..sums.len()], &mut column[8 * i..8 * i + sums.len()], add);
            }
        }
    }
}
