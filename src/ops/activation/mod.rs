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
//!
//! Nothing is saved: where y tells the gradient, x need not live on. For that the slope and α must be more than 0, else
//! the sign of y is not that of x. NaN goes through both ways; at ±∞ all have their limits (gelu and silu 0 at −∞).
//!
//! Drivers' functions are not relied on where they may be far off: the sigmoid is computed by the exponential that
//! cannot overflow, tanh and elu by `expm1` (`shaders/shared/expm1.wgsl`), gelu by a polynomial for the far tail.
//! Sources: Nair & Hinton 2010 (relu), Maas et al. 2013 (leaky_relu), Clevert et al. 2016 (elu), Hendrycks & Gimpel
//! 2016 (gelu, silu).

mod twins;

pub use twins::relu;

use crate::kernel::{Binding, Kernel, NOW, Needs, Part, Size, Tolerance, Twin, read, write};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};
use twins::{CHEAP, DEAR};

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

const fn kernel(
    name: &'static str,
    parts: &'static [Part],
    bindings: &'static [Binding],
    tolerance: Tolerance,
    twin: Twin,
) -> Kernel {
    Kernel { name, parts, args: Args::FIELDS, bindings, needs: Needs::Nothing, tolerance, twin, fast: None }
}

/// Value and gradient of one activation: its own text, what that needs, and the twins.
macro_rules! activation {
    ($name:literal, [$($file:literal),*], [$value:expr, $gradient:expr], [$c:expr, $dc:expr], $size:expr) => {
        [
            kernel(
                concat!("activation.forward_", $name),
                activation!(@parts [$($file),*] "activation/forward.wgsl"),
                VALUE,
                $c,
                |a, io| twins::forward(a, io, $size, $value),
            ),
            kernel(
                concat!("activation.backward_", $name),
                activation!(@parts [$($file),*] "activation/backward.wgsl"),
                GRADIENT,
                $dc,
                |a, io| twins::backward(a, io, $size, $gradient),
            ),
        ]
    };
    (@parts [$($file:literal),*] $body:literal) => {
        parts!("shared/now.wgsl", "shared/index.wgsl", "shared/numbers.wgsl", $($file,)* $body)
    };
}

static RELU: [Kernel; 2] =
    activation!("relu", ["activation/relu.wgsl"], [|x, _| relu(x), twins::relu_gradient], [EXACT, EXACT], CHEAP);

static LEAKY_RELU: [Kernel; 2] = activation!(
    "leaky_relu",
    ["activation/leaky_relu.wgsl"],
    [twins::leaky_relu, twins::leaky_relu_gradient],
    [EXACT, EXACT],
    CHEAP
);

static SIGMOID: [Kernel; 2] = activation!(
    "sigmoid",
    ["shared/sigmoid.wgsl", "activation/sigmoid.wgsl"],
    [twins::sigmoid, twins::sigmoid_gradient],
    [EXP, FEW],
    DEAR
);

static TANH: [Kernel; 2] = activation!(
    "tanh",
    ["shared/expm1.wgsl", "activation/tanh.wgsl"],
    [twins::tanh, twins::tanh_gradient],
    [EXP, FEW],
    DEAR
);

static ELU: [Kernel; 2] = activation!(
    "elu",
    ["shared/expm1.wgsl", "activation/elu.wgsl"],
    [twins::elu, twins::elu_gradient],
    [EXP, FEW],
    DEAR
);

static GELU: [Kernel; 2] =
    activation!("gelu", ["activation/gelu.wgsl"], [twins::gelu, twins::gelu_gradient], [TAIL, TAIL], DEAR);

static SILU: [Kernel; 2] = activation!(
    "silu",
    ["shared/sigmoid.wgsl", "activation/silu.wgsl"],
    [twins::silu, twins::silu_gradient],
    [EXP, EXP],
    DEAR
);

/// Its kernels.
pub static KERNELS: &[&Kernel] = &[
    &RELU[0],
    &RELU[1],
    &LEAKY_RELU[0],
    &LEAKY_RELU[1],
    &SIGMOID[0],
    &SIGMOID[1],
    &TANH[0],
    &TANH[1],
    &ELU[0],
    &ELU[1],
    &GELU[0],
    &GELU[1],
    &SILU[0],
    &SILU[1],
];

/// The operation; input x, output `out` of the same shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// max(0, x)
    Relu,
    /// x where x > 0, else slope · x
    LeakyRelu {
        /// More than 0.
        slope: f64,
    },
    /// 1 / (1 + e^−x)
    Sigmoid,
    /// tanh x
    Tanh,
    /// x where x > 0, else α (e^x − 1)
    Elu {
        /// More than 0.
        alpha: f64,
    },
    /// x Φ(x)
    Gelu,
    /// x σ(x)
    Silu,
}

impl Activation {
    fn kernels(&self) -> &'static [Kernel; 2] {
        match self {
            Self::Relu => &RELU,
            Self::LeakyRelu { .. } => &LEAKY_RELU,
            Self::Sigmoid => &SIGMOID,
            Self::Tanh => &TANH,
            Self::Elu { .. } => &ELU,
            Self::Gelu => &GELU,
            Self::Silu => &SILU,
        }
    }

    fn args(&self, x: &Wire) -> Args {
        let parameter = match *self {
            Self::LeakyRelu { slope } => slope,
            Self::Elu { alpha } => alpha,
            _ => 0.0,
        };
        Args { width: x.shape.width() as u32, parameter: parameter as f32 }
    }

    /// Whether the gradient is taken from the input, else from the output.
    fn needs_input(&self) -> bool {
        matches!(self, Self::Gelu | Self::Silu)
    }

    /// Records dx from v, which is y or x, and dy; also for operations that end in an activation.
    pub fn record_gradient(&self, v: &Wire, dy: &Wire, dx: &Wire, rec: &mut Recorder) {
        let now = rec.now();
        rec.elements(&self.kernels()[1], &self.args(v), &[v.slot, dy.slot, now, dx.slot], v.shape.elements());
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
        rec.elements(&self.kernels()[0], &self.args(x), &[x.slot, now, y.slot], x.shape.elements());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let v = if self.needs_input() { &w.inputs[0] } else { &w.outputs[0] };
        if let Some(dx) = &w.d_inputs[0] {
            self.record_gradient(v, &w.d_outputs[0], dx, rec);
        }
    }

    fn is_relu(&self) -> bool {
        *self == Self::Relu
    }
}

/// Inputs for the checks. Small and negative inputs show relative errors that larger results would hide.
pub fn cases() -> Vec<Case> {
    let case = |what: &str, op: Activation, rows: usize, shape: Shape, fill: Fill| {
        let name = op.kernels()[0].name.trim_start_matches("activation.forward_");
        Case::new(format!("{name}, {what}"), op, rows, vec![(shape, fill)])
    };
    let all = [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.01 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Elu { alpha: 1.3 },
        Activation::Gelu,
        Activation::Silu,
    ];
    let of_one = |op: Activation| {
        let smooth = matches!(op, Activation::Sigmoid | Activation::Tanh | Activation::Gelu | Activation::Silu);
        let normal = if smooth { Fill::Normal(0.0, 1.5) } else { Fill::AwayFrom0(0.5) };
        vec![
            case("1x1", op, 1, [1, 1].into(), normal.clone()),
            case("61x33 of 70 rows", op, 61, [70, 33].into(), normal.clone()),
            case("images 5x3x7x2", op, 5, [5, 3, 7, 2].into(), normal),
            // As many elements as two groups have threads.
            case("16x32", op, 16, [16, 32].into(), Fill::AwayFrom0(0.5)).not_smooth(),
            case("small 31x7", op, 31, [31, 7].into(), Fill::Normal(0.0, 1e-4)).not_smooth(),
            // Where series stand in for exp, and their every term counts.
            case("near 0, 31x7", op, 31, [31, 7].into(), Fill::Normal(0.0, 0.3)).not_smooth(),
            case("negative 31x7", op, 31, [31, 7].into(), Fill::Normal(-6.0, 1.0)).not_smooth(),
            case("extreme", op, 9, [9, 7].into(), Fill::Extreme).not_smooth(),
            case("extreme dy", op, 9, [9, 7].into(), Fill::Normal(0.0, 1.0)).extreme_up(),
        ]
    };
    let mut cases: Vec<Case> = all.into_iter().flat_map(of_one).collect();
    cases
        .push(case("257x64 of 300 rows", Activation::Relu, 257, [300, 64].into(), Fill::Normal(0.0, 1.0)).not_smooth());
    cases.push(case("slope 3", Activation::LeakyRelu { slope: 3.0 }, 17, [17, 5].into(), Fill::AwayFrom0(0.5)));
    cases
}
