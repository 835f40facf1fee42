//! Functions of one element, over `[rows, …]`.
//!
//! | name | y | gradient, by dy | taken from |
//! | --- | --- | --- | --- |
//! | relu | max(0, x) | 1 where y > 0, else 0, whatever dy is (also at 0) | y |
//! | leaky_relu | x where x > 0, else slope · x | 1 where y > 0, else slope | y |
//! | sigmoid | 1 / (1 + e^−x) | y (1 − y) | y |
//! | tanh | tanh x | (1 − y)(1 + y) | y |
//! | elu | x where x > 0, else α (e^x − 1) | 1 where y > 0, else y + α | y |
//! | gelu | x Φ(x), by the error function | Φ(x) + x φ(x) | x |
//! | silu | x σ(x) | σ(x) (1 + x σ(−x)) | x |
//! | hardswish | x · min(max(x + 3, 0), 6) / 6 | 0 where x ≤ −3, 1 where x ≥ 3, else x / 3 + 1/2 | x |
//!
//! The functions are in `functions.rs`, one entry each. Nothing is saved: where y tells the gradient, x need not live on. For that the slope and α must be more than 0, else
//! the sign of y is not that of x. NaN goes through both ways; at ±∞ all have their limits (gelu and silu 0 at −∞).
//!
//! Drivers' functions are not relied on where they may be far off: the sigmoid is computed by the exponential that
//! cannot overflow, tanh and elu by `expm1` (`shaders/shared/expm1.wgsl`), gelu by a polynomial for the far tail.
//! Sources: Nair & Hinton 2010 (relu), Maas et al. 2013 (leaky_relu), Clevert et al. 2016 (elu), Hendrycks & Gimpel
//! 2016 (gelu, silu), Howard et al. 2019, "Searching for MobileNetV3" (hardswish).

mod fast;
mod functions;
mod twins;

use crate::args;
use crate::kernel::{Binding, Kernel, NOW, Needs, Part, Size, Tolerance, read, write};
use crate::op::stage::{Arg, Fast, Scope, Seen, Stage};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};

args! { struct Args { width: u32, parameter: f32 } }

/// One multiplication at most, on both sides the same.
const EXACT: Tolerance = Tolerance::EXACT;

/// Products and differences of a few numbers of the size of dy.
const FEW: Tolerance = Tolerance { c: 8.0, size: Size::Largest, terms: |_, _| 1 };

/// Vulkan lets exp(x) be off by 3 + 2|x| units in the last place and a quotient by 2.5: at the inputs that are checked
/// for relative errors, of which the largest results have |x| near 3, some 12 units or 24 · 2⁻²⁴.
const EXP: Tolerance = Tolerance { c: 32.0, size: Size::Largest, terms: |_, _| 1 };

/// The same, where the exponent is −x²/2, itself rounded, and a polynomial of nine terms is multiplied with it.
const TAIL: Tolerance = Tolerance { c: 64.0, size: Size::Largest, terms: |_, _| 1 };

const VALUE: &[Binding] = &[read("x"), NOW, write("y")];
const GRADIENT: &[Binding] = &[read("v"), read("dy"), NOW, write("dx")];

/// What all kernels of this operation have alike.
const PLAIN: Kernel = Kernel {
    name: "",
    parts: &[],
    args: Args::FIELDS,
    bindings: &[],
    needs: Needs::Nothing,
    tolerance: EXACT,
    twin: None,
    fast: None,
};

/// A function of one element, and at most one parameter.
pub struct Function {
    /// Its name in the layer notation.
    pub name: &'static str,
    /// The kernels of value and gradient.
    kernels: [Kernel; 2],
    /// What the gradient is taken from.
    seen: Seen,
    /// Whether the gradient is 0 wherever y is 0, and depends on the sign of y alone.
    is_silent_at_zero: bool,
    /// What the parameter is called, and its default.
    pub parameter: Option<(&'static str, f64)>,
    /// Whether it sets about half of its inputs to (nearly) 0, so that weights before it start with twice the variance.
    pub rectifies: bool,
    /// Where, and at the negative of which, the function or its first derivative has a corner or a jump: differences across it
    /// are not the gradient. 0 for ReLU.
    kink: Option<f32>,
    /// WGSL of its stage.
    stage_parts: &'static [Part],
    /// Value and gradient as a stage calls them.
    stage_calls: [&'static str; 2],
    /// Its stage on the CPU path.
    stage_fast: Fast,
}

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[
    &functions::RELU.kernels[0],
    &functions::RELU.kernels[1],
    &functions::LEAKY_RELU.kernels[0],
    &functions::LEAKY_RELU.kernels[1],
    &functions::SIGMOID.kernels[0],
    &functions::SIGMOID.kernels[1],
    &functions::TANH.kernels[0],
    &functions::TANH.kernels[1],
    &functions::ELU.kernels[0],
    &functions::ELU.kernels[1],
    &functions::GELU.kernels[0],
    &functions::GELU.kernels[1],
    &functions::SILU.kernels[0],
    &functions::SILU.kernels[1],
    &functions::HARDSWISH.kernels[0],
    &functions::HARDSWISH.kernels[1],
];

/// max(0, x), with NaN passed on; shared with the kernels that end in a ReLU.
#[inline(always)]
pub fn relu(x: f32) -> f32 {
    if x > 0.0 || x.is_nan() { x } else { 0.0 }
}

/// All functions, in the order in which they are listed.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    functions::ALL.into_iter()
}

/// The operation; input x, output `out` of the same shape.
#[derive(Clone, Copy)]
pub struct Activation {
    function: &'static Function,
    parameter: f64,
}

impl Activation {
    /// ReLU of each element: max(0, x).
    pub const RELU: Self = Self { function: &functions::RELU, parameter: 0.0 };

    /// A function with its parameter, which must be more than 0 where it has one.
    pub const fn new(function: &'static Function, parameter: f64) -> Self {
        Self { function, parameter }
    }

    /// The function of a name, with a parameter in place of its default.
    pub fn named(name: &str, parameter: Option<f64>) -> Option<Self> {
        let function = functions().find(|function| function.name == name)?;
        let default = function.parameter.map_or(0.0, |(_, default)| default);
        Some(Self::new(function, parameter.unwrap_or(default)))
    }

    fn args(&self, x: &Wire) -> Args {
        Args { width: x.shape.width() as u32, parameter: self.parameter as f32 }
    }

    /// Records dx from dy and v, where v is y or x as the function needs. Operations that end in an activation use it too.
    pub fn record_gradient(&self, v: &Wire, dy: &Wire, dx: &Wire, rec: &mut Recorder) {
        let (now, kernel) = (rec.now(), &self.function.kernels[1]);
        rec.elements(kernel, &self.args(v), &[v.slot, dy.slot, now, dx.slot], v.shape.elements());
    }
}

impl std::fmt::Debug for Activation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.function.name, self.parameter)
    }
}

impl Op for Activation {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("an activation takes one input")) };
        Ok(Outputs { outputs: vec![Made::f32("out", x.clone())], saved: vec![] })
    }

    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, y, now) = (&w.inputs[0], &w.outputs[0], rec.now());
        let kernel = &self.function.kernels[0];
        rec.elements(kernel, &self.args(x), &[x.slot, now, y.slot], x.shape.elements());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let v = if self.function.seen == Seen::Input { &w.inputs[0] } else { &w.outputs[0] };
        if let Some(dx) = &w.d_inputs[0] {
            self.record_gradient(v, &w.d_outputs[0], dx, rec);
        }
    }

    fn stage(&self, _inputs: &[Shape]) -> Option<Stage> {
        let function = self.function;
        Some(Stage {
            name: function.name,
            scope: Scope::Element,
            parts: [function.stage_parts; 2],
            value: function.stage_calls[0],
            gradient: function.stage_calls[1],
            seen: function.seen,
            is_silent_at_zero: function.is_silent_at_zero,
            scale: None,
            draws: false,
            learned: None,
            narrows: 1,
            pools: None,
            other: false,
            args: vec![Arg::f32("parameter", self.parameter as f32)],
            c: function.kernels[0].tolerance.c.max(function.kernels[1].tolerance.c),
            fast: Some(function.stage_fast),
        })
    }

    fn is_relu(&self) -> bool {
        std::ptr::eq(self.function, &functions::RELU)
    }
}

/// Inputs for the checks. Small and negative inputs show relative errors that larger results would hide.
pub fn cases() -> Vec<Case> {
    let case = |what: &str, op: Activation, rows: usize, shape: Shape, fill: Fill| {
        Case::new(format!("{}, {what}", op.function.name), op, rows, vec![(shape, fill)])
    };
    let of_one = |function: &'static Function| {
        let op = Activation::new(function, function.parameter.map_or(0.0, |(_, default)| 1.3 * default));
        let normal = match function.kink {
            None => Fill::Normal(0.0, 1.5),
            Some(0.0) => Fill::AwayFrom0(0.5),
            // Six deviations away from it.
            Some(at) => Fill::Normal(0.0, at / 6.0),
        };
        vec![
            case("1x1", op, 1, [1, 1].into(), normal.clone()),
            case("61x33 of 70 rows", op, 61, [70, 33].into(), normal.clone()),
            case("images 5x3x7x2", op, 5, [5, 3, 7, 2].into(), normal),
            // As many elements as two groups have threads.
            case("16x32", op, 16, [16, 32].into(), Fill::AwayFrom0(0.5)).not_smooth(),
            case("small 31x7", op, 31, [31, 7].into(), Fill::Normal(0.0, 1e-4)).not_smooth(),
            // Where series stand in for exp, and their every term counts.
            case("near 0, 31x7", op, 31, [31, 7].into(), Fill::Normal(0.0, 0.3)).not_smooth(),
            case("-0.47, 31x7", op, 31, [31, 7].into(), Fill::Normal(-0.47, 0.01)).not_smooth(),
            case("-0.235, 31x7", op, 31, [31, 7].into(), Fill::Normal(-0.235, 0.005)).not_smooth(),
            case("negative 31x7", op, 31, [31, 7].into(), Fill::Normal(-6.0, 1.0)).not_smooth(),
            case("extreme", op, 9, [9, 7].into(), Fill::Extreme).not_smooth(),
            case("extreme dy", op, 9, [9, 7].into(), Fill::Normal(0.0, 1.0)).extreme_up(),
        ]
    };
    let mut cases: Vec<Case> = functions().flat_map(of_one).collect();
    let many = case("257x64 of 300 rows", Activation::RELU, 257, [300, 64].into(), Fill::Normal(0.0, 1.0));
    cases.push(many.not_smooth());
    let steep = Activation::new(&functions::LEAKY_RELU, 3.0);
    cases.push(case("slope 3", steep, 17, [17, 5].into(), Fill::AwayFrom0(0.5)));
    cases
}
