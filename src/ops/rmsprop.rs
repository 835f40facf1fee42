//! RMSprop, one dispatch for trainable tensors that lie one after the other.
//!
//! g ← g + λθ; s ← αs + (1 − α)g²; v ← μv + g / (√s + eps); θ ← θ − εv, where ε is the layer's share of the step's rate.
//! Nothing moves in a halted run. Source: Tieleman & Hinton 2012, "Neural networks for machine learning", lecture 6.5, in
//! the form of PyTorch's `torch.optim.RMSprop` that is not centered: eps outside the root, the rate outside the momentum.

use super::step::{Last, Update, alone, last, slots_of};
use crate::kernel::{Binding, Kernel, NOW, Needs, Now, Step, Tolerance, WRITE_NEXT, args_of, read, update};
use crate::op::{Case, Fill, OptimizerKind, Recorder, Setting, Wire};
use crate::{args, parts, simd, threads};
use std::sync::Arc;

args! {
    struct Args { count: u32, rate: f32, alpha: f32, rest: f32, eps: f32, momentum: f32, l2: f32, lines: u32 }
}

const ALONE: &[Binding] = &[read("gradients"), NOW, update("parameters"), update("square"), update("velocity")];
const WITH_ADVANCE: &[Binding] = &[
    read("gradients"),
    NOW,
    read("table").u32(),
    WRITE_NEXT,
    update("parameters"),
    update("square"),
    update("velocity"),
];

const ALONE_KERNEL: Kernel = Kernel {
    name: "rmsprop.update",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "rmsprop/alone.wgsl",
        "rmsprop/update.wgsl",
        "step/update.wgsl"
    ),
    args: Args::FIELDS,
    bindings: ALONE,
    needs: Needs::Nothing,
    // Ten roundings, among them a division and a root of 2.5 units each.
    tolerance: Tolerance::element(16.0),
    twin: Some(|a, io| alone(args_of(a), io, rmsprop)),
    fast: Some(&|a, io| alone(args_of(a), io, fast)),
};

static UPDATE: Kernel = ALONE_KERNEL;

/// The update as the last kernel of a step, which also writes the next step.
static LAST: Kernel = Kernel {
    name: "rmsprop.update_last",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "step/next.wgsl",
        "step/ends.wgsl",
        "rmsprop/with_advance.wgsl",
        "rmsprop/update.wgsl",
        "step/update.wgsl"
    ),
    bindings: WITH_ADVANCE,
    twin: Some(|a, io| last(args_of(a), args_of::<Args>(a).lines, io, rmsprop)),
    fast: Some(&|a, io| last(args_of(a), args_of::<Args>(a).lines, io, fast)),
    ..ALONE_KERNEL
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&UPDATE, &LAST];

/// RMSprop as PyTorch has it, as the registry of optimisers lists it.
pub static RMSPROP: OptimizerKind = OptimizerKind {
    name: "rmsprop",
    doc: "steps of the gradient divided by the root of its running mean square",
    settings: &[
        Setting::share("alpha", 0.99, "decay of the running mean square"),
        Setting::positive("eps", 1e-8, "what is added to the root of the mean square").also(&["epsilon"]),
        Setting::share("momentum", 0.0, "share of the last step that is added to the next"),
    ],
    check: OptimizerKind::anything_goes,
    states: &["square", "velocity"],
    op: |values, weight_decay, rate| {
        let (alpha, eps, momentum) = (values.number("alpha"), values.number("eps"), values.number("momentum"));
        Arc::new(RmsProp { alpha, eps, momentum, weight_decay, rate })
    },
    lr: 1e-3,
    lr_of_numbers: 1e-3,
    weight_decay: 0.0,
};

/// The operation. Inputs, all of one shape: gradients, parameters, the running mean of the gradients' squares, and the
/// velocity; it changes the last three.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// α in [0, 1).
    pub alpha: f64,
    /// ε, added to the root of the mean square; more than 0.
    pub eps: f64,
    /// μ in [0, 1).
    pub momentum: f64,
    /// λ, the weight decay; 0 for none.
    pub weight_decay: f64,
    /// Share of the step's rate.
    pub rate: f64,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self { alpha: 0.99, eps: 1e-8, momentum: 0.0, weight_decay: 0.0, rate: 1.0 }
    }
}

impl RmsProp {
    fn args(&self, gradients: &Wire) -> Args {
        Args {
            count: gradients.shape.elements() as u32,
            rate: self.rate as f32,
            alpha: self.alpha as f32,
            rest: (1.0 - self.alpha) as f32,
            eps: self.eps as f32,
            momentum: self.momentum as f32,
            l2: self.weight_decay as f32,
            lines: 0,
        }
    }
}

impl Update for RmsProp {
    const NAME: &str = "rmsprop";
    const TENSORS: (usize, &str) = (4, "gradients, parameters, square and velocity");

    fn record(&self, tensors: &[Wire], table: Option<&Wire>, rec: &mut Recorder) {
        let gradients = &tensors[0];
        let (slots, lines) = slots_of(tensors, table, rec);
        let kernel = if table.is_some() { &LAST } else { &UPDATE };
        let args = Args { lines, ..self.args(gradients) };
        rec.elements(kernel, &args, &slots, gradients.shape.elements());
    }
}

/// Inputs for the checks; the rate is the harness's.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, count: usize, gradients: Fill, op: RmsProp| {
        // A mean of squares is never negative.
        let squares = (0..count).map(|i| (i as f32 * 0.7).sin().powi(2).to_bits()).collect();
        let normal = |deviation| ([count].into(), Fill::Normal(0.0, deviation));
        let inputs =
            vec![([count].into(), gradients), normal(1.0), ([count].into(), Fill::Words(squares)), normal(0.5)];
        Case::new(name, op, 1, inputs).not_smooth()
    };
    let with_momentum = RmsProp { momentum: 0.9, ..RmsProp::default() };
    let last = |name: &str, count: usize, lines: usize| {
        let plain = case(name, count, Fill::Normal(0.0, 1.0), with_momentum);
        let table = ([lines, size_of::<Step>() / 4].into(), Fill::Below(1000));
        let inputs = [plain.inputs.clone(), vec![table]].concat();
        Case { op: Arc::new(Last(with_momentum)), inputs, ..plain }
    };
    let (normal, plain) = (Fill::Normal(0.0, 1.0), RmsProp { momentum: 0.9, ..RmsProp::default() });
    vec![
        last("257, last of a step", 257, 3),
        last("1030, last of all", 1030, 2),
        case("1", 1, normal.clone(), plain),
        case("257, l2", 257, normal.clone(), RmsProp { weight_decay: 1e-2, ..plain }),
        case("1031, no momentum", 1031, normal.clone(), RmsProp { momentum: 0.0, alpha: 0.9, ..plain }),
        case("255, a share of the rate", 255, normal.clone(), RmsProp { rate: 0.25, ..plain }),
        case("300, alpha 0", 300, normal, RmsProp { alpha: 0.0, eps: 1e-3, ..plain }),
        case("257, small", 257, Fill::Normal(0.0, 1e-6), RmsProp { alpha: 0.0, ..plain }),
        case("259, extreme", 259, Fill::Extreme, plain),
    ]
}

fn rmsprop(a: Args, now: &Now, gradients: &[f32], [theta, s, v]: [&mut [f32]; 3]) {
    let rate = f64::from(now.rate) * f64::from(a.rate);
    let [alpha, rest, eps, momentum, l2] = [a.alpha, a.rest, a.eps, a.momentum, a.l2].map(f64::from);
    for i in 0..a.count as usize {
        let g = f64::from(gradients[i]) + l2 * f64::from(theta[i]);
        s[i] = (alpha * f64::from(s[i]) + rest * g * g) as f32;
        v[i] = (momentum * f64::from(v[i]) + g / (f64::from(s[i]).sqrt() + eps)) as f32;
        theta[i] = (f64::from(theta[i]) - rate * f64::from(v[i])) as f32;
    }
}

/// Elements of one chunk, which one thread does.
const CHUNK: usize = 16 * 1024;

/// In one pass over memory.
fn fast(a: Args, now: &Now, gradients: &[f32], [theta, s, v]: [&mut [f32]; 3]) {
    let (count, rate) = (a.count as usize, now.rate * a.rate);
    let moved = (&mut theta[..count], &mut s[..count], &mut v[..count]);
    threads::for_pieces(moved, CHUNK, 1, |chunk, moved: (&mut [f32], &mut [f32], &mut [f32])| {
        let gradients = &gradients[chunk * CHUNK..][..moved.0.len()];
        simd::run(
            #[inline(always)]
            || fast_of_chunk(a, rate, gradients, moved.0, moved.1, moved.2),
        );
    });
}

/// Its tensors are parameters of a function, for of those compilers know that they do not overlap.
#[inline(always)]
fn fast_of_chunk(a: Args, rate: f32, gradients: &[f32], theta: &mut [f32], s: &mut [f32], v: &mut [f32]) {
    for (((theta, s), v), g) in theta.iter_mut().zip(s).zip(v).zip(gradients) {
        let g = g + a.l2 * *theta;
        *s = a.alpha * *s + a.rest * g * g;
        *v = a.momentum * *v + g / (s.sqrt() + a.eps);
        *theta -= rate * *v;
    }
}
