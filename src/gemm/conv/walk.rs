//! Which pixels of an image the taps of another image's pixels are.
//!
//! The gradient by input of a convolution with a stride is cut into classes of pixels, by the remainders of their places: the
//! taps that hit an output pixel are the same for all pixels of a class, and lie at equal distances again.

use super::{Taps, area};
use std::ops::Range;

/// A product of images with weights.
#[derive(Clone, Copy)]
pub(super) enum Pass<'a> {
    Value(&'a Taps),
    GradientByInput(&'a Taps),
}

impl<'a> Pass<'a> {
    pub fn taps(self) -> &'a Taps {
        let (Self::Value(taps) | Self::GradientByInput(taps)) = self;
        taps
    }

    /// Height, width and channels of the image that is read.
    pub fn source(self) -> [usize; 3] {
        match self {
            Self::Value(taps) => taps.input,
            Self::GradientByInput(taps) => taps.output,
        }
    }

    /// Height, width and channels of the image that is written.
    pub fn target(self) -> [usize; 3] {
        match self {
            Self::Value(taps) => taps.output,
            Self::GradientByInput(taps) => taps.input,
        }
    }

    /// The walks that together write every pixel of the target once.
    pub fn walks(self) -> impl Iterator<Item = Walk> {
        let classes = match self {
            Self::Value(_) => [1, 1],
            Self::GradientByInput(taps) => [0, 1].map(|axis| taps.stride[axis].min(taps.input[axis])),
        };
        (0..classes[0]).flat_map(move |y| (0..classes[1]).map(move |x| Walk::new(self, [y, x])))
    }

    /// Floats of the source and of the target.
    pub fn floats(self, rows: usize) -> [usize; 2] {
        [self.source(), self.target()].map(|image| rows * area(image) * image[2])
    }
}

/// A walk over a grid of target pixels, each with the same taps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub y: Line,
    pub x: Line,
    /// Taps in a line of the whole kernel.
    across: usize,
}

/// One axis of a walk: place `i` of the grid is the target's `first + every · i`, and its tap `t` the source's
/// `origin + step · i + spread · t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub taps: usize,
    pub origin: isize,
    pub step: usize,
    pub spread: usize,
    pub first: usize,
    pub every: usize,
    /// Which tap of the kernel the first one is, and how many lie from one back to the next; forth, if `is_turned` is not set.
    tap: usize,
    jump: usize,
    is_turned: bool,
}

impl Walk {
    fn new(pass: Pass<'_>, class: [usize; 2]) -> Self {
        let line = |axis: usize| match pass {
            Pass::Value(taps) => Line::value(taps, axis),
            Pass::GradientByInput(taps) => Line::gradient(taps, axis, class[axis]),
        };
        Self { y: line(0), x: line(1), across: pass.taps().kernel[1] }
    }

    pub fn taps(&self) -> usize {
        self.y.taps * self.x.taps
    }

    /// The tap of the kernel that a tap is.
    pub fn tap(&self, tap: usize) -> usize {
        self.y.tap(tap / self.x.taps) * self.across + self.x.tap(tap % self.x.taps)
    }
}

impl Line {
    fn value(taps: &Taps, axis: usize) -> Self {
        Self {
            taps: taps.kernel[axis],
            origin: -taps.padding[axis].cast_signed(),
            step: taps.stride[axis],
            spread: taps.dilation[axis],
            first: 0,
            every: 1,
            tap: 0,
            jump: 1,
            is_turned: false,
        }
    }

    /// The input pixels with this remainder of the stride: tap k of output pixel o is input pixel o · stride - padding +
    /// dilation · k, so that the k which have an o are a few apart. The last one has the first o.
    fn gradient(taps: &Taps, axis: usize, remainder: usize) -> Self {
        let [stride, padding, dilation] = [taps.stride[axis], taps.padding[axis], taps.dilation[axis]];
        let place = |tap: usize| (remainder + padding).cast_signed() - (tap * dilation).cast_signed();
        let last = (0..taps.kernel[axis]).rev().find(|tap| place(*tap) % stride.cast_signed() == 0);
        let common = greatest_common_divisor(stride, dilation);
        let jump = stride / common;
        Self {
            taps: last.map_or(0, |last| last / jump + 1),
            origin: last.map_or(0, place) / stride.cast_signed(),
            step: 1,
            spread: dilation / common,
            first: remainder,
            every: stride,
            tap: last.unwrap_or(0),
            jump,
            is_turned: true,
        }
    }

    fn tap(&self, tap: usize) -> usize {
        if self.is_turned { self.tap - tap * self.jump } else { self.tap + tap * self.jump }
    }

    /// The part of the grid that is written to these places of the target.
    pub fn grid(&self, target: Range<usize>) -> Range<usize> {
        let place = |end: usize| end.saturating_sub(self.first).div_ceil(self.every);
        place(target.start)..place(target.end)
    }

    /// Where the first tap of a place of the grid lies.
    pub fn source(&self, place: usize) -> isize {
        self.origin + (place * self.step).cast_signed()
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
