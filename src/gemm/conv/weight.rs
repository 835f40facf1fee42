//! The gradient by weight: outer products of the input channels that a tap reads with the output channels, summed over pixels.
//!
//! It is cut into units, each a few input channels of a tap by a panel of output channels, which stay in registers while a unit
//! goes over the pixels of a chunk: some rows of an image, or some small images. Threads share the units, not the images, so that
//! every sum is over the chunks in their order.

use super::kernel::{Form, ONE, Runs, Sums, add_row, with_form, with_rows};
use super::walk::Pass;
use super::{Taps, area, rows_of};
use crate::gemm::dense::Tiles;
use crate::gemm::{tile, workers, workspace};
use crate::threads;
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Pixels of a chunk: what the units of all taps read of them stays in the first cache.
const CHUNK: usize = 128;

/// What all threads read.
#[derive(Clone, Copy)]
struct Product<'a> {
    taps: &'a Taps,
    x: &'a [f32],
    dy: &'a [f32],
    rows: usize,
    units: Units,
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
    let (x, dy, dw) = (&x[..read], &dy[..written], &mut dw[..taps.weights()]);
    let units = Units::of(taps, arch.form());
    workspace(units.count() * units.size(), |sums| {
        let product = Product { taps, x, dy, rows, units };
        let mut rooms = vec![(); workers(taps.products(rows))];
        threads::share(&mut *sums, [units.size(), usize::MAX], &mut rooms[..], 1, |_, first, sums: &mut [f32]| {
            arch.run(Job { product, first: first / units.size(), sums });
        });
        let sums = &*sums;
        let panel = 2 * units.form.lanes;
        threads::for_chunks(dw, panel * taps.count() * taps.input[2], |index, dw| units.unpack(sums, index, dw));
        if let Some(dbias) = dbias {
            for (index, dbias) in dbias[..taps.output[2]].chunks_mut(panel).enumerate() {
                dbias.copy_from_slice(&sums[units.bias(index) * units.size()..][..dbias.len()]);
            }
        }
    });
}

/// How the gradient is cut. Units are in the order of panels, then of tiles of input channels, then of taps; behind all of them
/// lies for each panel the unit of its bias.
#[derive(Clone, Copy)]
struct Units {
    form: Form,
    taps: usize,
    /// Panels of two vectors, and whether one of one vector is behind them.
    panels: (usize, bool),
    /// Tiles of input channels in a panel of one vector, and of two.
    tiles: [Tiles; 2],
}

/// Which part of the gradient a unit is.
#[derive(Clone, Copy)]
struct Unit {
    /// First output channel.
    column: usize,
    /// Vectors of output channels, less one.
    wide: usize,
    /// First input channel and how many; none of a bias.
    channels: Option<(usize, usize)>,
    tap: usize,
}

impl Units {
    fn of(taps: &Taps, form: Form) -> Self {
        let tiles = form.rows.map(|most| Tiles::of(taps.input[2], most));
        Self { form, taps: taps.count(), panels: form.panels(taps.output[2]), tiles }
    }

    /// Floats of each.
    fn size(self) -> usize {
        let [one, two] = self.form.rows;
        self.form.lanes * one.max(2 * two)
    }

    /// Units of a panel of two vectors.
    fn of_panel(self) -> usize {
        self.tiles[1].count * self.taps
    }

    /// The unit of the bias of a panel.
    fn bias(self, panel: usize) -> usize {
        let (two, one) = self.panels;
        two * self.of_panel() + usize::from(one) * self.tiles[0].count * self.taps + panel
    }

    fn count(self) -> usize {
        self.bias(self.panels.0 + usize::from(self.panels.1))
    }

    fn at(self, index: usize) -> Unit {
        let (two, bias) = (self.panels.0, self.bias(0));
        let panel = if index < bias { (index / self.of_panel()).min(two) } else { index - bias };
        let (column, wide) = (panel * 2 * self.form.lanes, usize::from(panel < two));
        if index >= bias {
            return Unit { column, wide, channels: None, tap: 0 };
        }
        let index = index - panel * self.of_panel();
        Unit { column, wide, channels: Some(self.tiles[wide].at(index / self.taps)), tap: index % self.taps }
    }

    /// Copies a panel of sums to the rows of its output channels.
    fn unpack(self, sums: &[f32], panel: usize, dw: &mut [f32]) {
        let wide = usize::from(panel < self.panels.0);
        let width = (1 + wide) * self.form.lanes;
        let channels = self.tiles[0].rows;
        let first = panel * self.of_panel();
        let all = sums[first * self.size()..].chunks_exact(self.size());
        for (index, sums) in (0..self.tiles[wide].count * self.taps).zip(all) {
            let (channel, count) = self.tiles[wide].at(index / self.taps);
            let at = index % self.taps * channels + channel;
            for (lane, row) in dw.chunks_exact_mut(self.taps * channels).enumerate() {
                for (r, dw) in row[at..at + count].iter_mut().enumerate() {
                    *dw = sums[r * width + lane];
                }
            }
        }
    }
}

/// Computes some units one after the other, from the unit `first` on.
struct Job<'a> {
    product: Product<'a>,
    first: usize,
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
    let Job { product, first, sums } = job;
    let Product { taps, rows, units, .. } = product;
    let height = taps.output[0];
    let lines = rows_of(CHUNK, taps.output);
    let images = if lines < height { 1 } else { (CHUNK / area(taps.output).max(1)).max(1) };
    sums.fill(0.0);
    for image in (0..rows).step_by(images) {
        for line in (0..height).step_by(lines) {
            let chunk =
                Chunk { product, images: image..rows.min(image + images), lines: line..height.min(line + lines) };
            for (index, sums) in (first..).zip(sums.chunks_exact_mut(units.size())) {
                let unit = units.at(index);
                match (unit.channels, unit.wide) {
                    (None, 0) => chunk.bias::<S, 1>(simd, unit, sums),
                    (None, _) => chunk.bias::<S, 2>(simd, unit, sums),
                    (Some((channel, count)), 0) => with_rows!(count, ONE, R => {
                        chunk.unit::<S, R, 1, FUSED>(simd, unit, channel, sums);
                    }),
                    (Some((channel, count)), _) => with_rows!(count, TWO, R => {
                        chunk.unit::<S, R, 2, FUSED>(simd, unit, channel, sums);
                    }),
                }
            }
        }
    }
}

/// Some rows of some images of dy.
struct Chunk<'a> {
    product: Product<'a>,
    images: Range<usize>,
    lines: Range<usize>,
}

impl Chunk<'_> {
    /// Adds the products of the chunk's pixels to the sums `[R, V vectors]`.
    #[inline(always)]
    fn unit<S: Simd, const R: usize, const V: usize, const FUSED: bool>(
        &self,
        simd: S,
        unit: Unit,
        channel: usize,
        out: &mut [f32],
    ) {
        let Product { taps, x, dy, .. } = self.product;
        let ([height, width, from], [out_height, out_width, to]) = (taps.input, taps.output);
        let [t, u] = [unit.tap / taps.kernel[1], unit.tap % taps.kernel[1]];
        let (lines, columns) = (inside(taps, 0, t), inside(taps, 1, u));
        let lines = lines.start.max(self.lines.start)..lines.end.min(self.lines.end);
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        if columns.is_empty() {
            return;
        }
        for image in self.images.clone() {
            for line in lines.clone() {
                let row = image * height + line * taps.stride[0] + t * taps.dilation[0] - taps.padding[0];
                let column = columns.start * taps.stride[1] + u * taps.dilation[1] - taps.padding[1];
                let pixel = (image * out_height + line) * out_width + columns.start;
                let run = Run {
                    a: &x[(row * width + column) * from + channel..],
                    step: taps.stride[1] * from,
                    b: &dy[pixel * to + unit.column..],
                    width: to,
                    count: columns.len(),
                };
                run.add::<S, R, V, FUSED>(simd, &mut sums);
            }
        }
        let out = out.chunks_exact_mut(V * S::F32_LANES);
        for (sums, out) in sums.into_iter().zip(out) {
            tile::store(simd, sums, out, true);
        }
    }

    /// Adds the chunk's pixels to the sums of a bias, V vectors.
    #[inline(always)]
    fn bias<S: Simd, const V: usize>(&self, simd: S, unit: Unit, out: &mut [f32]) {
        let [height, width, channels] = self.product.taps.output;
        let mut sums = [simd.splat_f32s(0.0); V];
        for image in self.images.clone() {
            let first = (image * height + self.lines.start) * width;
            for pixel in first..first + self.lines.len() * width {
                let b = vectors::<S, V>(simd, &self.product.dy[pixel * channels + unit.column..]);
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = simd.add_f32s(*sum, b);
                }
            }
        }
        tile::store(simd, sums, &mut out[..V * S::F32_LANES], true);
    }
}

/// The output places of an axis at which a tap lies inside the input.
#[inline(always)]
fn inside(taps: &Taps, axis: usize, tap: usize) -> Range<usize> {
    let (stride, place) = (taps.stride[axis], tap * taps.dilation[axis]);
    let before = |place: usize| if stride == 1 { place } else { place.div_ceil(stride) };
    let [start, end] = [0, taps.input[axis]].map(|end| before((end + taps.padding[axis]).saturating_sub(place)));
    start.min(taps.output[axis])..end.min(taps.output[axis])
}

/// Pixels at equal distances: some channels of the input, a, beside the output's, b.
struct Run<'a> {
    a: &'a [f32],
    step: usize,
    b: &'a [f32],
    width: usize,
    count: usize,
}

impl Run<'_> {
    #[inline(always)]
    fn add<S: Simd, const R: usize, const V: usize, const FUSED: bool>(self, simd: S, sums: &mut Sums<S, R, V>) {
        let [mut a, mut b] = [0, 0];
        for _ in 0..self.count {
            let Some(own) = self.a[a..].first_chunk::<R>() else { unreachable!("as many channels as the input has") };
            add_row::<S, R, V, FUSED>(simd, own, &vectors::<S, V>(simd, &self.b[b..]), sums);
            (a, b) = (a + self.step, b + self.width);
        }
    }
}

/// The first floats as V vectors. Behind the last one are zeros.
#[inline(always)]
fn vectors<S: Simd, const V: usize>(simd: S, x: &[f32]) -> [S::f32s; V] {
    let width = V * S::F32_LANES;
    let mut vectors = [simd.splat_f32s(0.0); V];
    if let Some(x) = x.get(..width) {
        vectors.copy_from_slice(S::as_simd_f32s(x).0);
    } else {
        bytemuck::cast_slice_mut::<_, f32>(&mut vectors)[..x.len()].copy_from_slice(x);
    }
    vectors
}
