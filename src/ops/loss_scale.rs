//! Dynamic loss scaling: gradients whose products are float16 would vanish or overflow there.
//!
//! The gradient by the loss is multiplied by a power of two (see [`Now::loss_scale`]), and so is every gradient computed from
//! it. Before the gradients are used they are divided by that power. Both are exact, unless a number over- or underflows in
//! between. If a gradient is not finite, the step is skipped: no state changes, and the scale is halved. After `interval` steps
//! without a skip the scale is doubled. If gradients are not finite at the scale 1, the run is halted. All of that happens on
//! the device; nothing is read back.
//! Source: Micikevicius et al. 2018, "Mixed precision training", section 3.2; numbers as of PyTorch's
//! `torch.amp.GradScaler`, but that the scale stays at 2²⁴ at most, as in NVIDIA's Apex, and at 1 at least.

use crate::kernel::{Kernel, NOW, Needs, Now, Tolerance, UPDATE_NOW, args_of, read, update, write};
use crate::op::{Case, Fill, Op, Outputs, Recorder, Wire, Wires, spread};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};

/// Exponent of the scale that a run starts with: 65536.
pub const START: u32 = 16;

/// Exponent of the largest scale.
pub const MOST: u32 = 24;

/// Steps without an overflow after which the scale is doubled.
pub const INTERVAL: u32 = 2000;

args! { struct DivideArgs { count: u32, chunk: u32, chunks: u32 } }
args! { struct JudgeArgs { chunks: u32, interval: u32, most: u32 } }

static DIVIDE: Kernel = Kernel {
    name: "loss_scale.divide",
    parts: parts!("shared/now.wgsl", "shared/numbers.wgsl", "loss_scale/divide.wgsl"),
    args: DivideArgs::FIELDS,
    bindings: &[NOW, write("overflows"), update("gradients")],
    needs: Needs::Nothing,
    // By powers of two nothing is rounded.
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [now, mut overflows, mut gradients] = io.take();
        divide(args_of(a), &now.now(), overflows.f32_mut(), gradients.f32_mut());
    }),
    fast: None,
};

static JUDGE: Kernel = Kernel {
    name: "loss_scale.judge",
    parts: parts!("shared/now.wgsl", "loss_scale/judge.wgsl"),
    args: JudgeArgs::FIELDS,
    bindings: &[read("overflows"), UPDATE_NOW],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [overflows, mut now] = io.take();
        let overflow = overflows.f32().iter().any(|&overflow| overflow != 0.0);
        let judged = judged(args_of(a), overflow, &now.now());
        now.set_now(&judged);
    }),
    fast: None,
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&DIVIDE, &JUDGE];

/// Elements of a chunk.
const CHUNK: usize = 4096;

/// The operation. Input: all gradients; it changes them, and the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossScale {
    /// Steps without an overflow after which the scale is doubled, at least 1.
    pub interval: u32,
}

impl Default for LossScale {
    fn default() -> Self {
        Self { interval: INTERVAL }
    }
}

impl Op for LossScale {
    fn name(&self) -> &'static str {
        "loss_scale"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [_] = inputs else { return Err(ShapeError::new("loss_scale takes the gradients")) };
        Ok(Outputs::default())
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let gradients = &w.inputs[0];
        let count = gradients.shape.elements();
        let (chunks, now) = (count.div_ceil(CHUNK), rec.now());
        let overflows = rec.private("overflows", [chunks]);
        let args = DivideArgs { count: count as u32, chunk: CHUNK as u32, chunks: chunks as u32 };
        rec.dispatch(&DIVIDE, &args, &[now, overflows.slot, gradients.slot], spread(chunks));
        let args = JudgeArgs { chunks: chunks as u32, interval: self.interval, most: MOST };
        rec.dispatch(&JUDGE, &args, &[overflows.slot, now], [1, 1, 1]);
    }
}

fn divide(a: DivideArgs, now: &Now, overflows: &mut [f32], gradients: &mut [f32]) {
    let scale = f64::from(now.loss_scale());
    let chunks = overflows.iter_mut().zip(gradients[..a.count as usize].chunks_mut(a.chunk as usize));
    for (overflow, gradients) in chunks {
        let finite = gradients.iter().all(|g| g.is_finite());
        *overflow = if finite { 0.0 } else { 1.0 };
        gradients.iter_mut().for_each(|g| *g = (f64::from(*g) / scale) as f32);
    }
}

/// The step, once it is known whether its gradients are finite.
fn judged(a: JudgeArgs, overflow: bool, now: &Now) -> Now {
    let mut now = *now;
    match (now.halted, overflow, now.exponent) {
        (0, false, _) => {
            now.steady += 1;
            if now.steady >= a.interval {
                now.steady = 0;
                now.exponent = (now.exponent + 1).min(a.most);
            }
        }
        (0, true, 0) => now.halted = Now::HALTED_BY_GRADIENT,
        (0, true, _) => {
            now.halted = Now::SKIPPED;
            now.exponent -= 1;
            now.steady = 0;
            now.skipped += 1;
        }
        _ => {}
    }
    now
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, gradients: Vec<f32>, exponent: u32, interval: u32| {
        let fill = Fill::Words(gradients.iter().map(|g| g.to_bits()).collect());
        Case::new(name, LossScale { interval }, 1, vec![([gradients.len()].into(), fill)])
            .exponent(exponent)
            .not_smooth()
    };
    let many = |count: usize| (0..count).map(|i| (i as f32 * 0.7).sin() * 1e3).collect::<Vec<f32>>();
    let with = |count: usize, at: usize, value: f32| {
        let mut gradients = many(count);
        gradients[at] = value;
        gradients
    };
    vec![
        case("1", vec![3.0], 4, 2000),
        case("4097, one past a chunk", many(4097), 16, 2000),
        case("300001, many chunks", many(300_001), 3, 2000),
        case("257, doubled", many(257), 7, 1),
        case("257, at the most", many(257), MOST, 1),
        case("4100, the last is infinite", with(4100, 4099, f32::INFINITY), 16, 2000),
        case("300001, one is infinite", with(300_001, 4096 * 70 + 63, f32::NEG_INFINITY), 1, 2000),
        case("300001, another is infinite", with(300_001, 4096 * 40 + 63, f32::INFINITY), 5, 2000),
        case("67, one is NaN", with(67, 64, f32::NAN), 5, 1),
        case("67, one is NaN at the scale 1", with(67, 1, f32::NAN), 0, 2000),
    ]
}
