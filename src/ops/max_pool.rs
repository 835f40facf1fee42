//! Max pooling over images `[rows, height, width, channels]`: y is the largest of each window, of each channel.
//!
//! The border is −∞. The first of the largest in a window, in the order of rows and then columns, takes the gradient; a NaN in
//! a window makes its y NaN, and the first NaN takes the gradient (PyTorch's the last). Saved: for each output the pixel that
//! it took, counted over the image. Gradient, as a gather: `dx[q]` = Σ of dy over the windows that took q, in the order of rows
//! and then columns. Source: torch.nn.MaxPool2d.

use crate::kernel::{Kernel, NOW, Needs, Tolerance, args_of, read, write};
use crate::op::stage::Stage;
use crate::op::window::Window;
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts, simd, threads};

args! {
    struct Args {
        in_h: u32, in_w: u32, out_h: u32, out_w: u32, channels: u32, kernel: u32, stride: u32, padding: u32,
    }
}

static FORWARD: Kernel = Kernel {
    name: "max_pool.forward",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "max_pool/args.wgsl",
        "max_pool/forward.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("x"), NOW, write("y"), write("place").u32()],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [x, now, mut y, mut place] = io.take();
        forward(&args_of(a), x.f32(), now.now().rows, y.f32_mut(), place.u32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, now, mut y, mut place] = io.take();
        let (a, rows): (Args, _) = (args_of(a), now.now().rows);
        let size = a.outputs(1);
        let out = (&mut y.f32_mut()[..a.outputs(rows)], &mut place.u32_mut()[..a.outputs(rows)]);
        threads::for_pieces(out, size, 4, |row, (y, place): (&mut [f32], &mut [u32])| {
            let x = &x.f32()[row * a.inputs(1)..][..a.inputs(1)];
            simd::run(
                #[inline(always)]
                || forward_of_image(&a, x, y, place),
            );
        });
    }),
};

static BACKWARD: Kernel = Kernel {
    name: "max_pool.backward",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "max_pool/args.wgsl", "max_pool/backward.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("place").u32(), read("dy"), NOW, write("dx")],
    needs: Needs::Nothing,
    // At most as many additions as windows that overlap.
    tolerance: Tolerance { c: 4.0, size: crate::kernel::Size::Largest, terms: |_, _| 1 },
    twin: Some(|a, io| {
        let [place, dy, now, mut dx] = io.take();
        backward(&args_of(a), place.u32(), dy.f32(), now.now().rows, dx.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [place, dy, now, mut dx] = io.take();
        let (a, rows): (Args, _) = (args_of(a), now.now().rows);
        let (place, dy) = (place.u32(), dy.f32());
        threads::for_chunks(&mut dx.f32_mut()[..a.inputs(rows)], a.inputs(1), |row, dx| {
            let first = row * a.outputs(1);
            backward(&a, &place[first..], &dy[first..], 1, dx);
        });
    }),
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&FORWARD, &BACKWARD];

impl Args {
    fn inputs(&self, rows: u32) -> usize {
        (rows * self.in_h * self.in_w * self.channels) as usize
    }

    fn outputs(&self, rows: u32) -> usize {
        (rows * self.out_h * self.out_w * self.channels) as usize
    }

    /// Pixels of the image that the window of an output looks at, in their order.
    fn window(self, output: usize) -> impl Iterator<Item = usize> {
        let [out_w, in_h, in_w] = [self.out_w, self.in_h, self.in_w].map(|size| size as usize);
        let along = move |first: usize, size: usize| {
            (0..self.kernel as usize).filter_map(move |tap| {
                let at = (first * self.stride as usize + tap).checked_sub(self.padding as usize);
                at.filter(|at| *at < size)
            })
        };
        along(output / out_w, in_h).flat_map(move |y| along(output % out_w, in_w).map(move |x| y * in_w + x))
    }
}

/// The operation; input x, output `out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Where the window of an output lies; its dilation is 1.
    pub window: Window,
}

impl MaxPool {
    fn args(&self, x: &Wire, y: &Wire) -> Args {
        let Window { kernel, stride, padding, .. } = self.window;
        let [kernel, stride, padding] = [kernel, stride, padding].map(|size| size as u32);
        let size = |wire: &Wire, at: usize| wire.shape.0[at] as u32;
        Args {
            in_h: size(x, 1),
            in_w: size(x, 2),
            out_h: size(y, 1),
            out_w: size(y, 2),
            channels: size(x, 3),
            kernel,
            stride,
            padding,
        }
    }
}

impl Op for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("max_pool takes one input")) };
        let [height, width] = self.window.over("max_pool", x)?;
        let y = [x.rows(), height, width, x.features()];
        Ok(Outputs { outputs: vec![Made::f32("out", y)], saved: vec![Made::u32("place", y)] })
    }

    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, y, place, now) = (&w.inputs[0], &w.outputs[0], &w.saved[0], rec.now());
        rec.elements(&FORWARD, &self.args(x, y), &[x.slot, now, y.slot, place.slot], y.shape.elements());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (place, dy, now) = (&w.saved[0], &w.d_outputs[0], rec.now());
        if let Some(dx) = &w.d_inputs[0] {
            rec.elements(&BACKWARD, &self.args(dx, dy), &[place.slot, dy.slot, now, dx.slot], dx.shape.elements());
        }
    }

    fn stage(&self, inputs: &[Shape]) -> Option<Stage> {
        let Window { kernel, stride, padding, dilation, ceil } = self.window;
        let touch = [stride, padding, dilation] == [kernel, 0, 1] && kernel > 1 && !ceil;
        (touch && inputs[0].is_of_images()).then(|| Stage { pools: Some(kernel), ..Stage::without_text("max_pool") })
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let window =
        |[kernel, stride, padding]: [usize; 3], ceil: bool| Window { kernel, stride, padding, dilation: 1, ceil };
    let case = |name: &str, rows: usize, x: [usize; 4], window: Window, fill: Fill| {
        Case::new(name, MaxPool { window }, rows, vec![(x.into(), fill)])
    };
    // Values of which no two within a window are near each other: no difference changes the largest.
    let apart = |x: [usize; 4]| {
        let value = |i: usize| ((i * 7919) % 1009) as f32 / 50.0 - 10.0;
        Fill::Words((0..x.iter().product()).map(|i| value(i).to_bits()).collect())
    };
    let smooth =
        |name: &str, rows: usize, x: [usize; 4], sizes: [usize; 3]| case(name, rows, x, window(sizes, false), apart(x));
    let below = |x: [usize; 4]| Fill::Words(vec![f32::NEG_INFINITY.to_bits(); x.iter().product()]);
    vec![
        smooth("one pixel", 1, [1, 1, 1, 1], [1, 1, 0]),
        smooth("2 of 3x8x6x5", 3, [3, 8, 6, 5], [2, 2, 0]),
        smooth("a remainder, 2 of 3 rows of 7x5x3", 2, [3, 7, 5, 3], [2, 2, 0]),
        smooth("3 by 2 with a border, 2x9x7x4", 2, [2, 9, 7, 4], [3, 2, 1]),
        smooth("overlapping, 2x6x7x3", 2, [2, 6, 7, 3], [3, 1, 1]),
        smooth("gaps, 2x9x11x2", 2, [2, 9, 11, 2], [2, 3, 0]),
        case("ceil, 2x5x6x3", 2, [2, 5, 6, 3], window([3, 2, 1], true), apart([2, 5, 6, 3])),
        case("several groups, 5 of 6x16x16x8", 5, [6, 16, 16, 8], window([2, 2, 0], false), Fill::Normal(0.0, 1.0))
            .not_smooth(),
        case("ties", 2, [2, 5, 6, 3], window([3, 2, 1], false), Fill::Words(vec![1f32.to_bits(); 180])).not_smooth(),
        case("infinitely small", 2, [2, 4, 4, 1], window([3, 2, 1], false), below([2, 4, 4, 1])).not_smooth(),
        case("extreme", 3, [3, 8, 6, 5], window([2, 2, 0], false), Fill::Extreme).not_smooth(),
        case("extreme, overlapping", 3, [3, 6, 5, 2], window([3, 1, 1], false), Fill::Extreme).not_smooth(),
        smooth("extreme dy", 2, [2, 6, 7, 3], [3, 1, 1]).extreme_up(),
    ]
}

fn forward(a: &Args, x: &[f32], rows: u32, y: &mut [f32], place: &mut [u32]) {
    let (channels, pixels, outputs) = (a.channels as usize, a.inputs(1) / a.channels as usize, a.outputs(1));
    let better = |best: f32, x: f32| !best.is_nan() && (x.is_nan() || x > best);
    for row in 0..rows as usize {
        for output in 0..outputs / channels {
            for channel in 0..channels {
                let value = |pixel: usize| x[(row * pixels + pixel) * channels + channel];
                let largest =
                    a.window(output).reduce(|best, at| if better(value(best), value(at)) { at } else { best });
                let largest = largest.unwrap_or_else(|| unreachable!("no window lies in the border alone"));
                let at = row * outputs + output * channels + channel;
                (y[at], place[at]) = (value(largest), largest as u32);
            }
        }
    }
}

/// The same of one image, tap by tap for all channels of an output.
#[inline(always)]
fn forward_of_image(a: &Args, x: &[f32], y: &mut [f32], place: &mut [u32]) {
    let channels = a.channels as usize;
    let outputs = y.chunks_exact_mut(channels).zip(place.chunks_exact_mut(channels));
    for (output, (y, place)) in outputs.enumerate() {
        let mut window = a.window(output);
        let Some(first) = window.next() else { unreachable!("no window lies in the border alone") };
        y.copy_from_slice(&x[first * channels..][..channels]);
        place.fill(first as u32);
        for at in window {
            for ((y, place), &x) in y.iter_mut().zip(place.iter_mut()).zip(&x[at * channels..][..channels]) {
                let better = (x > *y) | (x.is_nan() & !y.is_nan());
                *y = if better { x } else { *y };
                *place = if better { at as u32 } else { *place };
            }
        }
    }
}

fn backward(a: &Args, place: &[u32], dy: &[f32], rows: u32, dx: &mut [f32]) {
    let (channels, inputs, outputs) = (a.channels as usize, a.inputs(1), a.outputs(1));
    dx[..rows as usize * inputs].fill(0.0);
    for row in 0..rows as usize {
        for output in 0..outputs {
            let at = row * outputs + output;
            dx[row * inputs + place[at] as usize * channels + output % channels] += dy[at];
        }
    }
}
