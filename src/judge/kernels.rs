//! Every kernel against its twin, dispatch by dispatch, on the same inputs. A joined kernel has no twin: its judge is the
//! sequence of plain kernels that its dispatch names, run by their twins.
//!
//! Before each dispatch the subject's memory is made equal to the judge's, so a wrong kernel is named itself and not
//! the one after it. Memory is poisoned first, each word with a NaN of its own, and so are the rows of inputs behind the batch.
//! No word outside the written slots may change. So the judge sees words that a kernel leaves out, reads beyond its tensors,
//! and writes where it must not write.
//!
//! On a device a dispatch runs several times (see [`Trial::watched`]): bound as the product binds it; with bindings that
//! reach to the end of their buffers, so that the driver neither drops writes nor answers reads beyond a tensor; and over
//! grids of two dimensions with more groups than needed. Then the judge runs the case in a halted step, in which no state
//! may change by a bit. A case that takes over 8 MiB, which is one of long loops, runs in one way.

mod compare;
mod memory;
mod trial;

pub use compare::Verdict;
pub use trial::{POISON, Trial};

use crate::cpu::{Machine, Mode};
use crate::executor::{DeviceError, Executor};
use crate::graph::plan::Plan;
use crate::kernel::{Access, Kernel, Now, Scalar, Size, WRITE_CURRENT, WRITE_NEXT};
use crate::op::{Dispatch, writes};
use compare::{Words, compare_buffer};
use memory::{Poison, from_subject, own, to_subject};
use std::sync::Arc;
use trial::MOST_WATCHED;

/// Runs a case on a subject, and judges each dispatch. A subject that was made for [`Trial::watched`] runs each
/// dispatch in all the ways that are there; one that was made for [`Trial::plan`] runs it in one.
///
/// # Errors
/// The device failed.
pub fn judge(trial: &Trial, case: &str, subject: &mut dyn Executor) -> Result<Vec<Verdict>, DeviceError> {
    judge_some(trial, case, subject, &|_| true)
}

/// The same for some kernels alone: the subject does not run the others.
///
/// # Errors
/// The device failed.
pub fn judge_some(
    trial: &Trial,
    case: &str,
    subject: &mut dyn Executor,
    wanted: &dyn Fn(&Kernel) -> bool,
) -> Result<Vec<Verdict>, DeviceError> {
    let dispatches = &trial.plan.programs[0].dispatches;
    let behind = trial.rows_behind_the_batch()?;
    let mut verdicts: Vec<Option<Verdict>> = vec![None; dispatches.len()];
    let halts = if trial.plan.bytes() > MOST_WATCHED { vec![] } else { vec![Now::HALTED_BY_LOSS, Now::SKIPPED] };
    for halted in std::iter::once(0).chain(halts) {
        let mut judge = Judge { trial, halted, machine: Machine::new(Arc::clone(&trial.plan), Mode::Twin) };
        trial.fill_apart(&mut judge.machine, &behind, halted)?;
        let last = dispatches.iter().rposition(|d| wanted(d.kernel) && (halted == 0 || heeds_halted(d.kernel)));
        for at in 0..last.map_or(0, |last| last + 1) {
            let kernel = dispatches[at].kernel;
            if !wanted(kernel) || (halted != 0 && !heeds_halted(kernel)) {
                judge.machine.run_dispatch(0, at)?;
                continue;
            }
            let verdict = verdicts[at].get_or_insert_with(|| judge.good(case, at));
            judge.dispatch(at, subject, verdict)?;
        }
    }
    Ok(verdicts.into_iter().flatten().collect())
}

/// Whether what a kernel does may depend on whether the run is halted: it changes something, or says what step comes next.
fn heeds_halted(kernel: &Kernel) -> bool {
    let has_now = kernel.bindings.iter().any(|binding| binding.scalar == Scalar::Now);
    let changes = |access| access == Access::Update;
    has_now && kernel.bindings.iter().any(|b| changes(b.access) || [WRITE_NEXT, WRITE_CURRENT].contains(b))
}

/// One run of a case by the twins, with what each dispatch of it is judged by.
struct Judge<'a> {
    trial: &'a Trial,
    halted: u32,
    machine: Machine,
}

impl Judge<'_> {
    /// A verdict before the dispatch has run: no error.
    fn good(&self, case: &str, at: usize) -> Verdict {
        let dispatch = &self.trial.plan.programs[0].dispatches[at];
        Verdict {
            kernel: dispatch.kernel.name,
            case: case.to_owned(),
            error: 0.0,
            bound: dispatch.kernel.tolerance.bound(&dispatch.args, self.trial.rows()),
            worst: None,
        }
    }

    /// Runs a dispatch by its twin and on the subject, and adds to the verdict what differs.
    fn dispatch(&mut self, at: usize, subject: &mut dyn Executor, verdict: &mut Verdict) -> Result<(), DeviceError> {
        let plan = &*self.trial.plan;
        let dispatch = &plan.programs[0].dispatches[at];
        let before = buffers(plan, &mut self.machine)?;
        let terms = dispatch.kernel.tolerance.size == Size::Terms;
        let sizes = if terms { Some(magnitudes(self.trial, at, &before)?) } else { None };
        self.machine.run_dispatch(0, at)?;
        let want = buffers(plan, &mut self.machine)?;
        for (program, poison) in runs(subject.plan(), at, self.halted) {
            let lengths: Vec<usize> = subject.plan().buffers.iter().map(|buffer| buffer.words).collect();
            for (i, (words, length)) in before.iter().zip(&lengths).enumerate() {
                subject.write_buffer(i, &to_subject(i, words, *length, poison))?;
            }
            subject.run_dispatch(program, at)?;
            for (i, (before, want)) in before.iter().zip(&want).enumerate() {
                let got = from_subject(i, subject.read_buffer(i)?, poison);
                let guards = (before.len()..got.len()).map(|word| own(i, word));
                let before: Vec<u32> = before.iter().copied().chain(guards).collect();
                let sizes = sizes.as_ref().map(|sizes| sizes[i].as_slice());
                let words = Words { before: &before, want, got: &got, sizes, kept: self.halted != 0 };
                let way = || self.way(subject.plan(), program);
                compare_buffer(plan, dispatch, i, &words, verdict, &way);
            }
        }
        Ok(())
    }

    /// The way in which the subject ran, for the message.
    fn way(&self, plan: &Plan, program: usize) -> String {
        let grid = if program == 0 { String::new() } else { format!(", {}", plan.programs[program].name) };
        if self.halted == 0 { grid } else { format!("{grid}, in a step halted by {}", self.halted) }
    }
}

/// Programs in which a dispatch is to be run, and the poison for each. In the grids it is a number: NaN stays what it is when
/// a kernel changes it in place.
fn runs(plan: &Plan, at: usize, halted: u32) -> Vec<(usize, Poison)> {
    if halted != 0 || plan.programs.len() == 1 {
        return vec![(plan.programs.len().min(2) - 1, Poison::Nan)];
    }
    let dispatch = |program: usize| -> &Dispatch { &plan.programs[program].dispatches[at] };
    let grids = (2..plan.programs.len()).filter(|&program| dispatch(program).groups != dispatch(0).groups);
    let mut all: Vec<(usize, Poison)> = grids.map(|program| (program, Poison::Number)).collect();
    if all.is_empty() && dispatch(0).kernel.bindings.iter().any(|binding| binding.access == Access::Update) {
        all.push((1, Poison::Number));
    }
    all.extend([(0, Poison::Nan), (1, Poison::Nan)]);
    all
}

fn buffers(plan: &Plan, executor: &mut dyn Executor) -> Result<Vec<Vec<u32>>, DeviceError> {
    (0..plan.buffers.len()).map(|i| executor.read_buffer(i)).collect()
}

/// The twin's result on the magnitudes of its inputs: the sum of the magnitudes of the terms.
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
    buffers(plan, &mut machine)
}
