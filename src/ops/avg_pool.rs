//! Average pooling over images `[rows, height, width, channels]`: y is the mean of each window, of each channel.
//!
//! The border is 0 and counts: the sum is divided by kernel². Only where a window of `ceil` reaches beyond the border, what lies
//! there does not count (torch.nn.AvgPool2d with `count_include_pad`). Nothing is saved. Gradient, as a gather: `dx[q]` = Σ of
//! dy ÷ count over the windows that hold q.

use crate::kernel::{Kernel, NOW, Needs, Size, Tolerance, args_of, read, write};
use crate::op::window::Window;
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts, simd, threads};

args! {
    struct Args { in_h: u32, in_w: u32, out_h: u32, out_w: u32, channels: u32, kernel: u32, stride: u32, padding: u32 }
}

/// Rounding of sums in any order, and of a quotient.
const SUM: Tolerance = Tolerance {
    c: 4.0,
    size: Size::Terms,
    terms: |a, _| (args_of::<Args>(a).kernel * args_of::<Args>(a).kernel) as usize,
};

static FORWARD: Kernel = Kernel {
    name: "avg_pool.forward",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "avg_pool/args.wgsl", "avg_pool/forward.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("x"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: SUM,
    twin: Some(|a, io| {
        let [x, now, mut y] = io.take();
        forward(&args_of(a), x.f32(), now.now().rows, y.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, now, mut y] = io.take();
        let (a, rows): (Args, _) = (args_of(a), now.now().rows);
        threads::for_chunks(&mut y.f32_mut()[..a.outputs(rows)], a.outputs(1), |row, y| {
            fast_forward(&a, &x.f32()[row * a.inputs(1)..], y);
        });
    }),
};

static BACKWARD: Kernel = Kernel {
    name: "avg_pool.backward",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "avg_pool/args.wgsl", "avg_pool/backward.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("dy"), NOW, write("dx")],
    needs: Needs::Nothing,
    tolerance: SUM,
    twin: Some(|a, io| {
        let [dy, now, mut dx] = io.take();
        backward(&args_of(a), dy.f32(), now.now().rows, dx.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [dy, now, mut dx] = io.take();
        let (a, rows): (Args, _) = (args_of(a), now.now().rows);
        threads::for_chunks(&mut dx.f32_mut()[..a.inputs(rows)], a.inputs(1), |row, dx| {
            fast_backward(&a, &dy.f32()[row * a.outputs(1)..], dx);
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

    /// What the window of an output looks at along a side of `size` pixels: its first place in the image, the place after its
    /// last, and how many places count.
    fn along(&self, output: usize, size: u32) -> [usize; 3] {
        let first = i64::from(self.stride) * output as i64 - i64::from(self.padding);
        let end = (first + i64::from(self.kernel)).min(i64::from(size + self.padding));
        [first.max(0), end.min(size.into()), end - first].map(|place| place as usize)
    }

    /// Calls `visit(place in x, place in y, values that count)` for the first channel of every value of every window of an image.
    #[inline(always)]
    fn pixels(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let [out_h, out_w, in_w, channels] =
            [self.out_h, self.out_w, self.in_w, self.channels].map(|size| size as usize);
        for (i, j) in (0..out_h).flat_map(|i| (0..out_w).map(move |j| (i, j))) {
            let ([top, bottom, down], [left, right, across]) = (self.along(i, self.in_h), self.along(j, self.in_w));
            for (y, x) in (top..bottom).flat_map(|y| (left..right).map(move |x| (y, x))) {
                visit((y * in_w + x) * channels, (i * out_w + j) * channels, down * across);
            }
        }
    }

    /// The same for every channel.
    fn terms(&self, mut visit: impl FnMut(usize, usize, f64)) {
        let channels = self.channels as usize;
        self.pixels(|x, y, count| (0..channels).for_each(|channel| visit(x + channel, y + channel, count as f64)));
    }
}

/// The operation; input x, output `out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool {
    /// Where the window of an output lies; its dilation is 1.
    pub window: Window,
}

impl AvgPool {
    fn args(&self, x: &Wire, y: &Wire) -> Args {
        let Window { kernel, stride, padding, .. } = self.window;
        let [kernel, stride, padding] = [kernel, stride, padding].map(|size| size as u32);
        let [in_h, in_w, channels] = [1, 2, 3].map(|at| x.shape.0[at] as u32);
        let [out_h, out_w] = [1, 2].map(|at| y.shape.0[at] as u32);
        Args { in_h, in_w, out_h, out_w, channels, kernel, stride, padding }
    }
}

impl Op for AvgPool {
    fn name(&self) -> &'static str {
        "avg_pool"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("avg_pool takes one input")) };
        let [height, width] = self.window.over("avg_pool", x)?;
        Ok(Outputs { outputs: vec![Made::f32("out", [x.rows(), height, width, x.features()])], saved: vec![] })
    }

    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, y, now) = (&w.inputs[0], &w.outputs[0], rec.now());
        rec.elements(&FORWARD, &self.args(x, y), &[x.slot, now, y.slot], y.shape.elements());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (dy, now) = (&w.d_outputs[0], rec.now());
        if let Some(dx) = &w.d_inputs[0] {
            rec.elements(&BACKWARD, &self.args(dx, dy), &[dy.slot, now, dx.slot], dx.shape.elements());
        }
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, rows: usize, x: [usize; 4], [kernel, stride, padding]: [usize; 3], ceil: bool| {
        let window = Window { kernel, stride, padding, dilation: 1, ceil };
        Case::new(name, AvgPool { window }, rows, vec![(x.into(), Fill::Normal(0.5, 1.0))])
    };
    let mut extreme = case("extreme", 3, [3, 8, 6, 5], [3, 2, 1], false).not_smooth();
    extreme.inputs[0].1 = Fill::Extreme;
    vec![
        case("one pixel", 1, [1, 1, 1, 1], [1, 1, 0], false),
        case("2 of 3x8x6x5", 3, [3, 8, 6, 5], [2, 2, 0], false),
        case("a remainder, 2 of 3 rows of 7x5x3", 2, [3, 7, 5, 3], [2, 2, 0], false),
        case("3 by 2 with a border, 2x9x7x4", 2, [2, 9, 7, 4], [3, 2, 1], false),
        case("overlapping, 2x6x7x3", 2, [2, 6, 7, 3], [3, 1, 1], false),
        case("gaps, 2x9x11x2", 2, [2, 9, 11, 2], [2, 3, 0], false),
        case("ceil, 2x6x5x3", 2, [2, 6, 5, 3], [3, 2, 1], true),
        case("ceil without a border, 2x6x7x2", 2, [2, 6, 7, 2], [4, 3, 0], true),
        case("several groups, 5 of 6x16x16x8", 5, [6, 16, 16, 8], [2, 2, 0], false).not_smooth(),
        extreme,
        case("extreme dy", 2, [2, 6, 7, 3], [3, 1, 1], false).extreme_up(),
    ]
}

fn forward(a: &Args, x: &[f32], rows: u32, y: &mut [f32]) {
    let mut sums = vec![0.0; a.outputs(1)];
    for row in 0..rows as usize {
        sums.fill(0.0);
        let x = &x[row * a.inputs(1)..];
        a.terms(|from, to, count| sums[to] += f64::from(x[from]) / count);
        y[row * sums.len()..].iter_mut().zip(&sums).for_each(|(y, sum)| *y = *sum as f32);
    }
}

fn backward(a: &Args, dy: &[f32], rows: u32, dx: &mut [f32]) {
    let mut sums = vec![0.0; a.inputs(1)];
    for row in 0..rows as usize {
        sums.fill(0.0);
        let dy = &dy[row * a.outputs(1)..];
        a.terms(|to, from, count| sums[to] += f64::from(dy[from]) / count);
        dx[row * sums.len()..].iter_mut().zip(&sums).for_each(|(dx, sum)| *dx = *sum as f32);
    }
}

/// The same of one image in float32: a window has few terms.
fn fast_forward(a: &Args, x: &[f32], y: &mut [f32]) {
    let channels = a.channels as usize;
    y.fill(0.0);
    simd::run(
        #[inline(always)]
        || {
            a.pixels(
                #[inline(always)]
                |from, to, count| add(&mut y[to..to + channels], &x[from..from + channels], 1.0 / count as f32),
            );
        },
    );
}

fn fast_backward(a: &Args, dy: &[f32], dx: &mut [f32]) {
    let channels = a.channels as usize;
    dx.fill(0.0);
    simd::run(
        #[inline(always)]
        || {
            a.pixels(
                #[inline(always)]
                |to, from, count| add(&mut dx[to..to + channels], &dy[from..from + channels], 1.0 / count as f32),
            );
        },
    );
}

/// Adds values, each multiplied by one factor, to sums.
#[inline(always)]
fn add(sums: &mut [f32], values: &[f32], by: f32) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * by);
}
