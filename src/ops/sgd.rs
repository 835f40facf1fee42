//! Stochastic gradient descent with momentum and weight decay, one dispatch for trainable tensors that lie one after
//! the other.
//!
//! l2: g ← g + λθ; v ← μv + g; θ ← θ − ε(v, or g + μv with Nesterov). decoupled: θ ← θ − ε(…) − λθ, λ not multiplied
//! by the rate ε, which is the layer's share of the step's rate. Nothing moves in a halted run.
//! Source: Sutskever et al. 2013, section 2, in the form of PyTorch's `torch.optim.SGD`.

use super::step::{Last, Update, alone, last, slots_of};
use crate::kernel::{Binding, Kernel, NOW, Needs, Now, Part, Step, Tolerance, WRITE_NEXT, args_of, read, update};
use crate::op::{Case, Fill, OptimizerKind, Recorder, Setting, Wire};
use crate::{args, parts, simd, threads};
use std::sync::Arc;

args! {
    struct Args { count: u32, rate: f32, momentum: f32, l2: f32, decoupled: f32, nesterov: u32, lines: u32 }
}

const ALONE: &[Binding] = &[read("gradients"), NOW, update("parameters"), update("velocity")];
const WITH_ADVANCE: &[Binding] =
    &[read("gradients"), NOW, read("table").u32(), WRITE_NEXT, update("parameters"), update("velocity")];

const fn update_kernel(name: &'static str, parts: &'static [Part], needs: Needs) -> Kernel {
    Kernel {
        name,
        parts,
        args: Args::FIELDS,
        bindings: ALONE,
        needs,
        // Six roundings, each of which a driver may fuse away.
        tolerance: Tolerance::element(8.0),
        twin: Some(|a, io| alone(args_of(a), io, sgd)),
        fast: Some(&|a, io| alone(args_of(a), io, fast)),
    }
}

/// The update as the last kernel of a step, which also writes the next step.
const fn last_kernel(name: &'static str, parts: &'static [Part], needs: Needs) -> Kernel {
    Kernel {
        bindings: WITH_ADVANCE,
        twin: Some(|a, io| last(args_of(a), args_of::<Args>(a).lines, io, sgd)),
        fast: Some(&|a, io| last(args_of(a), args_of::<Args>(a).lines, io, fast)),
        ..update_kernel(name, parts, needs)
    }
}

macro_rules! with {
    ($quads:literal $(, $part:literal)*) => {
        parts!("shared/now.wgsl", "shared/index.wgsl", $quads $(, $part)*, "sgd/update.wgsl", "step/update.wgsl")
    };
}

static UPDATE: [Kernel; 2] = [
    update_kernel("sgd.update", with!("shared/quads.wgsl", "sgd/alone.wgsl"), Needs::Nothing),
    update_kernel("sgd.update_u64", with!("shared/quads_u64.wgsl", "sgd/alone.wgsl"), Needs::SubgroupsOf8),
];

static LAST: [Kernel; 2] = [
    last_kernel(
        "sgd.update_last",
        with!("shared/quads.wgsl", "step/next.wgsl", "step/ends.wgsl", "sgd/with_advance.wgsl"),
        Needs::Nothing,
    ),
    last_kernel(
        "sgd.update_last_u64",
        with!("shared/quads_u64.wgsl", "step/next.wgsl", "step/ends.wgsl", "sgd/with_advance.wgsl"),
        Needs::SubgroupsOf8,
    ),
];

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&UPDATE[0], &UPDATE[1], &LAST[0], &LAST[1]];

/// Stochastic gradient descent, as the registry of optimisers lists it.
pub static SGD: OptimizerKind = OptimizerKind {
    name: "sgd",
    doc: "stochastic gradient descent",
    settings: &[
        Setting::share("momentum", 0.9, "share of the last step that is added to the next"),
        Setting::flag("nesterov", false, "whether the gradient is that ahead of the momentum's step"),
        Setting::choice(
            "decay",
            &["l2", "decoupled"],
            "whether weights decay by a penalty in the loss, or by themselves",
        ),
    ],
    check: |values| {
        let idle = values.flag("nesterov") && values.number("momentum") == 0.0;
        if idle { Err("nesterov needs a momentum of more than 0".into()) } else { Ok(()) }
    },
    states: &["velocity"],
    op: |values, weight_decay, rate| {
        let decay = if values.word("decay") == "decoupled" { Decay::Decoupled } else { Decay::L2 };
        let (momentum, nesterov) = (values.number("momentum"), values.flag("nesterov"));
        Arc::new(Sgd { momentum, weight_decay, decay, nesterov, rate })
    },
    lr: 0.1,
    lr_of_numbers: 1e-2,
    weight_decay: 1e-4,
};

/// How the weights decay by λ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decay {
    /// As a penalty λ/2 θ² in the loss, before momentum.
    #[default]
    L2,
    /// By a share λ of themselves at every step, beside the gradient.
    Decoupled,
}

/// The operation. Inputs, all of one shape: gradients, parameters, velocity; it changes the last two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// μ, the share of the last step that is added to the next.
    pub momentum: f64,
    /// λ, the weight decay; 0 for none.
    pub weight_decay: f64,
    /// How λ acts on the weights.
    pub decay: Decay,
    /// Whether the step looks ahead.
    pub nesterov: bool,
    /// Share of the step's rate.
    pub rate: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { momentum: 0.0, weight_decay: 0.0, decay: Decay::L2, nesterov: false, rate: 1.0 }
    }
}

impl Sgd {
    fn args(&self, gradients: &Wire) -> Args {
        let decay = self.weight_decay as f32;
        let (l2, decoupled) = if self.decay == Decay::L2 { (decay, 0.0) } else { (0.0, decay) };
        Args {
            count: gradients.shape.elements() as u32,
            rate: self.rate as f32,
            momentum: self.momentum as f32,
            l2,
            decoupled,
            nesterov: u32::from(self.nesterov),
            lines: 0,
        }
    }
}

impl Update for Sgd {
    const NAME: &str = "sgd";
    const TENSORS: (usize, &str) = (3, "gradients, parameters and velocity");

    fn record(&self, tensors: &[Wire], table: Option<&Wire>, rec: &mut Recorder) {
        let gradients = &tensors[0];
        let (slots, lines) = slots_of(tensors, table, rec);
        let kernel = rec.best(if table.is_some() { &LAST } else { &UPDATE });
        let args = Args { lines, ..self.args(gradients) };
        rec.elements(kernel, &args, &slots, gradients.shape.elements().div_ceil(4));
    }
}

/// Inputs for the checks; the rate is the harness's.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, count: usize, op: Sgd| {
        let normal = |deviation| ([count].into(), Fill::Normal(0.0, deviation));
        Case::new(name, op, 1, vec![normal(1.0), normal(1.0), normal(0.5)]).not_smooth()
    };
    let usual = || Sgd { momentum: 0.9, weight_decay: 1e-2, ..Sgd::default() };
    let last = |name: &str, count: usize, lines: usize, op: Sgd| {
        let plain = case(name, count, usual());
        let table = ([lines, size_of::<Step>() / 4].into(), Fill::Below(1000));
        Case { op: Arc::new(Last(op)), inputs: [plain.inputs.clone(), vec![table]].concat(), ..plain }
    };
    let mut extreme = case("259, extreme", 259, Sgd { momentum: 0.9, weight_decay: 1e-2, ..Sgd::default() });
    extreme.inputs[0].1 = Fill::Extreme;
    let all = Sgd { momentum: 0.9, nesterov: true, rate: 0.5, weight_decay: 0.01, decay: Decay::Decoupled };
    vec![
        extreme,
        case("1", 1, Sgd::default()),
        case("257, momentum and l2", 257, Sgd { momentum: 0.9, weight_decay: 1e-2, ..Sgd::default() }),
        case("1031, nesterov", 1031, Sgd { momentum: 0.9, nesterov: true, ..Sgd::default() }),
        case("259, a share of the rate", 259, Sgd { momentum: 0.5, rate: 0.25, ..Sgd::default() }),
        case("255, decoupled", 255, Sgd { weight_decay: 0.01, decay: Decay::Decoupled, ..Sgd::default() }),
        case("1030, nesterov", 1030, Sgd { momentum: 0.9, nesterov: true, ..Sgd::default() }),
        case("5120, momentum", 5120, Sgd { momentum: 0.9, ..Sgd::default() }),
        last("5120, last", 5120, 3, usual()),
        last("257, last of a step", 257, 3, usual()),
        last("1030, last of all", 1030, 2, usual()),
        last("1031, last, nesterov, decoupled", 1031, 3, all),
    ]
}

fn sgd(a: Args, now: &Now, gradients: &[f32], [theta, v]: [&mut [f32]; 2]) {
    let rate = f64::from(now.rate) * f64::from(a.rate);
    let [momentum, l2, decoupled] = [a.momentum, a.l2, a.decoupled].map(f64::from);
    for i in 0..a.count as usize {
        let before = f64::from(theta[i]);
        let g = f64::from(gradients[i]) + l2 * before;
        v[i] = (momentum * f64::from(v[i]) + g) as f32;
        let v = f64::from(v[i]);
        let step = if a.nesterov != 0 { g + momentum * v } else { v };
        theta[i] = (before - rate * step - decoupled * before) as f32;
    }
}

/// Elements of one chunk, which one thread does.
const CHUNK: usize = 16 * 1024;

/// In one pass over memory.
fn fast(a: Args, now: &Now, gradients: &[f32], [theta, v]: [&mut [f32]; 2]) {
    let (count, rate) = (a.count as usize, now.rate * a.rate);
    let moved = (&mut theta[..count], &mut v[..count]);
    threads::for_pieces(moved, CHUNK, 1, |chunk, (theta, v): (&mut [f32], &mut [f32])| {
        let gradients = &gradients[chunk * CHUNK..][..theta.len()];
        simd::run(
            #[inline(always)]
            || fast_of_chunk(a, rate, gradients, theta, v),
        );
    });
}

#[inline(always)]
fn fast_of_chunk(a: Args, rate: f32, gradients: &[f32], theta: &mut [f32], v: &mut [f32]) {
    for ((theta, v), g) in theta.iter_mut().zip(v).zip(gradients) {
        let g = g + a.l2 * *theta;
        *v = a.momentum * *v + g;
        let step = if a.nesterov != 0 { g + a.momentum * *v } else { *v };
        *theta = *theta - rate * step - a.decoupled * *theta;
    }
}
