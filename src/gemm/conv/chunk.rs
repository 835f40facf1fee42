//! Some pixels of dy and what the taps read for them, for the gradient by weight.

use super::kernel::{Sums, TWO_WIDE, with_rows};
use super::{Taps, area, rows_of};
use crate::gemm::tile::step;
use pulp::Simd;
use std::ops::Range;
use std::slice::ChunksExactMut;

/// Most pixels of a chunk, but for images with longer lines: a panel of dy of two vectors of AVX2 takes half of the first cache.
const PIXELS: usize = 256;

/// All pixels, cut into chunks. How depends on the shapes alone.
#[derive(Clone, Copy)]
pub(super) struct Chunks<'a> {
    pub taps: &'a Taps,
    pub x: &'a [f32],
    pub dy: &'a [f32],
    pub rows: usize,
}

impl<'a> Chunks<'a> {
    /// Lines of a chunk, which are all of an image if it has more than one.
    fn lines(self) -> usize {
        rows_of(PIXELS, self.taps.output)
    }

    fn of_image(self) -> usize {
        self.taps.output[0].div_ceil(self.lines()).max(1)
    }

    fn images(self) -> usize {
        if self.of_image() > 1 { 1 } else { (PIXELS / area(self.taps.output).max(1)).max(1) }
    }

    pub fn count(self) -> usize {
        self.rows.div_ceil(self.images()) * self.of_image()
    }

    /// Pixels of the largest chunk.
    pub fn most(self) -> usize {
        self.images() * self.lines() * self.taps.output[1]
    }

    /// Floats of the lines of x that the taps of the largest chunk read, with the border around them.
    pub fn bordered(self) -> usize {
        self.images() * lines_below(self.taps, self.lines()) * self.taps.bordered()
    }

    pub fn at(self, index: usize) -> Chunk<'a> {
        let (image, line) = (index / self.of_image() * self.images(), index % self.of_image() * self.lines());
        Chunk {
            all: self,
            images: [image, self.rows.min(image + self.images())],
            lines: [line, self.taps.output[0].min(line + self.lines())],
        }
    }
}

/// Some lines of an image, or some images.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'a> {
    all: Chunks<'a>,
    images: [usize; 2],
    lines: [usize; 2],
}

impl Chunk<'_> {
    pub fn pixels(self) -> usize {
        (self.images[1] - self.images[0]) * (self.lines[1] - self.lines[0]) * self.all.taps.output[1]
    }

    /// Image and line of each line.
    fn each_line(self) -> impl Iterator<Item = [usize; 2]> {
        let ([first, end], [line, last]) = (self.images, self.lines);
        (first..end).flat_map(move |image| (line..last).map(move |line| [image, line]))
    }

    /// Copies dy to panels with room for `size` floats each: `two` of them `[pixels, W2]`, and a last one `[pixels, W]` if there are
    /// more channels; zero beyond the last channel. Says whether all are finite.
    #[inline(always)]
    pub fn pack_dy<const W: usize, const W2: usize>(self, two: usize, size: usize, out: &mut [f32]) -> bool {
        let [height, width, channels] = self.all.taps.output;
        let first = (self.images[0] * height + self.lines[0]) * width;
        let dy = self.all.dy[first * channels..].chunks_exact(channels).take(self.pixels());
        let mut is_finite = true;
        for (pixel, dy) in dy.enumerate() {
            let (dy, last) = dy.split_at(channels.min(two * W2));
            for (panel, dy) in dy.chunks(W2).enumerate() {
                is_finite &= copy::<W2>(dy, &mut out[panel * size + pixel * W2..]);
            }
            if !last.is_empty() {
                is_finite &= copy::<W>(last, &mut out[two * size + pixel * W..]);
            }
        }
        is_finite
    }

    /// Copies what some rows of the gradient, each an input channel of a tap, are multiplied by: `[pixels, rows]`, zero outside the
    /// image.
    #[inline(always)]
    pub fn pack_x(self, rows: Range<usize>, out: &mut [f32]) {
        let (channels, stride, mut row) = (self.all.taps.input[2], rows.len(), rows.start);
        while row < rows.end {
            let (tap, channel) = (row / channels, row % channels);
            let count = (channels - channel).min(rows.end - row);
            with_rows!(count, TWO_WIDE, N => self.pack_tap::<N>(tap, channel, stride, &mut out[row - rows.start..]));
            row += count;
        }
    }

    /// Copies N channels of a tap to places at equal distances.
    #[inline(always)]
    fn pack_tap<const N: usize>(self, tap: usize, channel: usize, stride: usize, out: &mut [f32]) {
        let taps = self.all.taps;
        let ([height, width, channels], across) = (taps.input, taps.output[1]);
        let tap = [tap / taps.kernel[1], tap % taps.kernel[1]];
        let [lines, columns] = [0, 1].map(|axis| inside(taps, axis, tap[axis]));
        for ([image, line], out) in self.each_line().zip(out.chunks_mut(stride * across)) {
            if columns.is_empty() || !lines.contains(&line) {
                clear::<N>(out, stride);
                continue;
            }
            let (before, out) = out.split_at_mut(columns.start * stride);
            let (out, after) = out.split_at_mut((columns.len() * stride).min(out.len()));
            clear::<N>(before, stride);
            clear::<N>(after, stride);
            let [y, x] = [place(taps, 0, line, tap[0]), place(taps, 1, columns.start, tap[1])];
            let x = &self.all.x[((image * height + y) * width + x) * channels + channel..];
            for (out, x) in out.chunks_mut(stride).zip(x.chunks(taps.stride[1] * channels)) {
                if let (Some(out), Some(x)) = (out.first_chunk_mut::<N>(), x.first_chunk::<N>()) {
                    *out = *x;
                }
            }
        }
    }

    /// Copies the lines of x that the taps read, with zeros for the border: for each image `[lines below, pixels, channels]`.
    #[inline(always)]
    pub fn pack_lines(self, out: &mut [f32]) {
        let taps = self.all.taps;
        let ([height, width, channels], [up, left]) = (taps.input, taps.padding);
        let (below, size) = (lines_below(taps, self.lines[1] - self.lines[0]), taps.bordered());
        let images = self.images[0]..self.images[1];
        let lines = images.flat_map(|image| (0..below).map(move |line| (image, line)));
        for ((image, line), out) in lines.zip(out.chunks_exact_mut(size)) {
            let y = (self.lines[0] * taps.stride[0] + line).wrapping_sub(up);
            if y >= height {
                out.fill(0.0);
                continue;
            }
            let (before, out) = out.split_at_mut((left * channels).min(size));
            let (inside, after) = out.split_at_mut((width * channels).min(out.len()));
            before.fill(0.0);
            inside.copy_from_slice(&self.all.x[(image * height + y) * width * channels..][..inside.len()]);
            after.fill(0.0);
        }
    }

    /// Sums of the products of R channels of a line of taps, from one on, with dy `[pixels, V vectors]`, by what
    /// [`pack_lines`](Self::pack_lines) left.
    #[inline(always)]
    pub fn sums_of_lines<S: Simd, const R: usize, const V: usize, const FUSED: bool>(
        self,
        simd: S,
        (down, channel): (usize, usize),
        x: &[f32],
        dy: &[[S::f32s; V]],
    ) -> Sums<S, R, V> {
        let taps = self.all.taps;
        let count = self.lines[1] - self.lines[0];
        let (below, size) = (lines_below(taps, count), taps.bordered());
        let (distance, images) = (taps.stride[1] * taps.input[2], self.images[1] - self.images[0]);
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        let lines = (0..images).flat_map(|image| (0..count).map(move |line| image * below + line * taps.stride[0]));
        for (line, dy) in lines.zip(dy.chunks_exact(taps.output[1])) {
            let x = &x[(line + down * taps.dilation[0]) * size..][channel..size];
            for (x, dy) in x.windows(R).step_by(distance).zip(dy) {
                if let Some(x) = x.first_chunk::<R>() {
                    step::<S, R, V, FUSED>(simd, x, dy, &mut sums);
                }
            }
        }
        sums
    }

    /// Sums of the products of R channels of a tap with dy `[pixels, V vectors]`, where the tap lies inside the image.
    #[inline(always)]
    pub fn sums<S: Simd, const R: usize, const V: usize, const FUSED: bool>(
        self,
        simd: S,
        tap: usize,
        channel: usize,
        dy: &[[S::f32s; V]],
    ) -> Sums<S, R, V> {
        let taps = self.all.taps;
        let ([height, width, channels], across) = (taps.input, taps.output[1]);
        let tap = [tap / taps.kernel[1], tap % taps.kernel[1]];
        let [lines, columns] = [0, 1].map(|axis| inside(taps, axis, tap[axis]));
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        if columns.is_empty() {
            return sums;
        }
        let left = place(taps, 1, columns.start, tap[1]);
        let lines = lines.start.max(self.lines[0])..lines.end.min(self.lines[1]);
        for image in self.images[0]..self.images[1] {
            let above = (image - self.images[0]) * (self.lines[1] - self.lines[0]);
            for line in lines.clone() {
                let dy = &dy[(above + line - self.lines[0]) * across + columns.start..][..columns.len()];
                let first = ((image * height + place(taps, 0, line, tap[0])) * width + left) * channels + channel;
                let Some((last, dy)) = dy.split_last() else { continue };
                // Chunks of one length that is known to be enough, so that nothing is checked in the loop; the last may be shorter.
                let distance = taps.stride[1] * channels;
                assert!(distance >= R, "a tile's channels are those of one pixel");
                let x = self.all.x[first..].split_at(dy.len() * distance);
                for (x, dy) in x.0.chunks_exact(distance).zip(dy) {
                    if let Some(x) = x.first_chunk::<R>() {
                        step::<S, R, V, FUSED>(simd, x, dy, &mut sums);
                    }
                }
                if let Some(x) = x.1.first_chunk::<R>() {
                    step::<S, R, V, FUSED>(simd, x, last, &mut sums);
                }
            }
        }
        sums
    }

    /// Adds the products of dy `[pixels, W]` with the rows of the gradient, but those of taps outside the image.
    pub fn add_inside(self, rows: Range<usize>, dy: &[f32], sums: ChunksExactMut<'_, f32>) {
        let taps = self.all.taps;
        let [height, width, channels] = taps.input;
        for (row, sums) in rows.zip(sums) {
            let tap = row / channels;
            let tap = [tap / taps.kernel[1], tap % taps.kernel[1]];
            let [lines, columns] = [0, 1].map(|axis| inside(taps, axis, tap[axis]));
            let pixels = self.each_line().flat_map(|line| (0..taps.output[1]).map(move |column| (line, column)));
            for (([image, line], column), dy) in pixels.zip(dy.chunks_exact(sums.len())) {
                if lines.contains(&line) && columns.contains(&column) {
                    let [y, x] = [place(taps, 0, line, tap[0]), place(taps, 1, column, tap[1])];
                    let x = self.all.x[((image * height + y) * width + x) * channels + row % channels];
                    sums.iter_mut().zip(dy).for_each(|(sum, dy)| *sum += x * dy);
                }
            }
        }
    }
}

/// Copies at most W floats, and zeros behind them. Says whether all are finite.
#[inline(always)]
fn copy<const W: usize>(from: &[f32], out: &mut [f32]) -> bool {
    let Some(out) = out.first_chunk_mut::<W>() else { unreachable!("room for all panels") };
    if let Some(from) = from.first_chunk::<W>() {
        *out = *from;
    } else {
        out[..from.len()].copy_from_slice(from);
        out[from.len()..].fill(0.0);
    }
    out.iter().fold(true, |all, dy| all & dy.is_finite())
}

/// Sets N floats of each pixel to zero.
#[inline(always)]
fn clear<const N: usize>(out: &mut [f32], stride: usize) {
    for out in out.chunks_mut(stride) {
        if let Some(out) = out.first_chunk_mut::<N>() {
            *out = [0.0; N];
        }
    }
}

/// Lines of x that the taps of so many lines of dy read, those in the border among them.
#[inline(always)]
fn lines_below(taps: &Taps, lines: usize) -> usize {
    (lines.max(1) - 1) * taps.stride[0] + (taps.kernel[0] - 1) * taps.dilation[0] + 1
}

/// The output places of an axis at which a tap lies inside the input.
#[inline(always)]
fn inside(taps: &Taps, axis: usize, tap: usize) -> Range<usize> {
    let (stride, place) = (taps.stride[axis], tap * taps.dilation[axis]);
    let [start, end] =
        [0, taps.input[axis]].map(|end| (end + taps.padding[axis]).saturating_sub(place).div_ceil(stride));
    start.min(taps.output[axis])..end.min(taps.output[axis])
}

/// Where the tap of an output place lies, which is inside the input.
#[inline(always)]
fn place(taps: &Taps, axis: usize, place: usize, tap: usize) -> usize {
    place * taps.stride[axis] + tap * taps.dilation[axis] - taps.padding[axis]
}
