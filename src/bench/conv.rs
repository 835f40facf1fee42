//! The passes of convolutions on the CPU path, and the most that its threads can multiply and add.

use super::{Rates, Timing, measure};
use crate::gemm::{Taps, conv_gradient_by_input, conv_gradient_by_weight, conv_value};
use crate::random::{Domain, Stream};
use crate::simd;
use crate::threads;
use pulp::{Scalar128b, Simd, WithSimd};
use rand::RngExt;
use std::convert::Infallible;
use std::fmt;
use std::hint::black_box;

/// Images of a batch.
const BATCH: usize = 64;

/// Channels in, channels out, height and width: the layers of `w5`, and two of a residual network.
const SHAPES: [[usize; 3]; 5] = [[3, 32, 32], [32, 32, 32], [32, 64, 16], [64, 64, 16], [64, 64, 56]];

/// What a convolution computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvPass {
    /// The value of the layer, y.
    Value,
    /// Its gradient by the input.
    GradientByInput,
    /// Its gradient by the weights.
    GradientByWeight,
}

/// A pass of a convolution of 64 images: a kernel of 3 x 3, stride and padding 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// What is computed of it.
    pub pass: ConvPass,
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Height and width of an image.
    pub side: usize,
}

/// As in `value 64x32x32x32 to 32`: images, height, width and channels of the input, channels of the output.
impl fmt::Display for Conv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pass = match self.pass {
            ConvPass::Value => "value",
            ConvPass::GradientByInput => "by input",
            ConvPass::GradientByWeight => "by weight",
        };
        let Self { inputs, outputs, side, .. } = self;
        write!(f, "{pass} {BATCH}x{side}x{side}x{inputs} to {outputs}")
    }
}

impl Conv {
    /// The three passes of all shapes.
    pub fn all() -> Vec<Self> {
        let passes = [ConvPass::Value, ConvPass::GradientByInput, ConvPass::GradientByWeight];
        let of = |[inputs, outputs, side]: [usize; 3]| passes.map(|pass| Self { pass, inputs, outputs, side });
        SHAPES.into_iter().flat_map(of).collect()
    }

    fn taps(&self) -> Taps {
        let pair = |value: usize| [value; 2];
        Taps {
            kernel: pair(3),
            stride: pair(1),
            padding: pair(1),
            dilation: pair(1),
            input: [self.side, self.side, self.inputs],
            output: [self.side, self.side, self.outputs],
        }
    }

    /// Floating-point operations, those with padding among them.
    pub fn flops(&self) -> f64 {
        2.0 * 9.0 * (BATCH * self.side * self.side * self.inputs * self.outputs) as f64
    }

    /// Runs of the pass per second.
    pub fn measure(&self, timing: Timing) -> Rates {
        let (taps, pixels) = (self.taps(), BATCH * self.side * self.side);
        let mut stream = Stream::new(7, Domain::Check, 1);
        let mut random = |floats: usize| (0..floats).map(|_| stream.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let [mut x, mut weight, mut y] =
            [pixels * self.inputs, 9 * self.inputs * self.outputs, pixels * self.outputs].map(&mut random);
        let Ok(rates) = measure(timing, |count| {
            threads::enter(|| {
                for _ in 0..count {
                    match self.pass {
                        ConvPass::Value => conv_value(&taps, &x, &weight, BATCH, &mut y, |_, _| ()),
                        ConvPass::GradientByInput => {
                            conv_gradient_by_input(&taps, &y, &weight, BATCH, &mut x, |_, _| ());
                        }
                        ConvPass::GradientByWeight => conv_gradient_by_weight(&taps, &x, &y, BATCH, &mut weight, None),
                    }
                }
            });
            Ok::<_, Infallible>(())
        });
        rates
    }
}

/// Sums that do not wait for one another: enough for two products a cycle, each of which takes four or five.
const SUMS: usize = 12;

/// Products that are added to each sum in one go.
const ROUNDS: usize = 20_000;

/// Floating-point operations per second of all threads together, in products and sums that stay in registers.
pub fn peak(timing: Timing) -> Rates {
    let pieces = 16 * threads::count();
    let lanes = simd::arch().dispatch(Registers(0));
    let mut results = vec![0.0; pieces];
    let Ok(rates) = measure(timing, |count| {
        threads::enter(|| {
            for _ in 0..count {
                let mut rooms = vec![(); threads::count()];
                threads::share(&mut results[..], [1, 1], &mut rooms[..], 1, |_, _, piece: &mut [f32]| {
                    piece.fill(simd::arch().dispatch(Registers(ROUNDS)));
                });
            }
        });
        Ok::<_, Infallible>(())
    });
    black_box(results);
    rates.times((2 * pieces * SUMS * ROUNDS) as f64 * f64::from(lanes))
}

/// So many rounds of products. Gives a sum of them; of none the lanes of a vector.
struct Registers(usize);

impl WithSimd for Registers {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        match S::F32_LANES {
            4 | 8 | 16 => registers::<S, true>(simd, self.0),
            _ => registers::<Scalar128b, false>(Scalar128b, self.0),
        }
    }
}

#[inline(always)]
fn registers<S: Simd, const FUSED: bool>(simd: S, rounds: usize) -> f32 {
    // Near 1, where no product becomes slow for being too small.
    let (a, b) = (simd.splat_f32s(black_box(0.999)), simd.splat_f32s(black_box(0.001)));
    let mut sums = [simd.splat_f32s(1.0); SUMS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = if FUSED { simd.mul_add_e_f32s(a, *sum, b) } else { simd.add_f32s(simd.mul_f32s(a, *sum), b) };
        }
    }
    if rounds == 0 {
        return S::F32_LANES as f32;
    }
    sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_and_the_peak_are_measured() {
        let timing = Timing { runs: 1, seconds: 0.01 };
        let all = Conv::all();
        assert_eq!((all.len(), all[5].to_string().as_str()), (15, "by weight 64x32x32x32 to 32"));
        assert_eq!(all[5].flops(), 2.0 * 64.0 * 1024.0 * 32.0 * 288.0);
        let peak = peak(timing).median();
        for conv in &all[..3] {
            let rate = conv.measure(timing).median() * conv.flops();
            assert!(rate > 0.0 && rate.is_finite() && peak.is_finite() && peak > 1e8, "{conv}: {rate} of {peak}");
        }
    }
}
