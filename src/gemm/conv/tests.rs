use super::walk::Pass;
use super::*;
use crate::random::{Domain, Stream};
use crate::threads;
use kernel::Runs;
use pulp::{Scalar, Scalar512b, Simd, WithSimd};
use rand::RngExt;
use std::sync::Mutex;

/// An instruction set that the machine need not have.
#[derive(Clone, Copy)]
struct Of<S>(S);

impl<S: Simd> Runs for Of<S> {
    fn run<W: WithSimd>(self, work: W) -> W::Output {
        work.with_simd(self.0)
    }
}

/// A convolution of so many images, whose output is as large as the input, kernel and padding make it.
fn case(rows: usize, input: [usize; 3], channels: usize, settings: [[usize; 2]; 4]) -> (usize, Taps) {
    let [kernel, stride, padding, dilation] = settings;
    let [height, width] = [0, 1].map(|i| {
        let reach = dilation[i] * (kernel[i] - 1) + 1;
        (input[i] + 2 * padding[i] - reach) / stride[i] + 1
    });
    (rows, Taps { kernel, stride, padding, dilation, input, output: [height, width, channels] })
}

/// The same of a square kernel.
fn square(rows: usize, input: [usize; 3], channels: usize, settings: [usize; 4]) -> (usize, Taps) {
    case(rows, input, channels, settings.map(|value| [value; 2]))
}

/// Kernel, stride, padding, dilation.
fn cases() -> Vec<(usize, Taps)> {
    vec![
        // The layers of a small network for pictures of 32 x 32, and of a residual one.
        square(2, [32, 32, 3], 32, [3, 1, 1, 1]),
        square(2, [32, 32, 32], 32, [3, 1, 1, 1]),
        square(2, [16, 16, 32], 64, [3, 1, 1, 1]),
        square(3, [8, 8, 16], 16, [3, 1, 1, 1]),
        square(2, [9, 9, 16], 32, [3, 2, 1, 1]),
        square(2, [8, 8, 16], 32, [1, 2, 0, 1]),
        square(2, [23, 23, 3], 10, [7, 2, 3, 1]),
        // More terms than are added in registers, by taps and by channels; no multiple of anything.
        square(2, [5, 5, 70], 9, [3, 1, 1, 1]),
        square(2, [3, 4, 700], 7, [3, 2, 1, 1]),
        square(3, [6, 5, 17], 33, [3, 1, 1, 1]),
        square(3, [7, 6, 5], 3, [3, 1, 1, 1]),
        square(40, [4, 4, 13], 20, [3, 1, 1, 1]),
        // One of everything.
        square(1, [1, 1, 1], 1, [1, 1, 0, 1]),
        square(1, [1, 1, 4], 5, [3, 1, 1, 1]),
        square(1, [13, 11, 1], 1, [5, 1, 2, 1]),
        square(300, [1, 1, 6], 19, [1, 1, 0, 1]),
        // Strides that do not divide, beyond the kernel, and beyond the image; the last pixels are read by no tap.
        square(2, [10, 11, 4], 6, [3, 3, 0, 1]),
        square(2, [11, 10, 3], 8, [2, 4, 0, 1]),
        square(2, [3, 3, 2], 5, [2, 7, 1, 1]),
        case(2, [12, 9, 5], 7, [[3, 2], [2, 3], [0, 1], [1, 1]]),
        // Even kernels, dilation with and without a stride, padding larger than the image.
        square(2, [8, 7, 3], 4, [2, 1, 0, 1]),
        square(2, [8, 7, 6], 18, [4, 1, 2, 1]),
        square(2, [12, 13, 6], 5, [3, 1, 2, 2]),
        square(2, [12, 13, 6], 5, [3, 2, 2, 2]),
        square(2, [14, 13, 2], 5, [3, 4, 3, 6]),
        square(1, [3, 2, 3], 4, [3, 1, 5, 1]),
        square(2, [3, 2, 3], 4, [3, 2, 4, 3]),
        // Bands of several rows of a wide image, and rows longer than a band.
        case(1, [20, 100, 2], 3, [[3, 3], [1, 1], [1, 1], [1, 1]]),
        case(1, [3, 600, 2], 3, [[2, 5], [1, 1], [0, 2], [1, 1]]),
    ]
}

/// A tensor for each operand: x, weight, dy.
fn operands((rows, taps): (usize, Taps)) -> [Vec<f32>; 3] {
    let mut stream = Stream::new(5, Domain::Check, 1);
    let [x, dy] = Pass::Value(&taps).floats(rows);
    [x, taps.weights(), dy].map(|floats| (0..floats).map(|_| stream.random_range(-1.0..1.0)).collect())
}

/// The three results: y, dx, dw with dbias behind it.
type Results<T> = [Vec<T>; 3];

/// By the definition, in float64: sums, those of the magnitudes, and how many terms they have.
fn definition((rows, taps): (usize, Taps), [x, weight, dy]: &[Vec<f32>; 3]) -> Results<(f64, f64, f64)> {
    let mut sums = [dy.len(), x.len(), weight.len() + taps.output[2]].map(|floats| vec![(0.0, 0.0, 0.0); floats]);
    let mut add = |result: usize, at: usize, term: f64| {
        let (sum, size, count) = &mut sums[result][at];
        (*sum, *size, *count) = (*sum + term, *size + term.abs(), *count + 1.0);
    };
    let ([height, width, from], [out_height, out_width, to]) = (taps.input, taps.output);
    for pixel in 0..rows * out_height * out_width {
        let [image, i, j] = [pixel / (out_height * out_width), pixel / out_width % out_height, pixel % out_width];
        for o in 0..to {
            let at = pixel * to + o;
            add(2, weight.len() + o, f64::from(dy[at]));
            for tap in 0..taps.count() {
                let place = |axis: usize, out: usize, tap: usize| {
                    (out * taps.stride[axis] + tap * taps.dilation[axis]).checked_sub(taps.padding[axis])
                };
                let (tap_y, tap_x) = (tap / taps.kernel[1], tap % taps.kernel[1]);
                let (Some(y), Some(x_)) = (place(0, i, tap_y), place(1, j, tap_x)) else { continue };
                if y >= height || x_ >= width {
                    continue;
                }
                for c in 0..from {
                    let source = ((image * height + y) * width + x_) * from + c;
                    let w = (o * taps.count() + tap) * from + c;
                    let [x, weight, dy] = [x[source], weight[w], dy[at]].map(f64::from);
                    add(0, at, x * weight);
                    add(1, source, dy * weight);
                    add(2, w, x * dy);
                }
            }
        }
    }
    sums
}

/// What the functions give. Each result is larger than needed and not cleared.
fn results(arch: impl Runs, (rows, taps): (usize, Taps), [x, weight, dy]: &[Vec<f32>; 3]) -> Results<f32> {
    let mut y = vec![7.0; dy.len() + 3];
    pixels::run(arch, Pass::Value(&taps), (x, weight), rows, &mut y, &|_, _: &mut [f32]| ());
    let mut dx = vec![7.0; x.len() + 3];
    pixels::run(arch, Pass::GradientByInput(&taps), (dy, weight), rows, &mut dx, &|_, _: &mut [f32]| ());
    let mut dw = vec![7.0; weight.len()];
    let mut dbias = vec![7.0; taps.output[2]];
    weight::run(arch, &taps, (x, dy), rows, &mut dw, Some(&mut dbias));
    for (longer, own) in [(&mut y, dy), (&mut dx, x)] {
        assert!(longer.drain(own.len()..).all(|value| value == 7.0), "what is behind the last image stays");
    }
    dw.append(&mut dbias);
    [y, dx, dw]
}

/// Rounding of a sum: of its magnitudes 4 · 2⁻²⁴ · √terms.
fn assert_close(got: &Results<f32>, want: &Results<(f64, f64, f64)>, what: &str) {
    for ((got, want), name) in got.iter().zip(want).zip(["y", "dx", "dw"]) {
        assert_eq!(got.len(), want.len());
        for (at, (got, (sum, size, count))) in got.iter().zip(want).enumerate() {
            let gap = (f64::from(*got) - sum).abs();
            let bound = 4.0 * 2f64.powi(-24) * count.sqrt() * size;
            assert!(gap <= bound, "{what}: {name} [{at}] is {got}, not {sum}, off by {gap} of {bound}");
        }
    }
}

fn bits(results: &Results<f32>) -> Vec<u32> {
    results.iter().flatten().map(|value| value.to_bits()).collect()
}

#[test]
fn passes_agree_with_the_definition_for_any_number_of_threads() {
    for case in cases() {
        let operands = operands(case);
        let got = threads::with(1, || results(simd::arch(), case, &operands));
        assert_close(&got, &definition(case, &operands), &format!("{case:?}"));
        for threads in [2, 5] {
            let others = threads::with(threads, || results(simd::arch(), case, &operands));
            assert!(bits(&got) == bits(&others), "{case:?}, {threads} threads");
        }
    }
}

#[test]
fn passes_agree_with_the_definition_on_other_machines() {
    for case in cases().into_iter().filter(|(rows, taps)| taps.products(*rows) < 1 << 20) {
        let operands = operands(case);
        let want = definition(case, &operands);
        assert_close(&results(Of(Scalar), case, &operands), &want, &format!("without vectors, {case:?}"));
        assert_close(&results(Of(Scalar512b), case, &operands), &want, &format!("vectors of 16, {case:?}"));
    }
}

#[test]
fn constant_and_huge_data_round_no_worse() {
    let case = square(20, [16, 16, 64], 17, [3, 1, 1, 1]);
    for value in [0.1, 0.7e17, 1.1e-18] {
        let operands = operands(case).map(|operand| vec![value; operand.len()]);
        let got = results(simd::arch(), case, &operands);
        assert_close(&got, &definition(case, &operands), &format!("all {value}"));
    }
}

#[test]
fn nan_and_infinities_go_through_and_padding_is_no_term() {
    let specials = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    for case in [
        square(2, [5, 6, 3], 4, [3, 1, 1, 1]),
        square(2, [7, 6, 2], 18, [3, 2, 1, 1]),
        square(1, [9, 8, 1], 1, [2, 1, 3, 2]),
        square(2, [2, 2, 7], 35, [3, 1, 1, 1]),
    ] {
        for (special, operand) in specials.into_iter().flat_map(|value| [0, 1, 2].map(|operand| (value, operand))) {
            let mut operands = operands(case);
            let middle = operands[operand].len() / 2;
            (operands[operand][0], operands[operand][middle]) = (special, special);
            let want = definition(case, &operands);
            for got in [results(simd::arch(), case, &operands), results(Of(Scalar512b), case, &operands)] {
                for (got, (want, ..)) in got.iter().flatten().zip(want.iter().flatten()) {
                    let same = if want.is_finite() { got.is_finite() } else { f64::from(*got).total_cmp(want).is_eq() };
                    assert!(same || got.is_nan() && want.is_nan(), "{case:?}, {special} in {operand}: {got}, {want}");
                }
            }
        }
    }
}

#[test]
fn an_end_is_called_on_each_band_once() {
    for case @ (rows, taps) in cases() {
        let operands @ [x, weight, dy] = &operands(case);
        let [y, dx, _] = results(simd::arch(), case, operands);
        for threads in [1, 5] {
            let (mut ended, mut ended_dx) = (vec![0.0; dy.len()], vec![0.0; x.len()]);
            let calls = [const { Mutex::new(vec![]) }; 2];
            let end = |call: usize, channels: usize, first: usize, band: &mut [f32]| {
                band.iter_mut().for_each(|value| *value += 1.0);
                calls[call].lock().unwrap_or_else(|e| panic!("{e}")).push((first, band.len() / channels));
            };
            threads::with(threads, || {
                conv_value(&taps, x, weight, rows, &mut ended, |first, band| end(0, taps.output[2], first, band));
                conv_gradient_by_input(&taps, dy, weight, rows, &mut ended_dx, |first, band| {
                    end(1, taps.input[2], first, band);
                });
            });
            for (want, got) in y.iter().chain(&dx).zip(ended.iter().chain(&ended_dx)) {
                assert_eq!(want + 1.0, *got);
            }
            for (calls, image) in calls.into_iter().zip([taps.output, taps.input]) {
                let mut calls = calls.into_inner().unwrap_or_else(|e| panic!("{e}"));
                calls.sort_unstable();
                let (all, own) = (image[0] * image[1], band(image));
                let bands =
                    (0..rows).flat_map(|row| (0..all).step_by(own).map(move |at| (row * all + at, own.min(all - at))));
                assert_eq!(calls, bands.collect::<Vec<_>>(), "{case:?}");
            }
        }
    }
}

#[test]
fn bands_are_whole_rows_of_an_image() {
    let bands = [[32, 32, 64], [16, 16, 1], [56, 56, 1], [112, 112, 3], [7, 7, 512], [1, 1, 1], [2, 300, 1]];
    assert_eq!(bands.map(band), [256, 256, 224, 224, 49, 1, 300]);
}
