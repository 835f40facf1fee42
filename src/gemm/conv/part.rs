//! A band of pixels: products with a panel of weights after the other.
//!
//! A panel `[tap, channel]` of two vectors is cut into blocks, which stay in the first cache while the tiles of the band go over
//! them:
//!
//! ```text
//!   6 pixels, each a slice        panel            sums
//!   of the image for each tap     tap, channel 0   [ 6 pixels, 2 vectors ]
//!                                 tap, channel 1
//! ```

use super::kernel::{Form, ONE, Sums, TWO_WIDE, add_slices, with_form, with_rows};
use super::walk::{Pass, Walk};
use crate::gemm::dense::Tiles;
use crate::gemm::{equal, tile};
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Most terms that are added up in registers: a panel of so many rows and two vectors of AVX2 takes two thirds of the first cache.
const TERMS: usize = 320;

/// Most channels of pixels that are not worth a slice for each tap.
const FEW: usize = 4;

/// What a tap reads outside the image. It is multiplied by finite weights alone.
static ZEROS: [f32; TERMS] = [0.0; TERMS];

/// What all threads read.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    pub pass: Pass<'a>,
    pub form: Form,
    pub source: &'a [f32],
    /// For each walk the panels of its weights, `[panel][tap][source channel][target channel]`.
    pub packed: &'a [f32],
    /// Whether zero times any weight is zero.
    pub is_finite: bool,
}

/// Computes some image rows of some images, which lie one after the other in `out`.
pub(super) struct Job<'a> {
    pub product: Product<'a>,
    pub images: Range<usize>,
    pub lines: Range<usize>,
    pub out: &'a mut [f32],
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
    let Job { product, images, lines, out } = job;
    let [_, width, channels] = product.pass.target();
    let (count, has_one) = product.form.panels(channels);
    let mut packed = product.packed;
    for walk in product.pass.walks() {
        let terms = walk.taps() * product.pass.source()[2];
        let (grid, own) = ([walk.y.grid(lines.clone()), walk.x.grid(0..width)], packed);
        packed = &packed[terms * product.form.columns(channels)..];
        if grid.iter().any(Range::is_empty) {
            continue;
        }
        let part = Part { product, walk, grid, images: images.clone(), lines: lines.clone() };
        if part.is_short() {
            part.short::<S, W2, TWO, FUSED>(simd, &own[..terms * product.form.columns(channels)], out);
            continue;
        }
        for panel in 0..count {
            let b = &own[panel * terms * W2..][..terms * W2];
            part.panel::<S, 2, TWO, FUSED>(simd, b, panel * W2, out);
        }
        if has_one {
            let b = &own[count * terms * W2..][..terms * W];
            part.panel::<S, 1, ONE, FUSED>(simd, b, count * W2, out);
        }
    }
}

/// The pixels of a job that a walk writes.
struct Part<'a> {
    product: Product<'a>,
    walk: Walk,
    grid: [Range<usize>; 2],
    images: Range<usize>,
    lines: Range<usize>,
}

/// Terms that are added up in registers.
#[derive(Clone, Copy)]
struct Block {
    taps: [usize; 2],
    channel: usize,
    channels: usize,
}

impl<'a> Part<'a> {
    /// A few target channels, from `channel` on, by their panel b `[terms, V vectors]`.
    #[inline(always)]
    fn panel<S: Simd, const V: usize, const MOST: usize, const FUSED: bool>(
        &self,
        simd: S,
        b: &[f32],
        channel: usize,
        out: &mut [f32],
    ) {
        let b = S::as_simd_f32s(b).0.as_chunks::<V>().0;
        let (taps, depth) = (self.walk.taps(), self.product.pass.source()[2]);
        // Without taps there is one block of no terms.
        let channels = if taps == 0 { depth } else { equal(depth, TERMS) };
        let some = if channels < depth { 1 } else { equal(taps, (TERMS / depth).max(1)) };
        let count = self.images.len() * self.grid[0].len() * self.grid[1].len();
        // Alone, a pixel can do without the taps that lie outside.
        let tiles = Tiles::of(count, if self.product.is_finite { MOST } else { 1 });
        for tap in (0..taps.max(1)).step_by(some) {
            for first in (0..depth).step_by(channels) {
                let block =
                    Block { taps: [tap, taps.min(tap + some)], channel: first, channels: channels.min(depth - first) };
                let terms = (block.taps[1] - tap) * block.channels;
                let b = &b[tap * depth + first..][..terms];
                let mut cursor = Cursor::new(self);
                for tile in 0..tiles.count {
                    with_rows!(tiles.at(tile).1, MOST, R => {
                        let places = cursor.take::<R>();
                        let sums = self.tile::<S, R, V, FUSED>(simd, &places, block, b);
                        self.store::<S, R, V>(simd, (sums, channel), &places, tap + first > 0, out);
                    });
                }
            }
        }
    }

    /// Whether what a tile reads is copied first, for all panels.
    fn is_short(&self) -> bool {
        let depth = self.product.pass.source()[2];
        depth <= FEW && (1..=TERMS).contains(&(self.walk.taps() * depth)) && self.product.is_finite
    }

    /// All target channels, by panels with few terms.
    #[inline(always)]
    fn short<S: Simd, const W2: usize, const MOST: usize, const FUSED: bool>(
        &self,
        simd: S,
        panels: &[f32],
        out: &mut [f32],
    ) {
        let (depth, channels) = (self.product.pass.source()[2], self.product.pass.target()[2]);
        let terms = self.walk.taps() * depth;
        let two = self.product.form.panels(channels).0 * terms * W2;
        let tiles = Tiles::of(self.images.len() * self.grid[0].len() * self.grid[1].len(), MOST);
        let mut cursor = Cursor::new(self);
        let mut a = [0.0; TERMS * TWO_WIDE];
        for tile in 0..tiles.count {
            with_rows!(tiles.at(tile).1, MOST, R => {
                let places = cursor.take::<R>();
                let a = &mut a.as_chunks_mut::<R>().0[..terms];
                self.copy(&places, a);
                for (b, column) in panels[..two].chunks_exact(terms * W2).zip((0..).step_by(W2)) {
                    let b = S::as_simd_f32s(b).0.as_chunks::<2>().0;
                    let sums = tile::tile::<S, R, 2, FUSED>(simd, a, b);
                    self.store::<S, R, 2>(simd, (sums, column), &places, false, out);
                }
                if two < panels.len() {
                    let b = S::as_simd_f32s(&panels[two..]).0.as_chunks::<1>().0;
                    let sums = tile::tile::<S, R, 1, FUSED>(simd, a, b);
                    self.store::<S, R, 1>(simd, (sums, two / terms), &places, false, out);
                }
            });
        }
    }

    /// Stores sums of some target channels from `channel` on, or adds them.
    #[inline(always)]
    fn store<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        (sums, channel): (Sums<S, R, V>, usize),
        places: &[Place; R],
        add: bool,
        out: &mut [f32],
    ) {
        let width = (V * S::F32_LANES).min(self.product.pass.target()[2] - channel);
        for r in 0..R {
            tile::store(simd, sums[r], &mut out[places[r].to + channel..][..width], add);
        }
    }

    /// Copies what the taps of some pixels read, `[terms, R]`.
    #[inline(always)]
    fn copy<const R: usize>(&self, places: &[Place; R], mut out: &mut [[f32; R]]) {
        let (depth, across) = (self.product.pass.source()[2], self.walk.x.taps);
        let count = if self.are_together(places) { across } else { 1 };
        for down in 0..self.walk.y.taps {
            for right in (0..across).step_by(count) {
                let own;
                (own, out) = out.split_at_mut(count * depth);
                match self.slices(places, [down, right], 0, own.len()) {
                    Some(a) => {
                        for (i, out) in own.iter_mut().enumerate() {
                            for r in 0..R {
                                out[r] = a[r][i];
                            }
                        }
                    }
                    None => own.fill([0.0; R]),
                }
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize, const FUSED: bool>(
        &self,
        simd: S,
        places: &[Place; R],
        block: Block,
        mut b: &[[S::f32s; V]],
    ) -> Sums<S, R, V> {
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        let across = self.walk.x.taps;
        let are_together = self.are_together(places);
        let [mut tap, end] = block.taps;
        while tap < end {
            let [t, u] = [tap / across, tap % across];
            let count = if are_together { (across - u).min(end - tap) } else { 1 };
            let own;
            (own, b) = b.split_at(count * block.channels);
            if let Some(a) = self.slices(places, [t, u], block.channel, own.len()) {
                add_slices::<S, R, V, FUSED>(simd, a, own, &mut sums);
            }
            tap += count;
        }
        sums
    }

    /// Whether the taps of a line of each pixel lie one after the other, and none before or behind the image's row.
    #[inline(always)]
    fn are_together<const R: usize>(&self, places: &[Place; R]) -> bool {
        let (line, width) = (self.walk.x, self.product.pass.source()[1].cast_signed());
        let last = line.taps.cast_signed() - 1;
        let mut inside = line.spread == 1 || line.taps == 1;
        for place in places {
            inside &= place.x >= 0 && place.x + last < width;
        }
        inside
    }

    /// Floats of each pixel from a tap on, zeros of those that lie outside; nothing if all do.
    #[inline(always)]
    fn slices<const R: usize>(
        &self,
        places: &[Place; R],
        tap: [usize; 2],
        channel: usize,
        length: usize,
    ) -> Option<[&'a [f32]; R]> {
        let [height, width, channels] = self.product.pass.source();
        let [down, right] = [tap[0] * self.walk.y.spread, tap[1] * self.walk.x.spread];
        let offset = (down * width + right) * channels + channel;
        let (mut slices, mut any) = ([&ZEROS[..length]; R], false);
        for (slice, place) in slices.iter_mut().zip(places) {
            let [y, x] = [place.y.wrapping_add_unsigned(down), place.x.wrapping_add_unsigned(right)];
            if y.cast_unsigned() < height && x.cast_unsigned() < width {
                *slice = &self.product.source[place.at.wrapping_add_unsigned(offset).cast_unsigned()..][..length];
                any = true;
            }
        }
        any.then_some(slices)
    }
}

/// A target pixel: where its first tap lies, also as floats before it, and where it is written.
#[derive(Clone, Copy, Default)]
struct Place {
    y: isize,
    x: isize,
    at: isize,
    to: usize,
}

/// Goes over the pixels of a part: the grid of the first image, then that of the next.
struct Cursor<'p, 'a> {
    part: &'p Part<'a>,
    image: usize,
    line: usize,
    /// Pixels that are left of the line.
    left: usize,
    place: Place,
    /// From a pixel to the next.
    step: Place,
}

impl<'p, 'a> Cursor<'p, 'a> {
    #[inline(always)]
    fn new(part: &'p Part<'a>) -> Self {
        let (line, [source, target]) = (part.walk.x, [part.product.pass.source(), part.product.pass.target()]);
        let step = Place {
            y: 0,
            x: line.step.cast_signed(),
            at: (line.step * source[2]).cast_signed(),
            to: line.every * target[2],
        };
        let mut cursor =
            Self { part, image: 0, line: part.grid[0].start, left: part.grid[1].len(), place: Place::default(), step };
        cursor.begin();
        cursor
    }

    /// Sets the place to the first of the line.
    #[inline(always)]
    fn begin(&mut self) {
        let Part { product, walk, grid, images, lines } = self.part;
        let ([height, width, channels], target) = (product.pass.source(), product.pass.target());
        let [y, x] = [walk.y.source(self.line), walk.x.source(grid[1].start)];
        let above = ((images.start + self.image) * height).cast_signed();
        let at = ((above + y) * width.cast_signed() + x) * channels.cast_signed();
        let row = self.image * lines.len() + walk.y.first + walk.y.every * self.line - lines.start;
        let column = walk.x.first + walk.x.every * grid[1].start;
        self.place = Place { y, x, at, to: (row * target[1] + column) * target[2] };
    }

    #[inline(always)]
    fn take<const R: usize>(&mut self) -> [Place; R] {
        let mut places = [self.place; R];
        for place in &mut places {
            *place = self.place;
            self.left -= 1;
            if self.left > 0 {
                let Place { x, at, to, .. } = &mut self.place;
                (*x, *at, *to) = (*x + self.step.x, *at + self.step.at, *to + self.step.to);
            } else {
                let grid = &self.part.grid;
                (self.line, self.left) = (self.line + 1, grid[1].len());
                if self.line == grid[0].end {
                    (self.line, self.image) = (grid[0].start, self.image + 1);
                }
                self.begin();
            }
        }
        places
    }
}
