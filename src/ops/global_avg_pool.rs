//! Global average pooling over images `[rows, height, width, channels]`: y `[rows, channels]` is the mean over the pixels.
//!
//! Gradient: dx = dy ÷ pixels, the same for each pixel. Nothing is saved.
//! Source: Lin, Chen & Yan 2013, "Network in network", section 3.2; torch.nn.AdaptiveAvgPool2d(1).

use crate::kernel::{Kernel, NOW, Needs, Size, Tolerance, args_of, read, write};
use crate::op::window::not_images;
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires, spread};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts, simd, threads};

args! { struct Args { channels: u32, pixels: u32 } }

static FORWARD: Kernel = Kernel {
    name: "global_avg_pool.forward",
    parts: parts!("shared/now.wgsl", "shared/sum.wgsl", "global_avg_pool/args.wgsl", "global_avg_pool/forward.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("x"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: Tolerance { c: 4.0, size: Size::Terms, terms: |a, _| args_of::<Args>(a).pixels as usize },
    twin: Some(|a, io| {
        let [x, now, mut y] = io.take();
        forward(args_of(a), x.f32(), now.now().rows, y.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, now, mut y] = io.take();
        fast_forward(args_of(a), x.f32(), now.now().rows, y.f32_mut());
    }),
};

static BACKWARD: Kernel = Kernel {
    name: "global_avg_pool.backward",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "global_avg_pool/args.wgsl", "global_avg_pool/backward.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("dy"), NOW, write("dx")],
    needs: Needs::Nothing,
    tolerance: Tolerance::element(4.0),
    twin: Some(|a, io| {
        let [dy, now, mut dx] = io.take();
        backward(args_of(a), dy.f32(), now.now().rows, dx.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [dy, now, mut dx] = io.take();
        let (a, rows): (Args, _) = (args_of(a), now.now().rows);
        let (size, channels) = ((a.pixels * a.channels) as usize, a.channels as usize);
        threads::for_chunks(&mut dx.f32_mut()[..rows as usize * size], size, |row, dx| {
            backward(a, &dy.f32()[row * channels..], 1, dx);
        });
    }),
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&FORWARD, &BACKWARD];

/// The operation; input x, output `out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalAvgPool;

fn args(x: &Wire) -> Args {
    Args { channels: x.shape.features() as u32, pixels: x.shape.pixels() as u32 }
}

impl Op for GlobalAvgPool {
    fn name(&self) -> &'static str {
        "global_avg_pool"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        match inputs {
            [x] if x.is_of_images() => {
                Ok(Outputs { outputs: vec![Made::f32("out", [x.rows(), x.features()])], saved: vec![] })
            }
            [x] => Err(not_images(self.name(), x)),
            _ => Err(ShapeError::new("global_avg_pool takes one input")),
        }
    }

    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, y, now) = (&w.inputs[0], &w.outputs[0], rec.now());
        rec.dispatch(&FORWARD, &args(x), &[x.slot, now, y.slot], spread(y.shape.elements()));
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (dy, now) = (&w.d_outputs[0], rec.now());
        if let Some(dx) = &w.d_inputs[0] {
            rec.elements(&BACKWARD, &args(dx), &[dy.slot, now, dx.slot], dx.shape.elements());
        }
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, rows: usize, x: [usize; 4]| {
        Case::new(name, GlobalAvgPool, rows, vec![(x.into(), Fill::Normal(0.5, 1.0))])
    };
    let mut extreme = case("extreme", 3, [3, 3, 4, 5]).not_smooth();
    extreme.inputs[0].1 = Fill::Extreme;
    vec![
        case("one pixel", 1, [1, 1, 1, 1]),
        case("3 of 4x5x7x6", 3, [4, 5, 7, 6]),
        case("2x13x11x33", 2, [2, 13, 11, 33]),
        case("7x8x8x64", 7, [7, 8, 8, 64]).not_smooth(),
        extreme,
        case("extreme dy", 3, [3, 3, 4, 5]).extreme_up(),
    ]
}

fn forward(a: Args, x: &[f32], rows: u32, y: &mut [f32]) {
    let (channels, pixels) = (a.channels as usize, a.pixels as usize);
    for (i, y) in y[..rows as usize * channels].iter_mut().enumerate() {
        let first = i / channels * pixels * channels + i % channels;
        let sum: f64 = x[first..].iter().step_by(channels).take(pixels).map(|x| f64::from(*x)).sum();
        *y = (sum / f64::from(a.pixels)) as f32;
    }
}

/// The sums of each image in float64, for a block of channels at a time, in the order of the pixels.
fn fast_forward(a: Args, x: &[f32], rows: u32, y: &mut [f32]) {
    let (channels, pixels) = (a.channels as usize, a.pixels as usize);
    threads::for_chunks(&mut y[..rows as usize * channels], channels, |row, y| {
        let x = &x[row * pixels * channels..][..pixels * channels];
        simd::run(
            #[inline(always)]
            || {
                const WIDE: usize = 16;
                for (block, y) in y.chunks_mut(WIDE).enumerate() {
                    let mut sums = [0.0f64; WIDE];
                    for pixel in x.chunks_exact(channels) {
                        let pixel = &pixel[block * WIDE..][..y.len()];
                        sums.iter_mut().zip(pixel).for_each(|(sum, x)| *sum += f64::from(*x));
                    }
                    y.iter_mut().zip(sums).for_each(|(y, sum)| *y = (sum / pixels as f64) as f32);
                }
            },
        );
    });
}

fn backward(a: Args, dy: &[f32], rows: u32, dx: &mut [f32]) {
    let (channels, pixels) = (a.channels as usize, a.pixels as usize);
    for (dx, dy) in dx.chunks_exact_mut(pixels * channels).zip(dy.chunks_exact(channels)).take(rows as usize) {
        for dx in dx.chunks_exact_mut(channels) {
            dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx = dy / a.pixels as f32);
        }
    }
}
