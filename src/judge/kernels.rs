//! Every kernel against its twin, dispatch by dispatch, on the same inputs.
//!
//! Before each dispatch the subject's memory is made equal to the judge's, so a wrong kernel is named itself and not
//! the one after it. Memory is poisoned with NaN first, and no word outside the written slots may change: so what a
//! kernel leaves out, reads beyond its tensors or writes where it must not, is seen.

use crate::cpu::{Machine, Mode};
use crate::executor::{DeviceError, Executor};
use crate::graph::plan::{Plan, PlanError};
use crate::kernel::{Now, Scalar, Size, Tolerance};
use crate::op::{Case, Class, Dispatch, Fill, Made, Recorder, Slot, SlotId, Target, Wire, Wires, writes};
use crate::shape::Shape;
use std::sync::Arc;

/// What memory holds before a check: a NaN that no kernel makes.
pub const POISON: u32 = 0x7fc5_a5a5;

/// How one kernel did in one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Its name.
    pub kernel: &'static str,
    /// Operation and case.
    pub case: String,
    /// The largest error, relative to the tolerance's size; infinite where NaN, infinities or bits disagree.
    pub error: f64,
    /// What the error may be.
    pub bound: f64,
    /// What is worst, where it is over the bound.
    pub worst: Option<String>,
}

impl Verdict {
    /// Whether the kernel passed.
    pub fn ok(&self) -> bool {
        self.worst.is_none()
    }
}

/// An operation alone: its value, gradient and commit as one program, and the slots around it.
#[derive(Debug)]
pub struct Trial {
    /// The plan, with the one program.
    pub plan: Arc<Plan>,
    /// The slots around the operation.
    pub wires: Wires<Wire>,
    /// Dispatches of the value, before those of gradient and commit.
    pub forward: usize,
    now: Now,
    fills: Vec<(SlotId, Fill)>,
}

impl Trial {
    /// Compiles a case.
    ///
    /// # Errors
    /// Its shapes do not fit, or the target is too small for it.
    pub fn new(case: &Case, target: Target) -> Result<Self, PlanError> {
        let mut rec = Recorder::new(Target { groups_wanted: case.groups_wanted, ..target });
        rec.enter(&case.name);
        let mut fills = vec![];
        let add = |rec: &mut Recorder, name: String, shape: &Shape, scalar: Scalar, class: Class| {
            let slot = rec.slot(Slot { name, shape: shape.clone(), scalar, class, public: true, within: None });
            Wire { slot, shape: shape.clone() }
        };
        let mut wires = Wires::default();
        for (i, (shape, fill)) in case.inputs.iter().enumerate() {
            let wire = add(&mut rec, format!("in.{i}"), shape, fill.scalar(), Class::Data);
            fills.push((wire.slot, fill.clone()));
            wires.inputs.push(wire);
        }
        let shapes: Vec<Shape> = case.inputs.iter().map(|(shape, _)| shape.clone()).collect();
        let made = case.op.shapes(&shapes)?;
        let computed = |rec: &mut Recorder, made: &[Made]| -> Vec<Wire> {
            let name = |m: &Made| format!("out.{}", m.name);
            made.iter().map(|m| add(rec, name(m), &m.shape, m.scalar, Class::Metrics)).collect()
        };
        wires.outputs = computed(&mut rec, &made.outputs);
        wires.saved = computed(&mut rec, &made.saved);
        case.op.forward(&wires, &mut rec);
        let forward = rec.dispatches.len();
        if (0..shapes.len()).any(|i| case.op.differentiable(i)) {
            for made in &made.outputs {
                let wire = add(&mut rec, format!("up.{}", made.name), &made.shape, Scalar::F32, Class::Data);
                fills.push((wire.slot, case.up.clone()));
                wires.d_outputs.push(wire);
            }
            for (i, shape) in shapes.iter().enumerate() {
                let wanted = case.op.differentiable(i);
                let slot = wanted.then(|| add(&mut rec, format!("grad.{i}"), shape, Scalar::F32, Class::Metrics));
                wires.d_inputs.push(slot);
            }
            case.op.backward(&wires, &mut rec);
            case.op.commit(&wires, &mut rec);
        }
        let (start, rows) = (case.start as u32, case.rows as u32);
        let now =
            Now { index: 1, start, rows, rate: 0.1, step: 5, exponent: case.exponent, skipped: 1, ..Now::default() };
        let plan = Arc::new(Plan::of_recording("case", rec)?);
        Ok(Self { plan, wires, forward, now, fills })
    }

    /// Compiles a case, unless the target's driver would end one of its loops too early.
    ///
    /// # Errors
    /// As [`Trial::new`].
    pub fn within_turns(case: &Case, target: Target) -> Result<Option<Self>, PlanError> {
        match Self::new(case, target) {
            Err(_) if Self::new(case, Target { max_turns: u32::MAX, ..target }).is_ok() => Ok(None),
            trial => trial.map(Some),
        }
    }

    /// Poisons an executor's memory and fills in the inputs.
    ///
    /// # Errors
    /// The device failed.
    pub fn fill(&self, executor: &mut dyn Executor) -> Result<(), DeviceError> {
        for (i, buffer) in self.plan.buffers.iter().enumerate() {
            executor.write_buffer(i, &vec![POISON; buffer.words])?;
        }
        for (index, (slot, fill)) in self.fills.iter().enumerate() {
            let shape = &self.plan.slots[slot.0 as usize].shape;
            executor.write(*slot, 0, &fill.words(shape, index as u32))?;
        }
        executor.set_now(self.now)
    }
}

/// Runs a case on a subject that was made for the trial's plan, and judges each dispatch.
///
/// # Errors
/// The device failed.
pub fn judge(trial: &Trial, case: &str, subject: &mut dyn Executor) -> Result<Vec<Verdict>, DeviceError> {
    let mut judge = Machine::new(Arc::clone(&trial.plan), Mode::Twin);
    trial.fill(&mut judge)?;
    let dispatches = &trial.plan.programs[0].dispatches;
    (0..dispatches.len()).map(|at| judge_dispatch(trial, case, at, &mut judge, subject)).collect()
}

fn judge_dispatch(
    trial: &Trial,
    case: &str,
    at: usize,
    judge: &mut Machine,
    subject: &mut dyn Executor,
) -> Result<Verdict, DeviceError> {
    let plan = &*trial.plan;
    let dispatch = &plan.programs[0].dispatches[at];
    let before: Vec<Vec<u32>> = (0..plan.buffers.len()).map(|i| judge.read_buffer(i)).collect::<Result<_, _>>()?;
    for (i, words) in before.iter().enumerate() {
        subject.write_buffer(i, words)?;
    }
    let rows = judge.now()?.rows as usize;
    let tolerance = dispatch.kernel.tolerance;
    let sizes = if tolerance.size == Size::Terms { Some(magnitudes(trial, at, &before)?) } else { None };
    judge.run_dispatch(0, at)?;
    subject.run_dispatch(0, at)?;
    let mut verdict = Verdict {
        kernel: dispatch.kernel.name,
        case: case.to_owned(),
        error: 0.0,
        bound: tolerance.bound(&dispatch.args, rows),
        worst: None,
    };
    for (i, before) in before.iter().enumerate() {
        let (want, got) = (judge.read_buffer(i)?, subject.read_buffer(i)?);
        let sizes = sizes.as_ref().map(|sizes| sizes[i].as_slice());
        compare_buffer(plan, dispatch, i, &Words { before, want: &want, got: &got, sizes }, &mut verdict);
    }
    Ok(verdict)
}

/// What the twin makes of the magnitudes of its inputs: the sum of the magnitudes of the terms.
fn magnitudes(trial: &Trial, at: usize, before: &[Vec<u32>]) -> Result<Vec<Vec<u32>>, DeviceError> {
    let plan = &*trial.plan;
    let dispatch = &plan.programs[0].dispatches[at];
    let mut machine = Machine::new(Arc::clone(&trial.plan), Mode::Twin);
    for (i, words) in before.iter().enumerate() {
        machine.write_buffer(i, words)?;
    }
    for (&slot, binding) in dispatch.slots.iter().zip(dispatch.kernel.bindings) {
        if binding.scalar == Scalar::F32 && !writes(binding.access) {
            let values = machine.read(slot, 0, plan.slots[slot.0 as usize].words())?;
            machine.write(slot, 0, &values.iter().map(|v| v & 0x7fff_ffff).collect::<Vec<_>>())?;
        }
    }
    machine.run_dispatch(0, at)?;
    (0..plan.buffers.len()).map(|i| machine.read_buffer(i)).collect()
}

struct Words<'a> {
    before: &'a [u32],
    want: &'a [u32],
    got: &'a [u32],
    sizes: Option<&'a [u32]>,
}

fn compare_buffer(plan: &Plan, dispatch: &Dispatch, buffer: usize, words: &Words<'_>, verdict: &mut Verdict) {
    let mut written = vec![false; words.want.len()];
    let bound = dispatch.slots.iter().zip(dispatch.kernel.bindings).filter(|(_, binding)| writes(binding.access));
    for (slot, binding) in bound.flat_map(|(&slot, binding)| parts(plan, slot).into_iter().map(move |s| (s, binding))) {
        let (at, first, count) = plan.range(slot);
        if at != buffer {
            continue;
        }
        written[first..first + count].fill(true);
        let range = first..first + count;
        let exact = binding.scalar != Scalar::F32 || dispatch.kernel.tolerance.size == Size::Exact;
        let by_row = dispatch.kernel.tolerance.size == Size::LargestOfRow;
        // A vector is one row.
        let shape = &plan.slots[slot.0 as usize].shape;
        let width = if by_row && shape.0.len() > 1 { shape.width() } else { count };
        let largest: Vec<f32> = words.want[range.clone()].chunks(width.max(1)).map(largest).collect();
        for i in range {
            let size = size(&dispatch.kernel.tolerance, largest[(i - first) / width], words, i);
            let error = error(words.before[i], words.want[i], words.got[i], exact, size);
            note(verdict, error, || {
                let value = |bits: u32| {
                    if binding.scalar == Scalar::F32 { f32::from_bits(bits).to_string() } else { bits.to_string() }
                };
                format!(
                    "{}[{}] is {}, should be {}",
                    binding.name,
                    i - first,
                    value(words.got[i]),
                    value(words.want[i])
                )
            });
        }
    }
    let strays = (0..written.len()).filter(|&i| !written[i] && words.got[i] != words.before[i]);
    if let Some(stray) = { strays }.next() {
        note(verdict, f64::INFINITY, || format!("word {stray} of buffer {buffer} changed outside the written tensors"));
    }
}

/// The tensors that lie in a slot, or the slot itself where none does.
fn parts(plan: &Plan, slot: SlotId) -> Vec<SlotId> {
    let within = |id: &SlotId| plan.slots[id.0 as usize].within.is_some_and(|(whole, _)| whole == slot);
    let parts: Vec<SlotId> = (0..plan.slots.len() as u32).map(SlotId).filter(within).collect();
    if parts.is_empty() { vec![slot] } else { parts }
}

fn note(verdict: &mut Verdict, error: f64, what: impl FnOnce() -> String) {
    if error > verdict.error {
        verdict.error = error;
        if error > verdict.bound {
            verdict.worst = Some(what());
        }
    }
}

fn largest(words: &[u32]) -> f32 {
    words.iter().map(|bits| f32::from_bits(*bits).abs()).filter(|v| v.is_finite()).fold(0.0, f32::max)
}

fn size(tolerance: &Tolerance, largest: f32, words: &Words<'_>, i: usize) -> f64 {
    let value = |bits: u32| f64::from(f32::from_bits(bits)).abs();
    let size = match tolerance.size {
        Size::Exact => 1.0,
        Size::Element => value(words.want[i]).max(1.0),
        Size::Largest | Size::LargestOfRow => f64::from(largest),
        Size::Terms => words.sizes.map_or(1.0, |sizes| value(sizes[i])),
    };
    if size.is_finite() { size.max(1e-30) } else { 1.0 }
}

/// The error of one word; infinite where the two differ in kind.
fn error(before: u32, want: u32, got: u32, exact: bool, size: f64) -> f64 {
    if want == got {
        return 0.0;
    }
    // What the judge left alone must be left alone, and what it wrote must be written.
    if (want == before) != (got == before) && (want == POISON || got == POISON) {
        return f64::INFINITY;
    }
    let (w, g) = (f32::from_bits(want), f32::from_bits(got));
    if w.is_nan() && g.is_nan() {
        return 0.0;
    }
    // Zeros of either sign are one value.
    if w == g {
        return 0.0;
    }
    if exact || !w.is_finite() || !g.is_finite() {
        return f64::INFINITY;
    }
    (f64::from(g) - f64::from(w)).abs() / size
}
