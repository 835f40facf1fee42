//! Convolutions on the host, in float32, without a copy of the images as a matrix.
//!
//! Images lie as rows of pixels and channels: x `[rows, in_h, in_w, ci]`, y `[rows, out_h, out_w, co]`, weights and their
//! gradient `[co, kh, kw, ci]`. The innermost loop multiplies some pixels, each of which is a slice of the image, by a panel of
//! weights, which are packed once for each call. Value and gradient by input are the same loop over other taps (`walk`, `pixels`,
//! `part`); the gradient by weight is a sum of outer products (`weight`, `chunk`).
//!
//! A tap that lies outside the image is no term, so no infinite weight makes a NaN of padding. All other terms go through by the
//! definition. How a sum is cut depends on the shapes alone, so no bit depends on the number of threads.
//! Source: Dukhan 2019, "The Indirect Convolution Algorithm".

mod chunk;
mod kernel;
mod part;
mod pixels;
#[cfg(test)]
mod tests;
mod walk;
mod weight;

use super::equal;
use crate::simd;

/// Where the taps of a convolution lie. Each pair is of height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taps {
    /// Taps of the kernel.
    pub kernel: [usize; 2],
    /// Input pixels between neighbouring output pixels.
    pub stride: [usize; 2],
    /// Pixels before the first one of the input that the first tap of the first output pixel lies.
    pub padding: [usize; 2],
    /// Input pixels between neighbouring taps.
    pub dilation: [usize; 2],
    /// Height, width and channels of the input.
    pub input: [usize; 3],
    /// Height, width and channels of the output.
    pub output: [usize; 3],
}

impl Taps {
    /// Taps of a pixel.
    fn count(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Floats of all weights.
    fn weights(&self) -> usize {
        self.count() * self.input[2] * self.output[2]
    }

    /// Floats of a line of the input that the taps of a line of the output read, those in the border among them.
    fn bordered(&self) -> usize {
        let pixels = (self.output[1].max(1) - 1) * self.stride[1] + (self.kernel[1] - 1) * self.dilation[1] + 1;
        pixels * self.input[2]
    }

    /// Products of a batch, those with padding among them.
    fn products(&self, rows: usize) -> usize {
        rows * area(self.output) * self.weights()
    }
}

/// Pixels of a band: its rows are contiguous, and no more than some hundred pixels if an image row has no more.
const BAND: usize = 256;

/// Pixels of an image.
fn area([height, width, _]: [usize; 3]) -> usize {
    height * width
}

/// Rows of the bands of so many pixels into which an image is cut, all of nearly one size.
fn rows_of(most: usize, [height, width, _]: [usize; 3]) -> usize {
    equal(height, (most / width.max(1)).max(1))
}

/// Pixels of a band of an image `[height, width, channels]`: whole rows of it, 256 pixels at most or a single row. The last band
/// of an image may have fewer. It depends on the shape alone.
pub fn band(image: [usize; 3]) -> usize {
    rows_of(BAND, image) * image[1]
}

/// y = the convolution of the first `rows` images of x with the weights. `end(first pixel, band [pixels, co])` is called on each
/// [`band`] of y as soon as it is computed, on the thread that did; pixels are counted over all images. It must not borrow the
/// memory of [`workspace`](super::workspace), which the weights are in.
///
/// # Panics
/// A slice is too short: a fault of ours.
pub fn conv_value(
    taps: &Taps,
    x: &[f32],
    weight: &[f32],
    rows: usize,
    y: &mut [f32],
    end: impl Fn(usize, &mut [f32]) + Sync,
) {
    pixels::run(simd::arch(), walk::Pass::Value(taps), (x, weight), rows, y, &end);
}

/// dx = the gradient of a loss by the input, from dy, its gradient by the output. What no tap reads becomes 0. `end` is called on
/// bands of dx as [`conv_value`] does on those of y.
///
/// # Panics
/// A slice is too short: a fault of ours.
pub fn conv_gradient_by_input(
    taps: &Taps,
    dy: &[f32],
    weight: &[f32],
    rows: usize,
    dx: &mut [f32],
    end: impl Fn(usize, &mut [f32]) + Sync,
) {
    pixels::run(simd::arch(), walk::Pass::GradientByInput(taps), (dy, weight), rows, dx, &end);
}

/// dw = the gradient of a loss by the weights, summed over the first `rows` images; `dbias` `[co]`, if it is wanted, = the sums of
/// dy over all pixels. Pixels are added up a few rows at a time, and these sums in their order.
///
/// # Panics
/// A slice is too short: a fault of ours.
pub fn conv_gradient_by_weight(
    taps: &Taps,
    x: &[f32],
    dy: &[f32],
    rows: usize,
    dw: &mut [f32],
    dbias: Option<&mut [f32]>,
) {
    weight::run(simd::arch(), taps, (x, dy), rows, dw, dbias);
}
