//! The gradient by weight: outer products of what the taps read with the output channels, summed over pixels.
//!
//! It is a matrix `[taps · input channels, output channels]`, cut into units of a few rows and a panel of one or two vectors. The
//! pixels are cut into chunks: some lines of an image, or some small images. Of dy, and of x where a tap has few channels, a thread
//! lays side by side what its units read of a chunk, so that it stays in the first cache:
//!
//! ```text
//!   rows of a tile        panel of dy                sums
//!   [ 6 of pixel 0 ]   [ 2 vectors of pixel 0 ]   [ 6, 2 vectors ]
//!   [ 6 of pixel 1 ]   [ 2 vectors of pixel 1 ]
//! ```
//!
//! Threads share the units, not the images, so that every sum is over the chunks in their order.

use super::Taps;
use super::chunk::{Chunk, Chunks};
use super::kernel::{Form, Runs, with_form, with_rows};
use super::walk::Pass;
use crate::gemm::dense::Tiles;
use crate::gemm::{tile, workers, workspace};
use crate::threads;
use pulp::{Simd, WithSimd};

/// Fewest pixels of a line for which x is read where it lies.
const LINE: usize = 8;

/// What all threads read.
#[derive(Clone, Copy)]
struct Product<'a> {
    chunks: Chunks<'a>,
    units: Units,
    has_bias: bool,
}

pub(super) fn run(
    arch: impl Runs,
    taps: &Taps,
    (x, dy): (&[f32], &[f32]),
    rows: usize,
    dw: &mut [f32],
    dbias: Option<&mut [f32]>,
) {
    let [read, written] = Pass::Value(taps).floats(rows);
    let chunks = Chunks { taps, x: &x[..read], dy: &dy[..written], rows };
    let (units, dw, has_bias) = (Units::of(taps, arch.form()), &mut dw[..taps.weights()], dbias.is_some());
    let (product, workers) = (Product { chunks, units, has_bias }, workers(taps.products(rows)));
    let (floats, room) = (units.count() * units.size(), units.room(chunks.most()));
    workspace(floats + workers * room, |memory| {
        let (sums, rooms) = memory.split_at_mut(floats);
        // One piece for each thread: for every piece dy is laid out anew.
        let piece = units.count().div_ceil(workers).max(1) * units.size();
        threads::share(&mut *sums, [piece, usize::MAX], rooms, room, |room, first, sums: &mut [f32]| {
            arch.run(Job { product, first: first / units.size(), room, sums });
        });
        let sums = &*sums;
        let panel = 2 * units.form.lanes;
        threads::for_chunks(dw, panel * units.tiles.rows * units.taps, |index, dw| units.unpack(sums, index, dw));
        if let Some(dbias) = dbias {
            for (sums, dbias) in
                sums.chunks_exact(units.size() * units.taps).zip(dbias[..taps.output[2]].chunks_mut(panel))
            {
                dbias.copy_from_slice(&sums[units.form.rows[1] * panel..][..dbias.len()]);
            }
        }
    });
}

/// How the gradient is cut. Units are in the order of tiles of rows, then of panels, then of taps. Each has a row more, for the bias.
#[derive(Clone, Copy)]
struct Units {
    form: Form,
    /// Panels of two vectors, and all panels.
    panels: [usize; 2],
    /// Of the input channels for each of these taps; for one tap, of all taps' channels one after the other.
    tiles: Tiles,
    taps: usize,
    /// Whether x is read where it lies; else it is packed, where a tap has few channels or a line few pixels.
    is_direct: bool,
}

/// A few rows of the gradient, of a tap, by a panel.
#[derive(Clone, Copy)]
struct Unit {
    panel: usize,
    tap: usize,
    /// First row, and how many.
    row: usize,
    count: usize,
}

impl Units {
    fn at(self, index: usize) -> Unit {
        let (index, tap) = (index / self.taps, index % self.taps);
        let (row, count) = self.tiles.at(index / self.panels[1]);
        Unit { panel: index % self.panels[1], tap, row, count }
    }

    fn of(taps: &Taps, form: Form) -> Self {
        let (two, has_one) = form.panels(taps.output[2]);
        let is_direct = taps.input[2] >= form.rows[1] && taps.output[1] >= LINE;
        let own = if is_direct { taps.count() } else { 1 };
        let tiles = Tiles::of(taps.count() / own * taps.input[2], form.rows[1]);
        Self { form, panels: [two, two + usize::from(has_one)], tiles, taps: own, is_direct }
    }

    fn count(self) -> usize {
        self.tiles.count * self.panels[1] * self.taps
    }

    /// Floats of each tile.
    fn size(self) -> usize {
        (self.form.rows[1] + 1) * 2 * self.form.lanes
    }

    /// Floats of a thread, for chunks of at most so many pixels: all panels of dy and a tile of x.
    fn room(self, pixels: usize) -> usize {
        (self.panels[1] * 2 * self.form.lanes + self.form.rows[1].next_multiple_of(self.form.lanes)) * pixels
    }

    /// Copies a panel of sums to the rows of its output channels.
    fn unpack(self, sums: &[f32], panel: usize, dw: &mut [f32]) {
        let width = if panel < self.panels[0] { 2 } else { 1 } * self.form.lanes;
        let panels = sums.chunks_exact(self.size() * self.taps).skip(panel).step_by(self.panels[1]);
        for (tile, sums) in panels.enumerate() {
            let (first, count) = self.tiles.at(tile);
            for (tap, sums) in sums.chunks_exact(self.size()).enumerate() {
                let first = tap * self.tiles.rows + first;
                for (lane, row) in dw.chunks_exact_mut(self.tiles.rows * self.taps).enumerate() {
                    for (dw, sums) in row[first..first + count].iter_mut().zip(sums.chunks_exact(width)) {
                        *dw = sums[lane];
                    }
                }
            }
        }
    }
}

/// Computes some units one after the other, from the unit `first` on.
struct Job<'a> {
    product: Product<'a>,
    first: usize,
    room: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Job<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_form!(simd: S, job(self))
    }
}

#[inline(always)]
fn job<S: Simd, const W: usize, const W2: usize, const TWO: usize, const FUSED: bool>(simd: S, job: Job<'_>) {
    let Job { product: Product { chunks, units, has_bias }, first, room, sums } = job;
    let (size, [two, panels]) = (chunks.most() * W2, units.panels);
    let (dy, x) = room.split_at_mut(panels * size);
    sums.fill(0.0);
    for index in 0..chunks.count() {
        let chunk = chunks.at(index);
        let is_finite = chunk.pack_dy::<W, W2>(two, size, dy);
        for (number, sums) in sums.chunks_exact_mut(units.size()).enumerate() {
            let unit = units.at(first + number);
            let Unit { panel, tap, row, count } = unit;
            if !units.is_direct && (number == 0 || panel == 0) {
                chunk.pack_x(row..row + count, &mut x[..chunk.pixels() * count]);
            }
            let dy = &dy[panel * size..];
            let (sums, bias) = sums.split_at_mut(TWO * W2);
            let bias = (has_bias && row == 0 && tap == 0).then_some(bias);
            let part = Part { chunk, unit, is_direct: units.is_direct, is_finite, bias };
            if panel < two {
                part.add::<S, 2, W2, TWO, FUSED>(simd, (x, dy), sums);
            } else {
                part.add::<S, 1, W, TWO, FUSED>(simd, (x, dy), sums);
            }
        }
    }
}

/// The pixels of a chunk as terms of a unit.
struct Part<'a, 'b> {
    chunk: Chunk<'a>,
    unit: Unit,
    /// Whether x is read where it lies, or packed.
    is_direct: bool,
    /// Whether dy is finite.
    is_finite: bool,
    bias: Option<&'b mut [f32]>,
}

impl Part<'_, '_> {
    /// Adds the products to the sums, by a panel of V vectors, W floats.
    #[inline(always)]
    fn add<S: Simd, const V: usize, const W: usize, const MOST: usize, const FUSED: bool>(
        self,
        simd: S,
        (x, dy): (&[f32], &[f32]),
        out: &mut [f32],
    ) {
        let Self { chunk, unit: Unit { tap, row, count, .. }, is_direct, is_finite, bias } = self;
        let (dy, out) = (&dy[..chunk.pixels() * W], out.chunks_exact_mut(W));
        let vectors = S::as_simd_f32s(dy).0.as_chunks::<V>().0;
        if let Some(bias) = bias {
            let mut sums = [simd.splat_f32s(0.0); V];
            for dy in vectors {
                for (sum, dy) in sums.iter_mut().zip(dy) {
                    *sum = simd.add_f32s(*sum, *dy);
                }
            }
            tile::store(simd, sums, &mut bias[..W], true);
        }
        if !is_direct && !is_finite {
            // A tap outside is packed as zero, which would make NaN of infinities.
            return chunk.add_inside(row..row + count, dy, out);
        }
        with_rows!(count, MOST, R => {
            let sums = if is_direct {
                chunk.sums::<S, R, V, FUSED>(simd, tap, row, vectors)
            } else {
                tile::tile::<S, R, V, FUSED>(simd, &x.as_chunks::<R>().0[..vectors.len()], vectors)
            };
            for (sums, out) in sums.into_iter().zip(out) {
                tile::store(simd, sums, out, true);
            }
        });
    }
}
