//! The CPU path's pooling of an area: the largest of each window, as in max_pool, and its gradient.

use super::area::Area;
use pulp::{Simd, WithSimd};

/// The values of an area `[height, width, n]`, and its windows.
#[derive(Clone, Copy)]
pub(super) struct Windows<'a> {
    pub area: Area,
    pub values: &'a [f32],
    pub pool: usize,
    pub n: usize,
}

impl Windows<'_> {
    /// Where a pixel of a window begins.
    #[inline(always)]
    fn at(self, window: usize, [down, right]: [usize; 2]) -> usize {
        (down * self.area.width + window * self.pool + right) * self.n
    }

    /// Channels of a pixel of a window from one on; 0 behind the last.
    #[inline(always)]
    fn load<S: Simd>(self, simd: S, window: usize, pixel: [usize; 2], channel: usize) -> S::f32s {
        let own = &self.values[self.at(window, pixel)..][channel..self.n.min(channel + S::F32_LANES)];
        load(simd, own)
    }

    /// The largest of a window, and which of its pixels is the first of them, for channels from one on.
    #[inline(always)]
    fn best<S: Simd>(self, simd: S, window: usize, channel: usize) -> (S::f32s, S::f32s) {
        let mut best = self.load(simd, window, [0, 0], channel);
        let (mut place, mut number, one) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        for down in 0..self.pool {
            for right in 0..self.pool {
                let v = self.load(simd, window, [down, right], channel);
                // A NaN is not less than or equal to anything, and nothing takes its place.
                let [stays, counts] = [simd.less_than_or_equal_f32s(v, best), simd.equal_f32s(best, best)];
                let [v, own] = [simd.select_f32s(stays, best, v), simd.select_f32s(stays, place, number)];
                best = simd.select_f32s(counts, v, best);
                place = simd.select_f32s(counts, own, place);
                number = simd.add_f32s(number, one);
            }
        }
        (best, place)
    }
}

/// A vector of at most as many floats; 0 behind the last.
#[inline(always)]
fn load<S: Simd>(simd: S, from: &[f32]) -> S::f32s {
    match S::as_simd_f32s(from).0 {
        [whole] => *whole,
        _ => simd.partial_load_f32s(from),
    }
}

/// Stores as many floats as there is room for, at most a vector.
#[inline(always)]
fn store<S: Simd>(simd: S, to: &mut [f32], values: S::f32s) {
    match S::as_mut_simd_f32s(to).0 {
        [whole] => *whole = values,
        _ => simd.partial_store_f32s(to, values),
    }
}

/// Writes the largest of each window, `[units, n]`.
pub(super) struct Largest<'a> {
    pub windows: Windows<'a>,
    pub out: &'a mut [f32],
}

impl WithSimd for Largest<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (window, out) in self.out.chunks_exact_mut(self.windows.n).enumerate() {
            for (block, out) in out.chunks_mut(S::F32_LANES).enumerate() {
                let (best, _) = self.windows.best(simd, window, block * S::F32_LANES);
                store(simd, out, best);
            }
        }
    }
}

/// Writes the gradient by the pixels, out of that by the largest `[whole windows, n]`: the first of the largest has that of its
/// window. Pixels in no whole window keep what they have.
pub(super) struct Spread<'a> {
    pub windows: Windows<'a>,
    pub dh: &'a [f32],
    pub d: &'a mut [f32],
}

impl WithSimd for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { windows, dh, d } = self;
        let (n, zero, one) = (windows.n, simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        for (window, dh) in dh.chunks_exact(n).enumerate() {
            for (block, dh) in dh.chunks(S::F32_LANES).enumerate() {
                let channel = block * S::F32_LANES;
                let (_, place) = windows.best(simd, window, channel);
                let own = load(simd, dh);
                let mut number = zero;
                for down in 0..windows.pool {
                    for right in 0..windows.pool {
                        let is_own = simd.equal_f32s(place, number);
                        let d = &mut d[windows.at(window, [down, right]) + channel..][..dh.len()];
                        store(simd, d, simd.select_f32s(is_own, own, zero));
                        number = simd.add_f32s(number, one);
                    }
                }
            }
        }
    }
}
