//! The end of a step: the next line of the step table becomes the current step.

use crate::kernel::{Io, Kernel, MAX_BINDINGS, Needs, Now, Step, Tensor, Tolerance, UPDATE_NOW, args_of, read};
use crate::op::{Case, Fill, Op, Outputs, Recorder, SlotId, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

args! { struct Args { lines: u32 } }

const WORDS: usize = size_of::<Step>() / 4;

static ADVANCE: Kernel = Kernel {
    name: "step.advance",
    parts: parts!("shared/now.wgsl", "step/next.wgsl", "step/advance.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("table").u32(), UPDATE_NOW],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|args, io| {
        let [table, mut now] = io.take();
        now.set_now(&following(args_of::<Args>(args).lines, &table, &now.now()));
    }),
    fast: None,
};

/// The step after this one. A halted run stays at its step; the mark of a skipped step is cleared.
pub(in crate::ops) fn following(lines: u32, table: &Tensor<'_>, now: &Now) -> Now {
    let mut next = *now;
    if ![0, Now::SKIPPED].contains(&now.halted) {
        return next;
    }
    next.halted = 0;
    next.index += 1;
    if next.index < lines {
        let line = &table.bytes()[next.index as usize * size_of::<Step>()..][..size_of::<Step>()];
        let step: Step = bytemuck::pod_read_unaligned(line);
        (next.start, next.rows, next.rate, next.step) = (step.start, step.rows, step.rate, step.step);
    }
    next
}

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&ADVANCE];

/// The operation. Input: the step table `[lines, 4]`, of [`Step`]s.
#[derive(Clone, Copy, Debug)]
pub struct Advance;

impl Op for Advance {
    fn name(&self) -> &'static str {
        "step"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        match inputs {
            [table] if table.width() == WORDS => Ok(Outputs::default()),
            _ => Err(ShapeError::new("advance takes a step table of four words a line")),
        }
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let table = &w.inputs[0];
        let now = rec.now();
        rec.dispatch(&ADVANCE, &Args { lines: table.shape.rows() as u32 }, &[table.slot, now], [1, 1, 1]);
    }

    fn advances(&self) -> bool {
        true
    }
}

/// An update of trainable tensors, which can be the last kernel of a step. Its inputs are gradients, parameters and states, all of
/// one shape; it changes all but the gradients.
pub trait Update: Any + Clone + fmt::Debug + Send + Sync {
    /// Name of the operation, as its kernels have it.
    const NAME: &str;

    /// How many tensors it takes, and which.
    const TENSORS: (usize, &str);

    /// Records it for gradients, parameters and states; with the step table, as the last kernel of a step.
    fn record(&self, tensors: &[Wire], table: Option<&Wire>, rec: &mut Recorder);
}

impl<U: Update> Op for U {
    fn name(&self) -> &'static str {
        U::NAME
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let (count, tensors) = U::TENSORS;
        if inputs.len() == count && inputs.iter().all(|shape| *shape == inputs[0]) {
            return Ok(Outputs::default());
        }
        Err(ShapeError::new(format!("{} takes {tensors} of one shape", U::NAME)))
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        self.record(&w.inputs, None, rec);
    }

    fn with_advance(&self) -> Option<Arc<dyn Op>> {
        Some(Arc::new(Last(self.clone())))
    }
}

/// An update as the last kernel of a step: it also does the work of [`Advance`], in a step that began with
/// [`Begin`](super::gather::Begin). Inputs as the update's, then the step table.
#[derive(Clone, Copy, Debug)]
pub struct Last<U>(pub U);

impl<U: Update> Op for Last<U> {
    fn name(&self) -> &'static str {
        U::NAME
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        match inputs.split_last() {
            Some((_, tensors)) => self.0.shapes(tensors),
            None => Err(ShapeError::new("the end of a step takes a step table")),
        }
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let Some((table, tensors)) = w.inputs.split_last() else { unreachable!("a step table") };
        self.0.record(tensors, Some(table), rec);
    }
}

/// What an update does with gradients to parameters and states, N tensors in all.
pub(in crate::ops) type Rule<A, const N: usize> = fn(A, &Now, &[f32], [&mut [f32]; N]);

/// An update on the host, its tensors in the order of [`slots_of`].
pub(in crate::ops) fn alone<A, const N: usize>(a: A, io: &mut Io<'_>, rule: Rule<A, N>) {
    let [gradients, now, moved @ ..]: [_; MAX_BINDINGS] = io.take();
    moves(a, &now.now(), &gradients, moved, rule);
}

/// The same as the last kernel of a step, of which the table has so many lines.
pub(in crate::ops) fn last<A, const N: usize>(a: A, lines: u32, io: &mut Io<'_>, rule: Rule<A, N>) {
    let [gradients, now, table, mut next, moved @ ..]: [_; MAX_BINDINGS] = io.take();
    next.set_now(&following(lines, &table, &now.now()));
    moves(a, &now.now(), &gradients, moved, rule);
}

/// Nothing moves in a halted run.
fn moves<A, const N: usize, const M: usize>(
    a: A,
    now: &Now,
    gradients: &Tensor<'_>,
    mut moved: [Tensor<'_>; M],
    rule: Rule<A, N>,
) {
    if now.halted == 0 {
        let mut moved = moved.iter_mut();
        let moved = std::array::from_fn(|_| match moved.next() {
            Some(tensor) => tensor.f32_mut(),
            None => panic!("an update asked for more tensors than a kernel binds"),
        });
        rule(a, now, gradients.f32(), moved);
    }
}

/// The slots of an update that takes gradients, parameters and states, in the order of its bindings, and the lines of the step
/// table.
pub(in crate::ops) fn slots_of(tensors: &[Wire], table: Option<&Wire>, rec: &mut Recorder) -> (Vec<SlotId>, u32) {
    let now = rec.now();
    let gradients = tensors.iter().take(1).map(|wire| wire.slot).chain([now]);
    let end: Vec<SlotId> = table.iter().flat_map(|table| [table.slot, rec.end_step()]).collect();
    let moved = tensors.iter().skip(1).map(|wire| wire.slot);
    (gradients.chain(end).chain(moved).collect(), table.map_or(0, |table| table.shape.rows() as u32))
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let lines = |count: usize| vec![([count, WORDS].into(), Fill::Below(1000))];
    vec![
        Case::new("next line", Advance, 1, lines(3)).not_smooth(),
        Case::new("past the end", Advance, 1, lines(1)).not_smooth(),
    ]
}
