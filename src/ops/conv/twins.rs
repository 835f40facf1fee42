//! Twins of the convolution: the definition, with sums in float64.

use super::{Args, BiasArgs};
use crate::kernel::{Io, args_of};

/// The sizes of one convolution, for plain loops.
#[derive(Clone, Copy)]
struct Sizes {
    /// Height, width and channels of x.
    x: [usize; 3],
    /// The same of y.
    y: [usize; 3],
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
}

impl Sizes {
    fn of(a: &Args) -> Self {
        let sizes = |sizes: [u32; 3]| sizes.map(|size| size as usize);
        let [kernel, stride, padding] = sizes([a.kernel, a.stride, a.padding]);
        let (x, y) = (sizes([a.in_h, a.in_w, a.in_c]), sizes([a.out_h, a.out_w, a.out_c]));
        Self { x, y, kernel, stride, padding, dilation: a.dilation as usize }
    }

    /// Where tap (u, v) of output pixel p, counted over the batch, finds the channels of its pixel in x; none in the border.
    fn pixel(&self, p: usize, [u, v]: [usize; 2]) -> Option<usize> {
        let [_, out_w, _] = self.y;
        let (row, j) = (p / out_w, p % out_w);
        let (image, i) = (row / self.y[0], row % self.y[0]);
        let at = |output: usize, tap: usize, size: usize| {
            (output * self.stride + tap * self.dilation).checked_sub(self.padding).filter(|at| *at < size)
        };
        let (y, x) = (at(i, u, self.x[0])?, at(j, v, self.x[1])?);
        Some(((image * self.x[0] + y) * self.x[1] + x) * self.x[2])
    }

    /// Calls `visit(place in y, place in W, place in x)` for the terms of outputs `pixels`; taps in the border are none.
    fn terms(&self, pixels: std::ops::Range<usize>, mut visit: impl FnMut(usize, usize, usize)) {
        let ([_, _, inputs], [_, _, outputs]) = (self.x, self.y);
        for p in pixels {
            for (u, v) in (0..self.kernel).flat_map(|u| (0..self.kernel).map(move |v| (u, v))) {
                let Some(pixel) = self.pixel(p, [u, v]) else { continue };
                for (o, c) in (0..outputs).flat_map(|o| (0..inputs).map(move |c| (o, c))) {
                    let weight = ((o * self.kernel + u) * self.kernel + v) * inputs + c;
                    visit(p * outputs + o, weight, pixel + c);
                }
            }
        }
    }

    fn outputs(&self, rows: u32) -> usize {
        rows as usize * self.y[0] * self.y[1]
    }
}

fn product(a: f32, b: f32) -> f64 {
    f64::from(a) * f64::from(b)
}

/// y, with b where there is one.
fn value_of(args: &[u8], io: &mut Io<'_>, has_bias: bool) {
    let [x, weight, now, four, five] = io.take();
    let (mut y, bias) = if has_bias { (five, Some(four)) } else { (four, None) };
    let sizes = Sizes::of(&args_of(args));
    let (pixels, outputs) = (sizes.outputs(now.now().rows), sizes.y[2]);
    let mut sums = vec![0.0; pixels * outputs];
    let (x, weight) = (x.f32(), weight.f32());
    sizes.terms(0..pixels, |y, w, at| sums[y] += product(weight[w], x[at]));
    for (at, (y, sum)) in y.f32_mut().iter_mut().zip(sums).enumerate() {
        *y = (sum + bias.as_ref().map_or(0.0, |bias| f64::from(bias.f32()[at % outputs]))) as f32;
    }
}

pub(super) fn value(args: &[u8], io: &mut Io<'_>) {
    value_of(args, io, false);
}

pub(super) fn value_bias(args: &[u8], io: &mut Io<'_>) {
    value_of(args, io, true);
}

pub(super) fn grad_input(args: &[u8], io: &mut Io<'_>) {
    let [dy, weight, now, mut dx] = io.take();
    let sizes = Sizes::of(&args_of(args));
    let rows = now.now().rows;
    let mut sums = vec![0.0; rows as usize * sizes.x.iter().product::<usize>()];
    let (dy, weight) = (dy.f32(), weight.f32());
    sizes.terms(0..sizes.outputs(rows), |y, w, at| sums[at] += product(dy[y], weight[w]));
    dx.f32_mut().iter_mut().zip(sums).for_each(|(dx, sum)| *dx = sum as f32);
}

/// The parts of the sums over the pixels; one part is the whole.
pub(super) fn grad_weight(args: &[u8], io: &mut Io<'_>) {
    let [dy, x, now, mut dw] = io.take();
    let a: Args = args_of(args);
    let sizes = Sizes::of(&a);
    let pixels = sizes.outputs(now.now().rows);
    let (dy, x, dw) = (dy.f32(), x.f32(), dw.f32_mut());
    let weights = (a.m * a.n) as usize;
    for (z, dw) in dw.chunks_exact_mut(weights).enumerate() {
        let mut sums = vec![0.0; weights];
        let own = pixels.min(z * a.part as usize)..pixels.min((z + 1) * a.part as usize);
        sizes.terms(own, |y, w, at| sums[w] += product(dy[y], x[at]));
        dw.iter_mut().zip(sums).for_each(|(dw, sum)| *dw = sum as f32);
    }
}

pub(super) fn grad_bias(args: &[u8], io: &mut Io<'_>) {
    let [dy, now, mut dbias] = io.take();
    let a: BiasArgs = args_of(args);
    let (features, pixels) = (a.features as usize, (now.now().rows * a.pixels) as usize);
    let mut sums = vec![0.0; features];
    for pixel in dy.f32()[..pixels * features].chunks_exact(features) {
        sums.iter_mut().zip(pixel).for_each(|(sum, dy)| *sum += f64::from(*dy));
    }
    dbias.f32_mut().iter_mut().zip(sums).for_each(|(dbias, sum)| *dbias = sum as f32);
}
