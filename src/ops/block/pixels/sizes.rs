//! How the pixels of a batch are shared out among groups.

use super::super::args::{NOWHERE, PixelArgs};
use super::super::chain::Chain;
use crate::op::Family;
use crate::op::turns::over_pixels;
use crate::shape::Shape;

/// Floats of the columns of a part, about: they stay in the first cache.
const PART: usize = 8 * 1024;

/// Most parts of a batch.
const PARTS: usize = 1024;

/// Most quads of columns of a group.
const QUADS: usize = 64;

/// Most groups that share columns.
const GROUPS: usize = 16 * 1024;

/// Most units of a thread in the family of subgroups, whose drivers may end loops early.
const MOST: usize = 4096;

/// Threads of a group but in the family of subgroups, which has 8.
pub(super) const THREADS: usize = 256;

/// Sizes of the kernels of a chain over images.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Images of the batch.
    rows: usize,
    /// Height and width of an image.
    image: [usize; 2],
    /// Columns of z, and of h.
    pub n: usize,
    /// Pixels along each side of a window.
    pool: usize,
    family: Family,
}

impl Sizes {
    /// Of stages that are given images `[rows, height, width, n]`.
    pub fn of(chain: &Chain, z: &Shape, family: Family) -> Self {
        let [rows, height, width, n] = z.0[..] else { unreachable!("images have four sizes") };
        Self { rows, image: [height, width], n, pool: chain.pools(), family }
    }

    pub fn pixels(self) -> usize {
        self.image[0] * self.image[1]
    }

    /// What an image becomes: its pixels, or its windows.
    pub fn value_units(self) -> usize {
        (self.image[0] / self.pool) * (self.image[1] / self.pool)
    }

    /// Quads of columns of a group.
    fn quads(self) -> usize {
        match self.family {
            Family::Subgroup => 8,
            _ => self.n.div_ceil(4).next_power_of_two().min(QUADS),
        }
    }

    /// Threads that share the units of a quad.
    fn turns(self) -> usize {
        if self.family == Family::Subgroup { 1 } else { THREADS / self.quads() }
    }

    /// Arguments of a kernel that takes sums of parts of so many units of an image, each of so many pixels.
    fn of_sums(self, units: usize, pixels: usize) -> PixelArgs {
        // Whole lines of windows, so that what a part covers lies in one piece.
        let line = if pixels == 1 { 1 } else { self.image[1].div_ceil(self.pool) };
        let all = self.rows * units;
        let of_part = (PART / (self.n * pixels)).max(all.div_ceil(PARTS)).min(all).max(1).next_multiple_of(line);
        let args = PixelArgs {
            n: self.n as u32,
            pixels: self.pixels() as u32,
            units: units as u32,
            quads: self.quads() as u32,
            own: of_part as u32,
            part_units: units as u32,
            of_part: of_part as u32,
            in_h: self.image[0] as u32,
            in_w: self.image[1] as u32,
            pool: self.pool as u32,
            ..PixelArgs::default()
        };
        let [gamma, beta, saved, dgamma, dbeta, running_mean, running_var] = [NOWHERE; 7];
        PixelArgs { gamma, beta, saved, dgamma, dbeta, running_mean, running_var, ..args }
    }

    /// Arguments of the kernel that takes the moments of pixels.
    pub fn moments(self) -> PixelArgs {
        self.of_sums(self.pixels(), 1)
    }

    /// Arguments of the kernel that goes back through the stages: over pixels, or windows and what is left of them at the borders.
    pub fn sums(self) -> PixelArgs {
        self.of_sums(self.image[0].div_ceil(self.pool) * self.image[1].div_ceil(self.pool), self.pool * self.pool)
    }

    /// The same arguments for a kernel that stores no sums, over so many units of an image.
    pub fn over(self, units: usize, args: PixelArgs) -> PixelArgs {
        let all = self.rows * units;
        // Each group adds up all parts, so where few threads run at once there are few groups.
        let wanted = match self.family {
            Family::Subgroup => all.div_ceil(32).min(MOST),
            _ => 8 * self.turns(),
        };
        PixelArgs { units: units as u32, own: wanted.max(all.div_ceil(GROUPS)).max(1) as u32, ..args }
    }

    /// Shape of the parts: two numbers of each column.
    pub fn parts(self, args: &PixelArgs) -> [usize; 2] {
        [2 * (self.rows * args.part_units as usize).div_ceil(args.of_part as usize), self.n]
    }

    /// Turns of the loops of any of the kernels at most.
    pub fn most_turns(self) -> usize {
        let of = |args: PixelArgs| {
            let parts = (self.rows * args.part_units as usize).div_ceil(args.of_part as usize);
            over_pixels(
                self.family == Family::Subgroup,
                [args.own, args.quads, args.pool].map(|size| size as usize),
                parts,
            )
        };
        let (moments, sums) = (self.moments(), self.sums());
        let [value, back] = [self.over(self.value_units(), moments), self.over(self.pixels(), sums)];
        [moments, sums, value, back].into_iter().map(of).max().unwrap_or(0)
    }

    /// Groups of a kernel with these arguments.
    pub fn groups(self, args: &PixelArgs) -> [u32; 3] {
        let across = self.n.div_ceil(4).div_ceil(self.quads());
        let down = (self.rows * args.units as usize).div_ceil(args.own as usize);
        [across as u32, down as u32, 1]
    }
}
