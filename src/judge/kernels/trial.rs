//! A case as a plan: one operation alone, and the ways in which a device runs it.

use super::memory::own;
use crate::cpu::{Machine, Mode};
use crate::executor::{DeviceError, Executor};
use crate::graph::plan::{Plan, PlanError};
use crate::kernel::{Now, Scalar};
use crate::op::{ALIGN, Case, Class, Dispatch, Fill, Made, Recorder, Slot, SlotId, Target, Wire, Wires, writes};
use crate::shape::Shape;
use std::sync::Arc;

/// The word with which [`Trial::fill`] fills memory: a NaN that no kernel makes.
pub const POISON: u32 = 0x7fc5_a5a5;

/// Words of poison behind each buffer of [`Trial::watched`]: more than a row of threads reaches beyond a tensor when its index is
/// one element off.
const GUARD: usize = 64;

/// Most bytes of a plan that runs in more than one way. Larger cases test long loops, and would take too long in every way.
pub(super) const MOST_WATCHED: u64 = 8 << 20;

/// Programs of [`Trial::watched`] after the first, with the grid that each makes of so many groups in one row. There
/// are at least as many groups as before, and a kernel must find out its number from the whole of the grid.
type Grid = fn(u32) -> [u32; 3];
const WAYS: [(&str, Grid); 4] = [
    ("bound to the ends of buffers", |groups| [groups, 1, 1]),
    ("in two rows of groups", |groups| [groups / 2 + 1, 2, 1]),
    ("in two columns of groups", |groups| [2, groups / 2 + 1, 1]),
    ("in three columns of groups", |groups| [3, groups / 3 + 1, 1]),
];

/// An operation alone: its value, gradient and commit as one program, and the slots around it.
#[derive(Debug)]
pub struct Trial {
    /// The plan, with the one program.
    pub plan: Arc<Plan>,
    /// The same for a subject that is a device: its buffers end in words that nothing may touch, and further programs
    /// run the same dispatches with bindings that reach there, over the grid of the plan and over others. It is the plan
    /// itself for the host, where a twin cannot leave its tensors, and where the plan takes over 8 MiB.
    pub watched: Arc<Plan>,
    /// The slots around the operation.
    pub wires: Wires<Wire>,
    /// Dispatches of the value, before those of gradient and commit.
    pub forward: usize,
    now: Now,
    fills: Vec<(SlotId, Fill)>,
}

/// Words of a slot, from the first of a row that no step reads.
pub(super) type Behind = Vec<(SlotId, usize)>;

impl Trial {
    /// Compiles a case for a target.
    ///
    /// # Errors
    /// Its shapes do not fit, or the target is too small for it.
    pub fn new(case: &Case, target: Target) -> Result<Self, PlanError> {
        let mut rec = Recorder::new(Target { groups_wanted: case.groups_wanted, ..target });
        rec.lead = ALIGN;
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
                if case.op.passes_gradient(i) {
                    wires.d_inputs.push(Some(wires.d_outputs[0].clone()));
                    continue;
                }
                let wanted = case.op.differentiable(i);
                let slot = wanted.then(|| add(&mut rec, format!("grad.{i}"), shape, Scalar::F32, Class::Metrics));
                wires.d_inputs.push(slot);
            }
            case.op.backward(&wires, &mut rec);
            case.op.commit(&wires, &mut rec);
        }
        let (start, rows) = (case.start as u32, case.rows as u32);
        let now = Now {
            index: case.index,
            start,
            rows,
            rate: 0.1,
            step: 5,
            exponent: case.exponent,
            steady: 3,
            skipped: 2,
            ..Now::default()
        };
        let plan = Arc::new(Plan::of_recording("case", rec)?);
        let alone = target.max_buffer == u64::MAX || plan.bytes() > MOST_WATCHED;
        let watched = if alone { Arc::clone(&plan) } else { Arc::new(watched(&plan)) };
        Ok(Self { plan, watched, wires, forward, now, fills })
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
        self.fill_inputs(executor)?;
        executor.set_now(self.now)
    }

    fn fill_inputs(&self, executor: &mut dyn Executor) -> Result<(), DeviceError> {
        for (index, (slot, fill)) in self.fills.iter().enumerate() {
            let shape = &self.plan.slots[slot.0 as usize].shape;
            executor.write(*slot, 0, &fill.words(shape, index as u32))?;
        }
        Ok(())
    }

    /// Rows of the step.
    pub(super) fn rows(&self) -> usize {
        self.now.rows as usize
    }

    /// Poisons the judge's memory, each word by itself, fills in the inputs but for some rows, and sets the step.
    ///
    /// # Errors
    /// None on the host.
    pub(super) fn fill_apart(&self, machine: &mut Machine, behind: &Behind, halted: u32) -> Result<(), DeviceError> {
        for (i, buffer) in self.plan.buffers.iter().enumerate() {
            machine.write_buffer(i, &(0..buffer.words).map(|word| own(i, word)).collect::<Vec<_>>())?;
        }
        self.fill_inputs(machine)?;
        for &(slot, first) in behind {
            let (buffer, start, words) = self.plan.range(slot);
            let poison: Vec<u32> = (first..words).map(|word| own(buffer, start + word)).collect();
            machine.write(slot, first, &poison)?;
        }
        machine.set_now(Now { halted, ..self.now })
    }

    /// The rows of inputs behind those of the batch: those without which the twins' results are the same. An input whose
    /// first size is that of the batch by chance is read whole.
    ///
    /// # Errors
    /// None on the host.
    pub(super) fn rows_behind_the_batch(&self) -> Result<Behind, DeviceError> {
        let capacity = self.wires.inputs.first().map_or(0, |wire| wire.shape.rows());
        if self.rows() >= capacity {
            return Ok(vec![]);
        }
        let given = self.wires.inputs.iter().chain(&self.wires.d_outputs);
        let first = |wire: &Wire| wire.shape.elements() / capacity * self.rows();
        let batches = given.filter(|wire| wire.shape.rows() == capacity && !self.is_written(wire.slot));
        let all: Behind = batches.map(|wire| (wire.slot, first(wire))).collect();
        let plain = self.results(&vec![], &all)?;
        if self.results(&all, &all)? == plain {
            return Ok(all);
        }
        let mut unread = vec![];
        for behind in all.iter().copied() {
            if self.results(&vec![behind], &all)? == plain {
                unread.push(behind);
            }
        }
        Ok(unread)
    }

    /// Whether a dispatch writes a slot, or one that it is a part of.
    fn is_written(&self, slot: SlotId) -> bool {
        let whole = self.plan.slots[slot.0 as usize].within.map(|(whole, _)| whole);
        let both = |dispatch: &Dispatch| {
            let mut bound = dispatch.slots.iter().zip(dispatch.kernel.bindings);
            bound.any(|(&at, binding)| writes(binding.access) && (at == slot || Some(at) == whole))
        };
        self.plan.programs[0].dispatches.iter().any(both)
    }

    /// All memory after the twins ran with some rows poisoned; the rows `but` are left out.
    fn results(&self, behind: &Behind, but: &Behind) -> Result<Vec<Vec<u32>>, DeviceError> {
        let mut machine = Machine::new(Arc::clone(&self.plan), Mode::Twin);
        self.fill_apart(&mut machine, behind, 0)?;
        machine.run(0, 1)?;
        for &(slot, first) in but {
            machine.write(slot, first, &vec![0; self.plan.range(slot).2 - first])?;
        }
        (0..self.plan.buffers.len()).map(|i| machine.read_buffer(i)).collect()
    }
}

/// The plan for [`Trial::watched`].
fn watched(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.buffers.iter_mut().for_each(|buffer| buffer.words += GUARD);
    let slots = plan.slots.len();
    for i in 0..slots {
        let (slot, place) = (plan.slots[i].clone(), plan.places[i]);
        let shape = [plan.buffers[place.buffer].words - place.offset].into();
        plan.slots.push(Slot { name: format!("{} and beyond", slot.name), shape, public: false, within: None, ..slot });
        plan.places.push(place);
    }
    let beyond = |slot: &SlotId| SlotId(slot.0 + slots as u32);
    let case = plan.programs[0].clone();
    for (name, grid) in WAYS {
        let mut program = case.clone();
        program.name = name;
        for dispatch in &mut program.dispatches {
            dispatch.slots = dispatch.slots.iter().map(beyond).collect();
            if takes_any_grid(dispatch) {
                dispatch.groups = grid(dispatch.groups[0]);
            }
        }
        plan.programs.push(program);
    }
    plan
}

/// Whether a dispatch does the same in any grid of enough groups: it has one row, and its kernel looks at how many there are.
fn takes_any_grid(dispatch: &Dispatch) -> bool {
    dispatch.groups[1..] == [1, 1] && dispatch.kernel.wgsl().contains("num_workgroups")
}
