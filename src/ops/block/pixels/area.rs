//! What a thread works on at a time: some pixels, or some windows of one line.

use super::super::args::PixelArgs;
use crate::threads::Pieces;
use std::ops::Range;

/// Floats of an area, about: with what is made of it, it stays in the first cache.
const AREA: usize = 2 * 1024;

/// How the images of a batch lie, and their windows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub n: usize,
    height: usize,
    width: usize,
    pub pool: usize,
    /// Units of a line, and lines of an image: of windows, or, without pooling, pixels, each a line of its own.
    across: usize,
    down: usize,
}

/// Neighbouring units of one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    /// The first unit, and how many.
    pub unit: usize,
    pub units: usize,
    /// How many of them are whole windows, or pixels; and the first one's place in the result of pooling.
    pub whole: usize,
    pub to: usize,
    /// The first pixel, lines of pixels, pixels of a line, and those from a line to the next.
    pixel: usize,
    pub height: usize,
    pub width: usize,
    stride: usize,
}

impl Layout {
    /// Of all pixels, those that are in no whole window among them.
    pub fn of(a: &PixelArgs) -> Self {
        let [n, height, width, pool] = [a.n, a.in_h, a.in_w, a.pool].map(|size| size as usize);
        if pool == 1 {
            return Self { n, height: height * width, width: 1, pool, across: 1, down: height * width };
        }
        Self { n, height, width, pool, across: width.div_ceil(pool), down: height.div_ceil(pool) }
    }

    /// Of whole windows alone.
    pub fn of_whole(a: &PixelArgs) -> Self {
        let all = Self::of(a);
        Self { across: all.width / all.pool, down: all.height / all.pool, ..all }
    }

    /// Units of an area at most.
    fn most(self) -> usize {
        let most = (AREA / (self.n * self.pool * self.pool)).max(1);
        if self.pool == 1 { most } else { most.min(self.across.max(1)) }
    }

    /// Lines of an area at most.
    pub fn lines(self) -> usize {
        if self.pool == 1 { self.most() } else { 1 }
    }

    /// Floats of the pixels of an area at most.
    pub fn room(self) -> usize {
        self.most() * self.pool * self.pool * self.n
    }

    /// Floats of the pixels before a line of windows, counted over the batch.
    fn at(self, line: usize) -> usize {
        (line / self.down * self.height + (line % self.down * self.pool).min(self.height)) * self.width * self.n
    }

    /// Units of a line.
    pub fn across(self) -> usize {
        self.across
    }

    /// Calls `work` on the areas of some units.
    pub fn areas(self, units: Range<usize>, mut work: impl FnMut(Area)) {
        let Self { height, width, pool, across, down, .. } = self;
        let mut unit = units.start;
        while unit < units.end {
            let left = (units.end - unit).min(self.most());
            if pool == 1 {
                work(Area {
                    unit,
                    units: left,
                    whole: left,
                    to: unit,
                    pixel: unit,
                    height: 1,
                    width: left,
                    stride: left,
                });
                unit += left;
                continue;
            }
            let (line, x) = (unit / across, unit % across);
            let (image, y) = (line / down, line % down);
            let count = left.min(across - x);
            let [whole_across, whole_down] = [width / pool, height / pool];
            let whole = if y < whole_down { count.min(whole_across.saturating_sub(x)) } else { 0 };
            work(Area {
                unit,
                units: count,
                whole,
                to: (image * whole_down + y) * whole_across + x,
                pixel: (image * height + y * pool) * width + x * pool,
                height: pool.min(height - y * pool),
                width: (count * pool).min(width - x * pool),
                stride: width,
            });
            unit += count;
        }
    }
}

impl Area {
    /// Floats of its pixels.
    pub fn floats(&self, n: usize) -> usize {
        self.height * self.width * n
    }

    /// The places of its lines of pixels, behind a number of floats.
    pub fn lines(&self, n: usize, before: usize) -> impl Iterator<Item = Range<usize>> {
        let Self { pixel, width, stride, .. } = *self;
        (0..self.height).map(move |line| {
            let first = (pixel + line * stride) * n - before;
            first..first + width * n
        })
    }
}

/// What the units of some lines become: their pixels' gradients, or none, and the sums of their parts, or none.
pub(super) struct Out<'a> {
    pub layout: Layout,
    /// The first line, and how many.
    pub first: usize,
    pub count: usize,
    /// Lines of a part.
    pub of_part: usize,
    pub dz: &'a mut [f32],
    pub parts: &'a mut [f32],
}

impl Out<'_> {
    /// Floats of the pixels before the first line.
    pub fn before(&self) -> usize {
        self.layout.at(self.first)
    }

    /// The units of each of its parts.
    pub fn parts(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (across, end, of_part) = (self.layout.across, self.first + self.count, self.of_part);
        let lines = (self.first..end).step_by(of_part);
        lines.map(move |line| line * across..end.min(line + of_part) * across)
    }
}

impl Pieces for Out<'_> {
    fn size(&self) -> usize {
        self.count
    }

    fn cut(self, at: usize) -> (Self, Self) {
        let Self { layout, first, count, of_part, dz, parts } = self;
        let floats = if at == count { dz.len() } else { (layout.at(first + at) - layout.at(first)).min(dz.len()) };
        let sums = if at == count { parts.len() } else { (at / of_part * 2 * layout.n).min(parts.len()) };
        let ((dz, dz_rest), (parts, parts_rest)) = (dz.split_at_mut(floats), parts.split_at_mut(sums));
        (
            Self { layout, first, count: at, of_part, dz, parts },
            Self { layout, first: first + at, count: count - at, of_part, dz: dz_rest, parts: parts_rest },
        )
    }
}
