//! The shortcut of a residual block whose layers shrink images and widen them: every `stride`-th pixel of images
//! `[rows, height, width, channels]`, with channels of 0 behind theirs.
//!
//! y[i, j, c] = x[i · stride, j · stride, c] for the channels of x, else 0. Gradient: dx is dy at those pixels, else 0.
//! Source: He et al. 2016, "Deep residual learning for image recognition", option A of section 3.3.

use crate::kernel::{Kernel, NOW, Needs, Tolerance, args_of, read, write};
use crate::op::window::{Window, not_images};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts, threads};

args! { struct Args { in_h: u32, in_w: u32, in_c: u32, out_h: u32, out_w: u32, out_c: u32, stride: u32 } }

static FORWARD: Kernel = Kernel {
    name: "shortcut.forward",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "shortcut/args.wgsl", "shortcut/forward.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("x"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [x, now, mut y] = io.take();
        forward(&args_of(a), x.f32(), now.now().rows, y.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, now, mut y] = io.take();
        let (a, rows): (Args, _) = (args_of(a), now.now().rows as usize);
        threads::for_chunks(&mut y.f32_mut()[..rows * a.outputs()], a.outputs(), |row, y| {
            forward(&a, &x.f32()[row * a.inputs()..], 1, y);
        });
    }),
};

static BACKWARD: Kernel = Kernel {
    name: "shortcut.backward",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "shortcut/args.wgsl", "shortcut/backward.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("dy"), NOW, write("dx")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [dy, now, mut dx] = io.take();
        backward(&args_of(a), dy.f32(), now.now().rows, dx.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [dy, now, mut dx] = io.take();
        let (a, rows): (Args, _) = (args_of(a), now.now().rows as usize);
        threads::for_chunks(&mut dx.f32_mut()[..rows * a.inputs()], a.inputs(), |row, dx| {
            backward(&a, &dy.f32()[row * a.outputs()..], 1, dx);
        });
    }),
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&FORWARD, &BACKWARD];

impl Args {
    fn inputs(&self) -> usize {
        (self.in_h * self.in_w * self.in_c) as usize
    }

    fn outputs(&self) -> usize {
        (self.out_h * self.out_w * self.out_c) as usize
    }

    /// Where each pixel of an image's y begins, and where the pixel of x does that it is.
    fn pixels(self) -> impl Iterator<Item = (usize, usize)> {
        let at = |width: u32, channels: u32, y: u32, x: u32| ((y * width + x) * channels) as usize;
        let all = (0..self.out_h).flat_map(move |i| (0..self.out_w).map(move |j| (i, j)));
        all.map(move |(i, j)| {
            (at(self.out_w, self.out_c, i, j), at(self.in_w, self.in_c, i * self.stride, j * self.stride))
        })
    }
}

/// The operation; input x, output `out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortcut {
    /// Pixels from one that is taken to the next.
    pub stride: usize,
    /// Channels of the output, at least those of the input.
    pub channels: usize,
}

impl Shortcut {
    fn args(&self, x: &Wire, y: &Wire) -> Args {
        let [in_h, in_w, in_c] = [1, 2, 3].map(|at| x.shape.0[at] as u32);
        let [out_h, out_w, out_c] = [1, 2, 3].map(|at| y.shape.0[at] as u32);
        Args { in_h, in_w, in_c, out_h, out_w, out_c, stride: self.stride as u32 }
    }
}

impl Op for Shortcut {
    fn name(&self) -> &'static str {
        "shortcut"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("a shortcut takes one input")) };
        if !x.is_of_images() {
            return Err(not_images("a shortcut", x));
        }
        let (given, wanted) = (x.features(), self.channels);
        if given > wanted {
            let what = format!("a shortcut by padding cannot make {wanted} channels of {given}");
            return Err(ShapeError::new(what));
        }
        let one = Window { kernel: 1, stride: self.stride, padding: 0, dilation: 1, ceil: false };
        let [height, width] = one.over("a shortcut", x)?;
        Ok(Outputs { outputs: vec![Made::f32("out", [x.rows(), height, width, wanted])], saved: vec![] })
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
    let case = |name: &str, rows: usize, x: [usize; 4], stride: usize, channels: usize, fill: Fill| {
        Case::new(name, Shortcut { stride, channels }, rows, vec![(x.into(), fill)])
    };
    let normal = || Fill::Normal(0.0, 1.0);
    vec![
        case("one pixel", 1, [1, 1, 1, 1], 1, 1, normal()),
        case("3 of 4x8x6x5 by 2 to 10", 3, [4, 8, 6, 5], 2, 10, normal()),
        case("2x7x5x3 by 2 to 4", 2, [2, 7, 5, 3], 2, 4, normal()),
        case("2x7x8x3 by 3", 2, [2, 7, 8, 3], 3, 3, normal()),
        case("5x16x16x8 by 2 to 16", 5, [5, 16, 16, 8], 2, 16, normal()).not_smooth(),
        case("extreme", 2, [2, 5, 4, 3], 2, 5, Fill::Extreme).not_smooth(),
        case("extreme dy", 2, [2, 5, 4, 3], 2, 5, normal()).extreme_up(),
    ]
}

fn forward(a: &Args, x: &[f32], rows: u32, y: &mut [f32]) {
    let [channels, wide] = [a.in_c, a.out_c].map(|count| count as usize);
    for (x, y) in x.chunks_exact(a.inputs()).zip(y.chunks_exact_mut(a.outputs())).take(rows as usize) {
        for (to, from) in a.pixels() {
            let (own, added) = y[to..to + wide].split_at_mut(channels);
            own.copy_from_slice(&x[from..from + channels]);
            added.fill(0.0);
        }
    }
}

fn backward(a: &Args, dy: &[f32], rows: u32, dx: &mut [f32]) {
    let channels = a.in_c as usize;
    for (dy, dx) in dy.chunks_exact(a.outputs()).zip(dx.chunks_exact_mut(a.inputs())).take(rows as usize) {
        dx.fill(0.0);
        for (from, to) in a.pixels() {
            dx[to..to + channels].copy_from_slice(&dy[from..from + channels]);
        }
    }
}
