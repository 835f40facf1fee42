//! Sum of two tensors of one shape: y = a + b. Where a value is used twice, this adds the two gradients. Its
//! own gradient by each input is dy itself, which nothing copies.
//!
//! Tensors of the batch are added for the rows of the step, weights and their gradients whole.

use crate::kernel::{Kernel, NOW, Needs, Tolerance, args_of, read, write};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};

args! {
    struct Args { width: u32, count: u32 }
}

impl Args {
    fn elements(&self, rows: u32) -> usize {
        (if self.width == 0 { self.count } else { rows * self.width }) as usize
    }
}

static FORWARD: Kernel = Kernel {
    name: "add.forward",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "add/forward.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("a"), read("b"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: |bytes, io| {
        let [a, b, now, mut y] = io.take();
        forward(args_of(bytes), a.f32(), b.f32(), now.now().rows, y.f32_mut());
    },
    fast: None,
};

/// Its kernels.
pub static KERNELS: &[&Kernel] = &[&FORWARD];

/// The operation; inputs a and b, output `out`, all of one shape.
#[derive(Clone, Copy, Debug)]
pub struct Add {
    /// Whether all elements are added, not only the rows of the step.
    pub whole: bool,
}

impl Op for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        match inputs {
            [a, b] if a == b => Ok(Outputs { outputs: vec![Made::f32("out", a.clone())], saved: vec![] }),
            [a, b] => Err(ShapeError::new(format!("{a} and {b} cannot be added: the shapes differ"))),
            _ => Err(ShapeError::new("add takes two inputs")),
        }
    }

    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    fn passes_gradient(&self, _input: usize) -> bool {
        true
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (a, b, y, now) = (&w.inputs[0], &w.inputs[1], &w.outputs[0], rec.now());
        let width = if self.whole { 0 } else { a.shape.width() as u32 };
        let args = Args { width, count: a.shape.elements() as u32 };
        rec.elements(&FORWARD, &args, &[a.slot, b.slot, now, y.slot], a.shape.elements());
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let two = |rows: usize, width: usize| {
        vec![([rows, width].into(), Fill::Normal(0.0, 1.0)), ([rows, width].into(), Fill::Normal(1.0, 2.0))]
    };
    vec![
        Case::new("1x1", Add { whole: false }, 1, two(1, 1)),
        Case::new("131x5 of 140 rows", Add { whole: false }, 131, two(140, 5)),
        Case::new("131x13 of 140 rows", Add { whole: false }, 131, two(140, 13)),
        Case::new("extreme", Add { whole: false }, 9, vec![([9, 7].into(), Fill::Extreme), two(9, 7).remove(1)])
            .not_smooth(),
        Case::new("whole 37x3", Add { whole: true }, 2, two(37, 3)).not_smooth(),
    ]
}

fn forward(args: Args, a: &[f32], b: &[f32], rows: u32, y: &mut [f32]) {
    for i in 0..args.elements(rows) {
        y[i] = a[i] + b[i];
    }
}
