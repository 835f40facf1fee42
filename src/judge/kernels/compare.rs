//! Compares the memory after a dispatch with the judge's, word by word.

use super::memory::own;
use crate::graph::plan::Plan;
use crate::kernel::{Scalar, Size, Tolerance};
use crate::op::{Dispatch, SlotId, writes};

/// How one kernel did in one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Name of the kernel, as in `sgd.update`.
    pub kernel: &'static str,
    /// Names of the operation and of its case.
    pub case: String,
    /// The largest error, relative to the tolerance's size; infinite where NaN, infinities or bits disagree.
    pub error: f64,
    /// The largest error that passes.
    pub bound: f64,
    /// Where the largest error is, if it is over the bound.
    pub worst: Option<String>,
}

impl Verdict {
    /// Whether the kernel passed.
    pub fn ok(&self) -> bool {
        self.worst.is_none()
    }
}

/// The words of one buffer. The subject's may be longer than the judge's.
pub(super) struct Words<'a> {
    pub before: &'a [u32],
    pub want: &'a [u32],
    pub got: &'a [u32],
    /// The sizes that errors are relative to, where those are not in `want`.
    pub sizes: Option<&'a [u32]>,
    /// Whether words that the judge did not change must stay the same to the bit.
    pub kept: bool,
}

/// Adds to a verdict what differs in a buffer; `way` says how the subject ran.
pub(super) fn compare_buffer(
    plan: &Plan,
    dispatch: &Dispatch,
    buffer: usize,
    words: &Words<'_>,
    verdict: &mut Verdict,
    way: &dyn Fn() -> String,
) {
    let mut written = vec![false; words.got.len()];
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
            let error = error(own(buffer, i), words, i, exact, size);
            note(verdict, error, || {
                let value = |bits: u32| {
                    if binding.scalar == Scalar::F32 { f32::from_bits(bits).to_string() } else { bits.to_string() }
                };
                format!(
                    "{}[{}] is {}, should be {}{}",
                    binding.name,
                    i - first,
                    value(words.got[i]),
                    value(words.want[i]),
                    way()
                )
            });
        }
    }
    let strays = (0..written.len()).filter(|&i| !written[i] && words.got[i] != words.before[i]);
    if let Some(stray) = { strays }.next() {
        note(verdict, f64::INFINITY, || {
            format!("word {stray} of buffer {buffer} changed outside the written tensors{}", way())
        });
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
fn error(poison: u32, words: &Words<'_>, i: usize, exact: bool, size: f64) -> f64 {
    let (before, want, got) = (words.before[i], words.want[i], words.got[i]);
    if want == got {
        return 0.0;
    }
    // A word that the judge did not change must not change, and one that it wrote must be written.
    if (want == before) != (got == before) && (before == poison || words.kept) {
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
