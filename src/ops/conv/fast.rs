//! The CPU path's forms of the convolution, by [`crate::gemm`].

use super::{Args, BiasArgs};
use crate::gemm::{Taps, conv_gradient_by_input, conv_gradient_by_weight, conv_value, workspace};
use crate::kernel::{Io, args_of};
use crate::{simd, threads};

/// Pixels whose sums are taken at a time.
const BAND: usize = 2048;

fn taps(a: &Args) -> Taps {
    let square = |size: u32| [size as usize; 2];
    let sizes = |sizes: [u32; 3]| sizes.map(|size| size as usize);
    Taps {
        kernel: square(a.kernel),
        stride: square(a.stride),
        padding: square(a.padding),
        dilation: square(a.dilation),
        input: sizes([a.in_h, a.in_w, a.in_c]),
        output: sizes([a.out_h, a.out_w, a.out_c]),
    }
}

pub(super) fn value(args: &[u8], io: &mut Io<'_>) {
    let [x, weight, now, mut y] = io.take();
    let rows = now.now().rows as usize;
    conv_value(&taps(&args_of(args)), x.f32(), weight.f32(), rows, y.f32_mut(), |_, _| ());
}

pub(super) fn value_bias(args: &[u8], io: &mut Io<'_>) {
    let [x, weight, now, bias, mut y] = io.take();
    let (taps, rows, bias) = (taps(&args_of(args)), now.now().rows as usize, bias.f32());
    let bias = &bias[..taps.output[2]];
    conv_value(&taps, x.f32(), weight.f32(), rows, y.f32_mut(), |_, band| {
        simd::run(
            #[inline(always)]
            || {
                for pixel in band.chunks_exact_mut(bias.len()) {
                    pixel.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
                }
            },
        );
    });
}

pub(super) fn grad_input(args: &[u8], io: &mut Io<'_>) {
    let [dy, weight, now, mut dx] = io.take();
    let rows = now.now().rows as usize;
    conv_gradient_by_input(&taps(&args_of(args)), dy.f32(), weight.f32(), rows, dx.f32_mut(), |_, _| ());
}

pub(super) fn grad_weight(args: &[u8], io: &mut Io<'_>) {
    let [dy, x, now, mut dw] = io.take();
    let (a, rows): (Args, _) = (args_of(args), now.now().rows as usize);
    let taps = taps(&a);
    assert!(a.part as usize >= rows * taps.output[0] * taps.output[1], "the CPU path does not split sums");
    conv_gradient_by_weight(&taps, x.f32(), dy.f32(), rows, dw.f32_mut(), None);
}

/// Sums of bands of pixels, added up in their order in float64.
pub(super) fn grad_bias(args: &[u8], io: &mut Io<'_>) {
    let [dy, now, mut dbias] = io.take();
    let a: BiasArgs = args_of(args);
    let features = a.features as usize;
    let dy = &dy.f32()[..(now.now().rows * a.pixels) as usize * features];
    workspace(dy.len().div_ceil(BAND * features) * features, |sums| {
        threads::for_pieces(&mut *sums, features, BAND, |band, sums: &mut [f32]| {
            let own = &dy[band * BAND * features..dy.len().min((band + 1) * BAND * features)];
            simd::run(
                #[inline(always)]
                || {
                    sums.fill(0.0);
                    for pixel in own.chunks_exact(features) {
                        sums.iter_mut().zip(pixel).for_each(|(sum, dy)| *sum += dy);
                    }
                },
            );
        });
        for (f, dbias) in dbias.f32_mut()[..features].iter_mut().enumerate() {
            *dbias = sums[f..].iter().step_by(features).map(|sum| f64::from(*sum)).sum::<f64>() as f32;
        }
    });
}
