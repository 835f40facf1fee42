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
//! Where the gradient is small, the chunks are cut into a few parts, whose number depends on the shapes alone, with sums of their
//! own, which are added up in their order. Threads share the parts, and where there is one, its units.

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

/// Most parts, fewest chunks of one, and most floats of all sums.
const PARTS: usize = 16;
const CHUNKS: usize = 4;
const SUMS: usize = 1 << 18;

/// Floats of the sums that a thread adds up at a time.
const CHUNK: usize = 4096;

/// What all threads read.
#[derive(Clone, Copy)]
struct Product<'a> {
    chunks: Chunks<'a>,
    parts: usize,
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
    let (floats, room) = ((units.count() * units.size()).max(1), units.room(chunks));
    let parts = PARTS.min(chunks.count() / CHUNKS).min(SUMS / floats).max(1);
    let (product, workers) = (Product { chunks, parts, units, has_bias }, workers(taps.products(rows)));
    workspace(parts * floats + workers * room, |memory| {
        let (sums, rooms) = memory.split_at_mut(parts * floats);
        // For every piece dy is laid out anew, so there are no more than threads need.
        let piece = units.count().div_ceil(workers.div_ceil(parts)).max(1) * units.size();
        threads::share(&mut *sums, [piece, usize::MAX], rooms, room, |room, mut first, mut sums: &mut [f32]| {
            while !sums.is_empty() {
                let own;
                (own, sums) = sums.split_at_mut((floats - first % floats).min(sums.len()));
                let (part, unit, count) = (first / floats, first % floats / units.size(), own.len());
                arch.run(Job { product, part, first: unit, room, sums: own });
                first += count;
            }
        });
        let (sums, others) = sums.split_at_mut(floats);
        threads::for_chunks(&mut *sums, CHUNK, |chunk, sums| {
            for others in others.chunks_exact(floats) {
                sums.iter_mut().zip(&others[chunk * CHUNK..]).for_each(|(sum, other)| *sum += other);
            }
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
    /// Of the input channels for each of these taps, or lines of taps; for one, of all taps' channels one after the other.
    tiles: Tiles,
    taps: usize,
    reads: Reads,
}

/// How a tile finds what the taps read.
#[derive(Clone, Copy, PartialEq)]
enum Reads {
    /// Where it lies in x.
    Direct,
    /// In a copy of the chunk's lines with the border around them, where a tap has few channels: neighbouring taps of a line are
    /// then one tap with more.
    Lines,
    /// In a copy of its own: where a line has few pixels, too.
    Packed,
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
        let (reads, own) = match taps {
            _ if taps.output[1] < LINE => (Reads::Packed, 1),
            _ if taps.input[2] >= form.rows[1] => (Reads::Direct, taps.count()),
            _ if taps.dilation[1] == 1 => (Reads::Lines, taps.kernel[0]),
            _ => (Reads::Packed, 1),
        };
        let tiles = Tiles::of(taps.count() / own * taps.input[2], form.rows[1]);
        Self { form, panels: [two, two + usize::from(has_one)], tiles, taps: own, reads }
    }

    fn count(self) -> usize {
        self.tiles.count * self.panels[1] * self.taps
    }

    /// Floats of each tile.
    fn size(self) -> usize {
        (self.form.rows[1] + 1) * 2 * self.form.lanes
    }

    /// Floats of a thread: all panels of the dy of a chunk, and what is copied of x.
    fn room(self, chunks: Chunks<'_>) -> usize {
        let pixels = chunks.most();
        let x = match self.reads {
            Reads::Direct => 0,
            Reads::Lines => chunks.bordered(),
            Reads::Packed => self.form.rows[1] * pixels,
        };
        self.panels[1] * 2 * self.form.lanes * pixels + x.next_multiple_of(self.form.lanes)
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

/// Computes some units of a part one after the other, from the unit `first` on.
struct Job<'a> {
    product: Product<'a>,
    part: usize,
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
    let Job { product: Product { chunks, parts, units, has_bias }, part, first, room, sums } = job;
    let (size, [two, panels]) = (chunks.most() * W2, units.panels);
    let (dy, x) = room.split_at_mut(panels * size);
    sums.fill(0.0);
    let before = |part: usize| chunks.count() * part / parts;
    for index in before(part)..before(part + 1) {
        let chunk = chunks.at(index);
        let is_finite = chunk.pack_dy::<W, W2>(two, size, dy);
        for (number, sums) in sums.chunks_exact_mut(units.size()).enumerate() {
            let unit = units.at(first + number);
            let Unit { panel, tap, row, count } = unit;
            match units.reads {
                Reads::Packed if number == 0 || panel == 0 => {
                    chunk.pack_x(row..row + count, &mut x[..chunk.pixels() * count]);
                }
                Reads::Lines if number == 0 => chunk.pack_lines(x),
                _ => {}
            }
            let dy = &dy[panel * size..];
            let (sums, bias) = sums.split_at_mut(TWO * W2);
            let bias = (has_bias && row == 0 && tap == 0).then_some(bias);
            let part = Part { chunk, unit, units, is_finite, bias };
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
    units: Units,
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
        let Self { chunk, unit: Unit { tap, row, count, .. }, units, is_finite, bias } = self;
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
        if units.reads != Reads::Direct && !is_finite {
            // A tap outside is packed as zero, which would make NaN of infinities.
            let first = tap * units.tiles.rows + row;
            return chunk.add_inside(first..first + count, dy, out);
        }
        with_rows!(count, MOST, R => {
            let sums = match units.reads {
                Reads::Direct => chunk.sums::<S, R, V, FUSED>(simd, tap, row, vectors),
                Reads::Lines => chunk.sums_of_lines::<S, R, V, FUSED>(simd, (tap, row), x, vectors),
                Reads::Packed => {
                    tile::tile::<S, R, V, FUSED>(simd, &x.as_chunks::<R>().0[..vectors.len()], vectors)
                }
            };
            for (sums, out) in sums.into_iter().zip(out) {
                tile::store(simd, sums, out, true);
            }
        });
    }
}
