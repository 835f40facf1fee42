//! Convolution of images, in the three forms that a layer needs, as matrix products whose rows are gathered.
//!
//! x is `[rows, height, width, in]`, W `[out, kernel, kernel, in]` in memory (`[out, in, kernel, kernel]` in files, as PyTorch),
//! b `[out]`, y `[rows, height', width', out]`:
//! - value: `y[p, o] = b[o] + Σ x[pixel(p, t), c] · W[o, t, c]` over taps t and channels c;
//! - gradient by x, as a gather: `dx[q, c] = Σ dy[p, o] · W[o, t, c]` over o and the taps t that reach pixel q from an output p; a
//!   pixel that no tap reads gets 0;
//! - gradient by W: `dW[o, t, c] = Σ dy[p, o] · x[pixel(p, t), c]` over rows and outputs p;
//! - gradient by b: Σ over rows and outputs of dy.
//!
//! Tap t = (u, v) of output (i, j) reads pixel (i · stride + u · dilation − padding, likewise of v); beyond the image it is no term
//! (GPU kernels multiply the weight by 0 there, so that one that is not finite makes NaN of the border, too).
//! It is the cross-correlation that all libraries call convolution (torch.nn.Conv2d). Nothing is saved beyond x. The sum over
//! rows and pixels of dW is split, and its parts are added in order, so that the device is filled.

mod cases;
mod fast;
mod twins;
mod variants;

pub use cases::cases;
pub use variants::KERNELS;

use crate::args;
use crate::op::window::Window;
use crate::op::{Made, Op, Outputs, Recorder, Wire, Wires, spread};
use crate::ops::matmul::{record_sum_of_parts, split};
use crate::shape::{Shape, ShapeError};
use variants::Part;

args! {
    struct Args {
        m: u32, n: u32, k: u32, part: u32,
        in_h: u32, in_w: u32, in_c: u32, out_h: u32, out_w: u32, out_c: u32,
        kernel: u32, stride: u32, padding: u32, dilation: u32,
    }
}
args! { struct BiasArgs { features: u32, pixels: u32 } }

/// The operation. Inputs: x, W, and b if it has a bias; output `out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Where the taps of an output lie.
    pub window: Window,
}

impl Conv {
    /// The arguments of a kernel that makes c `[m, n]`, by the batch's capacity.
    fn args(&self, x: &Shape, y: &Shape, [m, n, k]: [usize; 3], part: usize) -> Args {
        let Window { kernel, stride, padding, dilation, .. } = self.window;
        let [m, n, k, part] = [m, n, k, part].map(|size| size as u32);
        let [in_h, in_w, in_c] = [1, 2, 3].map(|at| x.0[at] as u32);
        let [out_h, out_w, out_c] = [1, 2, 3].map(|at| y.0[at] as u32);
        let [kernel, stride, padding, dilation] = [kernel, stride, padding, dilation].map(|size| size as u32);
        Args { m, n, k, part, in_h, in_w, in_c, out_h, out_w, out_c, kernel, stride, padding, dilation }
    }

    fn taps(&self) -> usize {
        self.window.kernel * self.window.kernel
    }
}

/// Rows of images as rows of a matrix: one for each pixel.
fn pixels(shape: &Shape) -> usize {
    shape.rows() * shape.pixels()
}

impl Op for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let (x, weight, bias) = match inputs {
            [x, weight] => (x, weight, None),
            [x, weight, bias] => (x, weight, Some(bias)),
            _ => return Err(ShapeError::new("conv takes x, a weight and at most a bias")),
        };
        let [height, width] = self.window.over("conv", x)?;
        let k = self.window.kernel;
        if weight.0.len() != 4 || weight.0[1..] != [k, k, x.features()] {
            let (weight, x) = (weight.in_files(), x.in_files());
            return Err(ShapeError::new(format!("weights {weight} do not fit images {x} and a kernel of {k}")));
        }
        if bias.is_some_and(|bias| bias.0 != [weight.rows()]) {
            return Err(ShapeError::new(format!("a bias {} does not fit weights {}", inputs[2], weight.in_files())));
        }
        let y = [x.rows(), height, width, weight.rows()];
        Ok(Outputs { outputs: vec![Made::f32("out", y)], saved: vec![] })
    }

    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, weight, y) = (&w.inputs[0], &w.inputs[1], &w.outputs[0]);
        let sizes = [pixels(&y.shape), weight.shape.rows(), weight.shape.width()];
        let args = self.args(&x.shape, &y.shape, sizes, sizes[2]);
        let bias = w.inputs.get(2).map(|bias| bias.slot);
        let part = if bias.is_some() { Part::ValueBias } else { Part::Value };
        let slots: Vec<_> = [x.slot, weight.slot, rec.now()].into_iter().chain(bias).chain([y.slot]).collect();
        variants::record(part, &args, &slots, 1, rec);
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, weight, dy, now) = (&w.inputs[0], &w.inputs[1], &w.d_outputs[0], rec.now());
        let outputs = weight.shape.rows();
        if let Some(dweight) = &w.d_inputs[1] {
            let sizes @ [m, n, k] = [outputs, weight.shape.width(), pixels(&dy.shape)];
            let args = self.args(&x.shape, &dy.shape, sizes, 0);
            let (part, parts) = split(k, variants::tiles_of_weights(&args, rec), &rec.target);
            let args = Args { part: part as u32, ..args };
            let sums = if parts == 1 { dweight.clone() } else { rec.private("parts", [parts, m, n]) };
            variants::record(Part::GradWeight, &args, &[dy.slot, x.slot, now, sums.slot], parts, rec);
            if parts > 1 {
                record_sum_of_parts(&sums, dweight, rec);
            }
        }
        if let Some(Some(dbias)) = w.d_inputs.get(2) {
            let args = BiasArgs { features: outputs as u32, pixels: dy.shape.pixels() as u32 };
            rec.dispatch(&variants::GRAD_BIAS, &args, &[dy.slot, now, dbias.slot], spread(outputs));
        }
        if let Some(dx) = &w.d_inputs[0] {
            let sizes = [pixels(&x.shape), x.shape.features(), outputs * self.taps()];
            let args = self.args(&x.shape, &dy.shape, sizes, sizes[2]);
            variants::record(Part::GradInput, &args, &[dy.slot, weight.slot, now, dx.slot], 1, rec);
        }
    }
}
