//! Sum of two tensors of one shape: y = a + b. Where a value is used twice, this adds the two gradients. Its
//! own gradient by each input is dy itself, which nothing copies.
//!
//! Tensors of the batch are added for the rows of the step, weights and their gradients whole.

use crate::kernel::{Kernel, NOW, Needs, Tolerance, args_of, read, write};
use crate::op::stage::{Fast, Place, Row, Scope, Seen, Stage};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts, simd};

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
    twin: Some(|bytes, io| {
        let [a, b, now, mut y] = io.take();
        forward(args_of(bytes), a.f32(), b.f32(), now.now().rows, y.f32_mut());
    }),
    fast: None,
};

/// All kernels of this operation, for the registry.
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

    fn stage(&self, inputs: &[Shape]) -> Option<Stage> {
        if self.whole { None } else { sum(inputs) }
    }
}

/// A sum of gradients, as the end of the kernel that makes one of them. Inputs: a value, and the gradient by it that other
/// operations make; output `out`: the value. The gradient by the value is that by the output plus the other.
#[derive(Clone, Copy, Debug)]
pub struct Accumulate;

impl Op for Accumulate {
    fn name(&self) -> &'static str {
        "add"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        Add { whole: false }.shapes(inputs)
    }

    fn forward(&self, _: &Wires<Wire>, _: &mut Recorder) {
        unreachable!("a sum of gradients has no value of its own")
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let Some(dx) = &w.d_inputs[0] else { return };
        let inputs = vec![w.d_outputs[0].clone(), w.inputs[1].clone()];
        Add { whole: false }.forward(&Wires { inputs, outputs: vec![dx.clone()], ..Wires::default() }, rec);
    }

    fn stage(&self, inputs: &[Shape]) -> Option<Stage> {
        let fast = Fast { value: |_, _, _| (), gradient: |_, _, rows, place| add_strip(rows, place) };
        Some(Stage { name: "accumulate", value: "{v}", gradient: "{d} + {o}", fast: Some(fast), ..sum(inputs)? })
    }
}

/// The stage of a sum of two tables.
fn sum(inputs: &[Shape]) -> Option<Stage> {
    (inputs[0].0.len() == 2).then(|| Stage {
        name: "add",
        scope: Scope::Element,
        parts: [&[], &[]],
        value: "{v} + {o}",
        gradient: "{d}",
        seen: Seen::Place,
        is_silent_at_zero: false,
        scale: None,
        draws: false,
        learned: None,
        narrows: 1,
        pools: None,
        other: true,
        args: vec![],
        c: 4.0,
        fast: Some(Fast { value: |_, rows, place| add_strip(rows, place), gradient: |_, _, _, _| () }),
    })
}

/// Adds the other tensor to a strip.
fn add_strip(rows: &mut [Row], place: Place<'_>) {
    simd::run(
        #[inline(always)]
        || {
            for (row, other) in rows.iter_mut().zip(place.other.rows()) {
                for (a, b) in row.iter_mut().zip(other) {
                    *a += b;
                }
            }
        },
    );
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
