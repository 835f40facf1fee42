//! PReLU over `[rows, …pixels, features]`: y = max(0, x) + α · min(0, x), with a learned α of one element, or of one for
//! each feature. α may be anything, also more than 1.
//!
//! Gradient: dx = dy where x > 0, else α · dy (also at 0); dα = Σ dy · x over the elements where x is not more than 0,
//! of the feature or of all, in an order that never changes. Taken from x: the sign of y is not that of x where α is
//! negative. Nothing is saved but x. NaN in x goes through everywhere.
//! Source: He et al. 2015, "Delving deep into rectifiers", eq. 1, 11 and 12.

mod fast;

use crate::kernel::{Kernel, NOW, Needs, Size, Tolerance, args_of, read, write};
use crate::op::stage::{Fast, Learned, Scope, Seen, Stage, Total};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires, spread};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};
use std::sync::Arc;

args! { struct Args { features: u32, pixels: u32, alphas: u32 } }

impl Args {
    /// Calls `visit(feature, index of its α, index)` for every element, in memory order.
    fn elements(self, rows: u32, mut visit: impl FnMut(usize, usize, usize)) {
        let (features, alphas) = (self.features as usize, self.alphas as usize);
        (0..(rows * self.pixels) as usize * features).for_each(|i| visit(i % features, i % alphas, i));
    }
}

/// Rounding of a sum in any order, as in `matmul`; terms of either sign may leave a few times less than the largest.
const SUM: Tolerance =
    Tolerance { c: 16.0, size: Size::Largest, terms: |a, rows| rows * args_of::<Args>(a).pixels as usize };

static FORWARD: Kernel = Kernel {
    name: "prelu.forward",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "prelu/args.wgsl",
        "prelu/forward.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("x"), read("alpha"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [x, alpha, now, mut y] = io.take();
        scale(args_of(a), x.f32(), alpha.f32(), x.f32(), now.now().rows, y.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, alpha, now, mut y] = io.take();
        fast::scale(args_of(a), x.f32(), alpha.f32(), x.f32(), now.now().rows, y.f32_mut());
    }),
};

static GRAD_INPUT: Kernel = Kernel {
    name: "prelu.grad_input",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "prelu/args.wgsl",
        "prelu/grad_input.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("x"), read("alpha"), read("dy"), NOW, write("dx")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [x, alpha, dy, now, mut dx] = io.take();
        scale(args_of(a), x.f32(), alpha.f32(), dy.f32(), now.now().rows, dx.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, alpha, dy, now, mut dx] = io.take();
        fast::scale(args_of(a), x.f32(), alpha.f32(), dy.f32(), now.now().rows, dx.f32_mut());
    }),
};

static GRAD_ALPHA: Kernel = Kernel {
    name: "prelu.grad_alpha",
    parts: parts!(
        "shared/now.wgsl",
        "shared/numbers.wgsl",
        "shared/sum.wgsl",
        "prelu/args.wgsl",
        "prelu/grad_alpha.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("x"), read("dy"), NOW, write("dalpha")],
    needs: Needs::Nothing,
    tolerance: SUM,
    twin: Some(|a, io| {
        let [x, dy, now, mut dalpha] = io.take();
        grad_alpha(args_of(a), x.f32(), dy.f32(), now.now().rows, dalpha.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, dy, now, mut dalpha] = io.take();
        fast::grad_alpha(args_of(a), x.f32(), dy.f32(), now.now().rows, dalpha.f32_mut());
    }),
};

static SUM_ALPHA: Kernel = Kernel {
    name: "prelu.sum_alpha",
    parts: parts!("shared/sum.wgsl", "prelu/args.wgsl", "prelu/sum_alpha.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("partial"), write("dalpha")],
    needs: Needs::Nothing,
    tolerance: Tolerance { c: 4.0, size: Size::Terms, terms: |a, _| args_of::<Args>(a).features as usize },
    twin: Some(|a, io| {
        let [partial, mut dalpha] = io.take();
        let features = args_of::<Args>(a).features as usize;
        let sum: f64 = partial.f32()[..features].iter().map(|v| f64::from(*v)).sum();
        dalpha.f32_mut()[0] = sum as f32;
    }),
    fast: None,
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&FORWARD, &GRAD_INPUT, &GRAD_ALPHA, &SUM_ALPHA];

/// The operation. Inputs: x and α, `[features]` or `[1]`; output `out` like x.
#[derive(Clone, Copy, Debug)]
pub struct Prelu;

/// The same, but that the gradient by α is `[features]`, the sums of the columns, also where they share one α.
#[derive(Clone, Copy, Debug)]
struct ByColumn;

/// The gradient by an α that all features share. Input: the sums of the columns `[features]`; output: `[1]`.
#[derive(Clone, Copy, Debug)]
struct Sum;

fn args(x: &Wire, alpha: &Wire) -> Args {
    let [features, pixels, alphas] = [x.shape.features(), x.shape.pixels(), alpha.shape.elements()].map(|n| n as u32);
    Args { features, pixels, alphas }
}

/// Records dx and, for each feature, its part of dα.
fn record_gradient(w: &Wires<Wire>, by_column: Option<&Wire>, rec: &mut Recorder) {
    let (x, alpha, dy, now) = (&w.inputs[0], &w.inputs[1], &w.d_outputs[0], rec.now());
    let args = args(x, alpha);
    if let Some(dx) = &w.d_inputs[0] {
        rec.elements(&GRAD_INPUT, &args, &[x.slot, alpha.slot, dy.slot, now, dx.slot], x.shape.elements());
    }
    if let Some(sums) = by_column {
        rec.dispatch(&GRAD_ALPHA, &args, &[x.slot, dy.slot, now, sums.slot], spread(args.features as usize));
    }
}

impl Op for Prelu {
    fn name(&self) -> &'static str {
        "prelu"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [x, alpha] = inputs else { return Err(ShapeError::new("prelu takes x and alpha")) };
        let features = x.features();
        if alpha.0 != [1] && alpha.0 != [features] {
            return Err(ShapeError::new(format!(
                "prelu has weights {alpha} for inputs {x}: they must be [1] or [{features}]"
            )));
        }
        Ok(Outputs { outputs: vec![Made::f32("out", x.clone())], saved: vec![] })
    }

    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, alpha, y, now) = (&w.inputs[0], &w.inputs[1], &w.outputs[0], rec.now());
        rec.elements(&FORWARD, &args(x, alpha), &[x.slot, alpha.slot, now, y.slot], x.shape.elements());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let features = w.inputs[0].shape.features();
        match w.d_inputs.get(1).and_then(Option::as_ref) {
            Some(dalpha) if dalpha.shape.elements() != features => {
                let sums = rec.private("alpha", [features]);
                record_gradient(w, Some(&sums), rec);
                let wires = Wires { inputs: vec![sums], outputs: vec![dalpha.clone()], ..Wires::default() };
                Sum.forward(&wires, rec);
            }
            dalpha => record_gradient(w, dalpha, rec),
        }
    }

    fn stage(&self, inputs: &[Shape]) -> Option<Stage> {
        let [x, alpha] = inputs else { return None };
        let is_shared = alpha.elements() != x.width();
        let total = || Total { by_column: Arc::new(ByColumn), sum: Arc::new(Sum) };
        (x.0.len() == 2).then(|| Stage {
            name: if is_shared { "prelu_shared" } else { "prelu" },
            scope: Scope::Element,
            parts: [parts!("prelu/stage.wgsl"); 2],
            value: "prelu_value4({v}, {w})",
            gradient: "prelu_gradient4({s}, {d}, {w})",
            seen: Seen::Input,
            is_silent_at_zero: false,
            scale: None,
            draws: false,
            learned: Some(Learned {
                gradient: "prelu_weight4({s}, {d})",
                fast: fast::weight_of_strip,
                total: is_shared.then(total),
            }),
            narrows: 1,
            pools: None,
            other: false,
            args: vec![],
            c: SUM.c,
            fast: Some(Fast { value: fast::value_of_strip, gradient: fast::gradient_of_strip }),
        })
    }
}

impl Op for ByColumn {
    fn name(&self) -> &'static str {
        Prelu.name()
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        Prelu.shapes(inputs)
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        Prelu.forward(w, rec);
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        record_gradient(w, w.d_inputs.get(1).and_then(Option::as_ref), rec);
    }
}

impl Op for Sum {
    fn name(&self) -> &'static str {
        Prelu.name()
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [_] = inputs else { return Err(ShapeError::new("the sum over features takes the features' sums")) };
        Ok(Outputs { outputs: vec![Made::f32("dalpha", [1])], saved: vec![] })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let args = Args { features: w.inputs[0].shape.elements() as u32, pixels: 1, alphas: 1 };
        rec.dispatch(&SUM_ALPHA, &args, &[w.inputs[0].slot, w.outputs[0].slot], [1, 1, 1]);
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, rows: usize, shape: &[usize], alphas: usize, fill: Fill| {
        // Some are more than 1 and some negative.
        let alpha = ([alphas].into(), Fill::Normal(0.5, 0.7));
        Case::new(name, Prelu, rows, vec![(Shape(shape.to_vec()), fill), alpha])
    };
    let away = || Fill::AwayFrom0(0.5);
    vec![
        case("1x1", 1, &[1, 1], 1, away()),
        case("shared 127x3", 127, &[127, 3], 1, away()),
        case("per channel 61x33 of 70 rows", 61, &[70, 33], 33, away()),
        case("shared 61x133 of 70 rows", 61, &[70, 133], 1, away()),
        case("shared images 3x5x7x6", 3, &[3, 5, 7, 6], 1, away()),
        case("per channel images 4x5x7x6", 4, &[4, 5, 7, 6], 6, away()),
        case("near 0, 31x7", 31, &[31, 7], 7, Fill::Normal(0.0, 1e-2)).not_smooth(),
        case("several chunks 131x257 of 140 rows", 131, &[140, 257], 257, away()).not_smooth(),
        case("extreme", 16, &[16, 5], 5, Fill::Extreme).not_smooth(),
        case("extreme images", 3, &[3, 5, 7, 4], 4, Fill::Extreme).not_smooth(),
        case("extreme, shared", 9, &[9, 7], 1, Fill::Extreme).not_smooth(),
        case("extreme dy", 9, &[9, 7], 7, away()).extreme_up(),
    ]
}

/// out = v where x > 0, else α · v; NaN where x is.
fn scale(a: Args, x: &[f32], alpha: &[f32], v: &[f32], rows: u32, out: &mut [f32]) {
    a.elements(rows, |_, at, i| {
        out[i] = match x[i] {
            x if x.is_nan() => x,
            x if x > 0.0 => v[i],
            _ => alpha[at] * v[i],
        };
    });
}

fn grad_alpha(a: Args, x: &[f32], dy: &[f32], rows: u32, dalpha: &mut [f32]) {
    let mut sums = vec![0.0; a.features as usize];
    a.elements(rows, |f, _, i| {
        sums[f] += if x[i] > 0.0 { 0.0 } else { f64::from(dy[i]) * f64::from(x[i]) };
    });
    dalpha.iter_mut().zip(sums).for_each(|(dalpha, sum)| *dalpha = sum as f32);
}
