//! ReLU: y = max(0, x) over `[rows, …]`.
//!
//! The gradient is dy where y > 0, else 0 (also at 0). Nothing is saved but y itself. NaN goes through both ways.
//! Source: Nair & Hinton 2010, "Rectified linear units improve restricted Boltzmann machines".

use crate::kernel::{Kernel, NOW, Needs, Tolerance, args_of, read, write};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};

args! { struct Args { width: u32 } }

static FORWARD: Kernel = Kernel {
    name: "relu.forward",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "shared/numbers.wgsl", "relu/relu.wgsl", "relu/forward.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("x"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: |a, io| {
        let [x, now, mut y] = io.take();
        forward(args_of(a), x.f32(), now.now().rows, y.f32_mut());
    },
    fast: None,
};

static BACKWARD: Kernel = Kernel {
    name: "relu.backward",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "shared/numbers.wgsl", "relu/backward.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("y"), read("dy"), NOW, write("dx")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: |a, io| {
        let [y, dy, now, mut dx] = io.take();
        backward(args_of(a), y.f32(), dy.f32(), now.now().rows, dx.f32_mut());
    },
    fast: None,
};

/// Its kernels.
pub static KERNELS: &[&Kernel] = &[&FORWARD, &BACKWARD];

/// The operation; input x, output `out` of the same shape.
#[derive(Clone, Copy, Debug)]
pub struct Relu;

impl Op for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("relu takes one input")) };
        Ok(Outputs { outputs: vec![Made::f32("out", x.clone())], saved: vec![] })
    }

    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, y, now) = (&w.inputs[0], &w.outputs[0], rec.now());
        let args = Args { width: x.shape.width() as u32 };
        rec.elements(&FORWARD, &args, &[x.slot, now, y.slot], x.shape.elements());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        if let Some(dx) = &w.d_inputs[0] {
            record_gradient(&w.outputs[0], &w.d_outputs[0], dx, rec);
        }
    }

    fn is_relu(&self) -> bool {
        true
    }
}

/// Records dx from y = relu(…) and dy; for operations that end in a ReLU.
pub fn record_gradient(y: &Wire, dy: &Wire, dx: &Wire, rec: &mut Recorder) {
    let args = Args { width: y.shape.width() as u32 };
    let now = rec.now();
    rec.elements(&BACKWARD, &args, &[y.slot, dy.slot, now, dx.slot], y.shape.elements());
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let normal = |rows: usize, width: usize| vec![([rows, width].into(), Fill::Normal(0.0, 1.0))];
    vec![
        Case::new("1x1", Relu, 1, normal(1, 1)),
        Case::new("127x3", Relu, 127, normal(127, 3)),
        Case::new("257x64 of 300 rows", Relu, 257, normal(300, 64)),
        Case::new("extreme", Relu, 9, vec![([9, 7].into(), Fill::Extreme)]).not_smooth(),
    ]
}

/// max(0, x), with NaN passed on; shared with the kernels that end in a ReLU.
pub fn relu(x: f32) -> f32 {
    if x > 0.0 || x.is_nan() { x } else { 0.0 }
}

fn forward(a: Args, x: &[f32], rows: u32, y: &mut [f32]) {
    for i in 0..(rows * a.width) as usize {
        y[i] = relu(x[i]);
    }
}

fn backward(a: Args, y: &[f32], dy: &[f32], rows: u32, dx: &mut [f32]) {
    for i in 0..(rows * a.width) as usize {
        dx[i] = match y[i] {
            value if value.is_nan() => value,
            value if value > 0.0 => dy[i],
            _ => 0.0,
        };
    }
}
