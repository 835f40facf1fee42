//! Adam and AdamW, one dispatch for trainable tensors that lie one after the other.
//!
//! g ← g + λθ (Adam's decay, l2) or θ ← θ − ελθ (AdamW's); m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²;
//! θ ← θ − ε/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + eps), where t counts the updates from 1, leaving skipped steps out, and ε is the layer's share of the
//! step's rate. 1 − βᵗ is −expm1(t ln β): for β near 1 the subtraction would cancel. Nothing moves in a halted run.
//! Source: Kingma & Ba 2015, Algorithm 1; Loshchilov & Hutter 2019, Algorithm 2, with its schedule multiplier being the
//! rate; both in the form of PyTorch's `torch.optim.Adam` and `AdamW`, eps outside the root.

use super::step::{Last, Update, alone, last, slots_of};
use crate::kernel::{Binding, Kernel, NOW, Needs, Now, Step, Tolerance, WRITE_NEXT, args_of, read, update};
use crate::op::{Case, Fill, OptimizerKind, Recorder, Setting, Values, Wire};
use crate::{args, parts, simd, threads};
use std::sync::Arc;

args! {
    struct Args {
        count: u32,
        rate: f32,
        beta1: f32,
        rest1: f32,
        log1: f32,
        beta2: f32,
        rest2: f32,
        log2: f32,
        eps: f32,
        l2: f32,
        decoupled: f32,
        lines: u32,
    }
}

const ALONE: &[Binding] = &[read("gradients"), NOW, update("parameters"), update("mean"), update("square")];
const WITH_ADVANCE: &[Binding] =
    &[read("gradients"), NOW, read("table").u32(), WRITE_NEXT, update("parameters"), update("mean"), update("square")];

const ALONE_KERNEL: Kernel = Kernel {
    name: "adam.update",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/expm1.wgsl",
        "adam/alone.wgsl",
        "adam/update.wgsl",
        "step/update.wgsl"
    ),
    args: Args::FIELDS,
    bindings: ALONE,
    needs: Needs::Nothing,
    // A dozen roundings, among them divisions and roots of 2.5 units each.
    tolerance: Tolerance::element(16.0),
    twin: Some(|a, io| alone(args_of(a), io, adam)),
    fast: Some(&|a, io| alone(args_of(a), io, fast)),
};

static UPDATE: Kernel = ALONE_KERNEL;

/// The update as the last kernel of a step, which also writes the next step.
static LAST: Kernel = Kernel {
    name: "adam.update_last",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/expm1.wgsl",
        "step/next.wgsl",
        "step/ends.wgsl",
        "adam/with_advance.wgsl",
        "adam/update.wgsl",
        "step/update.wgsl"
    ),
    bindings: WITH_ADVANCE,
    twin: Some(|a, io| last(args_of(a), args_of::<Args>(a).lines, io, adam)),
    fast: Some(&|a, io| last(args_of(a), args_of::<Args>(a).lines, io, fast)),
    ..ALONE_KERNEL
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&UPDATE, &LAST];

const SETTINGS: &[Setting] = &[
    Setting::share("beta1", 0.9, "decay of the running mean gradient"),
    Setting::share("beta2", 0.999, "decay of the running mean square"),
    Setting::positive("eps", 1e-8, "what is added to the root of the mean square").also(&["epsilon"]),
];

/// Adam (Kingma & Ba 2015), as a recipe names it.
pub static ADAM: OptimizerKind = OptimizerKind {
    name: "adam",
    doc: "steps of the mean gradient divided by the root of its mean square; weights decay by a penalty in the loss",
    settings: SETTINGS,
    check: OptimizerKind::anything_goes,
    states: &["mean", "square"],
    op: |values, weight_decay, rate| Arc::new(Adam::of(values, weight_decay, false, rate)),
    lr: 1e-3,
    lr_of_numbers: 1e-3,
    weight_decay: 0.0,
};

/// AdamW (Loshchilov & Hutter 2019), as a recipe names it.
pub static ADAMW: OptimizerKind = OptimizerKind {
    name: "adamw",
    doc: "adam whose weights decay by themselves, by the decay times the rate",
    op: |values, weight_decay, rate| Arc::new(Adam::of(values, weight_decay, true, rate)),
    weight_decay: 0.01,
    ..ADAM
};

/// The operation. Inputs, all of one shape: gradients, parameters, and the running means of gradients and of their
/// squares; it changes the last three.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// β₁ in [0, 1).
    pub beta1: f64,
    /// β₂ in [0, 1).
    pub beta2: f64,
    /// ε, added to the root of the mean square; more than 0.
    pub eps: f64,
    /// λ, the weight decay; 0 for none.
    pub weight_decay: f64,
    /// Whether λ acts on the weights themselves (AdamW) or as a part of the gradient.
    pub decoupled: bool,
    /// Share of the step's rate.
    pub rate: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, decoupled: false, rate: 1.0 }
    }
}

impl Adam {
    fn of(values: &Values, weight_decay: f64, decoupled: bool, rate: f64) -> Self {
        let (beta1, beta2, eps) = (values.number("beta1"), values.number("beta2"), values.number("eps"));
        Self { beta1, beta2, eps, weight_decay, decoupled, rate }
    }
}

/// ln β; of a β so small that its powers are 0 in float32, a logarithm of which they are 0 too.
fn log(beta: f64) -> f32 {
    const ZERO: f64 = -200.0;
    beta.ln().max(ZERO) as f32
}

impl Adam {
    fn args(&self, gradients: &Wire) -> Args {
        let decay = self.weight_decay as f32;
        let (l2, decoupled) = if self.decoupled { (0.0, decay) } else { (decay, 0.0) };
        Args {
            count: gradients.shape.elements() as u32,
            rate: self.rate as f32,
            beta1: self.beta1 as f32,
            rest1: (1.0 - self.beta1) as f32,
            log1: log(self.beta1),
            beta2: self.beta2 as f32,
            rest2: (1.0 - self.beta2) as f32,
            log2: log(self.beta2),
            eps: self.eps as f32,
            l2,
            decoupled,
            lines: 0,
        }
    }
}

impl Update for Adam {
    const NAME: &str = "adam";
    const TENSORS: (usize, &str) = (4, "gradients, parameters, mean and square");

    fn record(&self, tensors: &[Wire], table: Option<&Wire>, rec: &mut Recorder) {
        let gradients = &tensors[0];
        let (slots, lines) = slots_of(tensors, table, rec);
        let kernel = if table.is_some() { &LAST } else { &UPDATE };
        let args = Args { lines, ..self.args(gradients) };
        rec.elements(kernel, &args, &slots, gradients.shape.elements());
    }
}

/// Inputs for the checks; rate and step are the harness's.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, count: usize, gradients: Fill, op: Adam| {
        // A mean of squares is never negative.
        let squares = (0..count).map(|i| (i as f32 * 0.7).sin().powi(2).to_bits()).collect();
        let normal = |deviation| ([count].into(), Fill::Normal(0.0, deviation));
        let inputs =
            vec![([count].into(), gradients), normal(1.0), normal(0.5), ([count].into(), Fill::Words(squares))];
        Case::new(name, op, 1, inputs).not_smooth()
    };
    let last = |name: &str, count: usize, lines: usize| {
        let plain = case(name, count, Fill::Normal(0.0, 1.0), Adam::default());
        let table = ([lines, size_of::<Step>() / 4].into(), Fill::Below(1000));
        let inputs = [plain.inputs.clone(), vec![table]].concat();
        Case { op: Arc::new(Last(Adam::default())), inputs, ..plain }
    };
    let (normal, adam) = (Fill::Normal(0.0, 1.0), Adam::default());
    vec![
        last("257, last of a step", 257, 3),
        last("1030, last of all", 1030, 2),
        case("1", 1, normal.clone(), adam),
        case("257, l2", 257, normal.clone(), Adam { weight_decay: 1e-2, ..adam }),
        case("1031, decoupled", 1031, normal.clone(), Adam { weight_decay: 0.1, decoupled: true, ..adam }),
        case("255, a share of the rate", 255, normal.clone(), Adam { rate: 0.25, ..adam }),
        // In the fifth step betaᵗ is near enough to 1 for the series, and its every term counts.
        case("257, beta 0.93 and 0.92", 257, normal.clone(), Adam { beta1: 0.93, beta2: 0.92, ..adam }),
        case("300, beta 0 and near 1", 300, normal, Adam { beta1: 0.0, beta2: 0.999_999, ..adam }),
        case("257, small", 257, Fill::Normal(0.0, 1e-6), Adam { beta1: 0.5, beta2: 0.9, ..adam }),
        case("259, extreme", 259, Fill::Extreme, adam),
    ]
}

/// 1 − βᵗ, from ln β.
fn correction(log: f32, now: &Now) -> f64 {
    let t = f64::from(now.step - now.skipped) + 1.0;
    -(t * f64::from(log)).exp_m1()
}

fn adam(a: Args, now: &Now, gradients: &[f32], [theta, m, v]: [&mut [f32]; 3]) {
    let rate = f64::from(now.rate) * f64::from(a.rate);
    let [beta1, rest1, beta2, rest2] = [a.beta1, a.rest1, a.beta2, a.rest2].map(f64::from);
    let [eps, l2, decoupled] = [a.eps, a.l2, a.decoupled].map(f64::from);
    let [first, second] = [a.log1, a.log2].map(|log| correction(log, now));
    for i in 0..a.count as usize {
        let before = f64::from(theta[i]);
        let g = f64::from(gradients[i]) + l2 * before;
        m[i] = (beta1 * f64::from(m[i]) + rest1 * g) as f32;
        v[i] = (beta2 * f64::from(v[i]) + rest2 * g * g) as f32;
        let [m, v] = [m[i], v[i]].map(f64::from);
        let step = rate / first * m / (v.sqrt() / second.sqrt() + eps);
        theta[i] = (before - rate * decoupled * before - step) as f32;
    }
}

/// Elements of one chunk, which one thread does.
const CHUNK: usize = 16 * 1024;

/// In one pass over memory.
fn fast(a: Args, now: &Now, gradients: &[f32], [theta, m, v]: [&mut [f32]; 3]) {
    let (count, rate) = (a.count as usize, now.rate * a.rate);
    let step = (f64::from(rate) / correction(a.log1, now)) as f32;
    let inverse_root = (1.0 / correction(a.log2, now).sqrt()) as f32;
    let moved = (&mut theta[..count], &mut m[..count], &mut v[..count]);
    threads::for_pieces(moved, CHUNK, 1, |chunk, moved: (&mut [f32], &mut [f32], &mut [f32])| {
        let gradients = &gradients[chunk * CHUNK..][..moved.0.len()];
        simd::run(
            #[inline(always)]
            || fast_of_chunk(a, [rate, step, inverse_root], gradients, moved.0, moved.1, moved.2),
        );
    });
}

/// Its tensors are parameters of a function, for of those compilers know that they do not overlap.
#[inline(always)]
fn fast_of_chunk(
    a: Args,
    [rate, step, inverse_root]: [f32; 3],
    gradients: &[f32],
    theta: &mut [f32],
    m: &mut [f32],
    v: &mut [f32],
) {
    for (((theta, m), v), g) in theta.iter_mut().zip(m).zip(v).zip(gradients) {
        let g = g + a.l2 * *theta;
        *m = a.beta1 * *m + a.rest1 * g;
        *v = a.beta2 * *v + a.rest2 * g * g;
        *theta = *theta - rate * a.decoupled * *theta - step * *m / (v.sqrt() * inverse_root + a.eps);
    }
}
