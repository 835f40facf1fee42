//! Images `[rows, height, width, channels]` as rows `[rows, channels · height · width]` in PyTorch's order: all of the first
//! channel, then of the second. Its gradient is the way back. (torch.nn.Flatten)

use crate::kernel::{Kernel, NOW, Needs, Tolerance, args_of, read, write};
use crate::op::window::not_images;
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts, threads};

args! { struct Args { channels: u32, pixels: u32 } }

/// Turns each matrix `[pixels, channels]`, to `[channels, pixels]`.
static TURN: Kernel = Kernel {
    name: "flatten.turn",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "flatten/turn.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("x"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [x, now, mut y] = io.take();
        turn(args_of(a), x.f32(), now.now().rows, y.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, now, mut y] = io.take();
        let (a, rows): (Args, _) = (args_of(a), now.now().rows);
        let size = (a.pixels * a.channels) as usize;
        threads::for_chunks(&mut y.f32_mut()[..rows as usize * size], size, |row, y| {
            turn(a, &x.f32()[row * size..], 1, y)
        });
    }),
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&TURN];

/// The operation; input x, output `out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatten;

impl Op for Flatten {
    fn name(&self) -> &'static str {
        "flatten"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        match inputs {
            [x] if x.is_of_images() => {
                Ok(Outputs { outputs: vec![Made::f32("out", [x.rows(), x.width()])], saved: vec![] })
            }
            [x] => Err(not_images(self.name(), x)),
            _ => Err(ShapeError::new("flatten takes one input")),
        }
    }

    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, y, now) = (&w.inputs[0], &w.outputs[0], rec.now());
        let args = Args { channels: x.shape.features() as u32, pixels: x.shape.pixels() as u32 };
        rec.elements(&TURN, &args, &[x.slot, now, y.slot], x.shape.elements());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (dy, now) = (&w.d_outputs[0], rec.now());
        if let Some(dx) = &w.d_inputs[0] {
            let args = Args { channels: dx.shape.pixels() as u32, pixels: dx.shape.features() as u32 };
            rec.elements(&TURN, &args, &[dy.slot, now, dx.slot], dx.shape.elements());
        }
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case =
        |name: &str, rows: usize, x: [usize; 4], fill: Fill| Case::new(name, Flatten, rows, vec![(x.into(), fill)]);
    vec![
        case("one pixel", 1, [1, 1, 1, 1], Fill::Normal(0.0, 1.0)),
        case("3 of 4x5x7x6", 3, [4, 5, 7, 6], Fill::Normal(0.0, 1.0)),
        case("2x3x4x1", 2, [2, 3, 4, 1], Fill::Normal(0.0, 1.0)),
        case("7x8x8x16", 7, [7, 8, 8, 16], Fill::Normal(0.0, 1.0)).not_smooth(),
        case("extreme", 2, [2, 3, 4, 5], Fill::Extreme).not_smooth(),
        case("extreme dy", 2, [2, 3, 4, 5], Fill::Normal(0.0, 1.0)).extreme_up(),
    ]
}

fn turn(a: Args, x: &[f32], rows: u32, y: &mut [f32]) {
    let (channels, pixels) = (a.channels as usize, a.pixels as usize);
    for (x, y) in x.chunks_exact(pixels * channels).zip(y.chunks_exact_mut(pixels * channels)).take(rows as usize) {
        for (channel, y) in y.chunks_exact_mut(pixels).enumerate() {
            y.iter_mut().zip(x[channel..].iter().step_by(channels)).for_each(|(y, x)| *y = *x);
        }
    }
}
