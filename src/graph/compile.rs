//! From graphs to a plan: joins, records, and places what is recorded.

use super::fuse::fuse_others;
use super::join::{in_blocks, join};
use super::plan::{Plan, PlanError, Program};
use super::{Call, Graph, Phase, ValueId, calls, fuse, lifetimes};
use crate::kernel::Scalar;
use crate::op::{Class, Op, Recorder, Slot, SlotId, Target, Wire, Wires};
use crate::shape::Shape;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How trainable tensors move.
#[derive(Clone, Debug)]
pub struct Optimizer {
    /// Operations that take gradients, parameters and the states, each one tensor of all that the rule moves.
    pub rules: Vec<Arc<dyn Op>>,
    /// The rule of each tensor, by name; the first moves those that are not named.
    pub rule_of: BTreeMap<String, usize>,
    /// Names of the states, as in `velocity`; each is as large as the parameters.
    pub states: Vec<&'static str>,
    /// What takes the scale off all gradients, where the loss is scaled (see [`crate::ops::loss_scale`]).
    pub unscale: Option<Arc<dyn Op>>,
    /// Applied to all gradients, as one tensor, before the update: clipping.
    pub before: Option<Arc<dyn Op>>,
    /// Applied to single tensors, by name, after the update: max-norm.
    pub after: Vec<(String, Arc<dyn Op>)>,
}

impl Optimizer {
    /// One rule for all tensors.
    pub fn of_one_rule(rule: Arc<dyn Op>, states: Vec<&'static str>) -> Self {
        Self { rules: vec![rule], rule_of: BTreeMap::new(), states, unscale: None, before: None, after: vec![] }
    }

    /// The rule that moves a tensor.
    pub(super) fn rule(&self, tensor: &str) -> usize {
        self.rule_of.get(tensor).copied().unwrap_or(0)
    }
}

/// A graph to be compiled, trained if it has an optimiser.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name of the program, as in `train`.
    pub name: &'static str,
    /// The graph whose values it computes.
    pub graph: Graph,
    /// The update of its parameters, if it trains.
    pub optimizer: Option<Optimizer>,
}

impl Plan {
    /// Compiles graphs into the programs of one plan. Persistent values of one name are one slot in all of them.
    ///
    /// # Errors
    /// A tensor or a dispatch is too large for the target.
    pub fn compile(sources: Vec<Source>, target: Target) -> Result<Self, PlanError> {
        let mut compiler = Compiler { rec: Recorder::new(target), shared: BTreeMap::new() };
        compiler.packs(&sources);
        let programs: Vec<(Program, BTreeSet<SlotId>)> = sources.into_iter().map(|s| compiler.program(s)).collect();
        if let Some(fault) = compiler.rec.fault {
            return Err(fault.into());
        }
        let slots = compiler.rec.slots;
        let views: Vec<_> = programs.iter().map(|(program, kept)| (program.dispatches.as_slice(), kept)).collect();
        let (buffers, places) = lifetimes::place(&slots, &views, &target)?;
        let programs = programs.into_iter().map(|(program, _)| program).collect();
        let plan = Self { target, slots, places, buffers, programs };
        plan.check()?;
        Ok(plan)
    }

    /// A plan of one program, made of a recorder's dispatches.
    ///
    /// # Errors
    /// A tensor or a dispatch is too large for the target.
    pub fn of_recording(name: &'static str, rec: Recorder) -> Result<Self, PlanError> {
        let Recorder { target, slots, dispatches, fault, .. } = rec;
        if let Some(fault) = fault {
            return Err(fault.into());
        }
        let (buffers, places) = lifetimes::place(&slots, &[(&dispatches, &BTreeSet::new())], &target)?;
        let plan = Self { target, slots, places, buffers, programs: vec![Program { name, dispatches, apart: vec![] }] };
        plan.check()?;
        Ok(plan)
    }
}

pub(super) struct Compiler {
    pub(super) rec: Recorder,
    /// Slots of persistent values, by name.
    pub(super) shared: BTreeMap<String, SlotId>,
}

impl Compiler {
    pub(super) fn persistent(
        &mut self,
        name: String,
        shape: Shape,
        scalar: Scalar,
        class: Class,
        within: Option<(SlotId, usize)>,
    ) -> SlotId {
        let slot = Slot { name: name.clone(), shape, scalar, class, public: true, within };
        *self.shared.entry(name).or_insert_with(|| self.rec.slot(slot))
    }

    fn program(&mut self, source: Source) -> (Program, BTreeSet<SlotId>) {
        let train = source.optimizer.is_some() || !source.graph.watched.is_empty();
        let unscale = source.optimizer.as_ref().and_then(|optimizer| optimizer.unscale.clone());
        let scales_loss = unscale.is_some();
        let mut graph = match self.rec.target.fuse {
            false => source.graph,
            true if train => fuse_others(&source.graph, &in_blocks(&source.graph, &self.rec.target, scales_loss)),
            true => fuse(&source.graph),
        };
        let mut calls = calls(&mut graph, train);
        let mut apart = vec![];
        let clocked = source.optimizer.as_ref().filter(|_| self.rec.target.fuse).and_then(|o| clock(&graph, &calls, o));
        if self.rec.target.fuse && train {
            let joined = join(&graph, calls, &self.rec.target, scales_loss);
            (calls, apart) = (joined.calls, joined.apart);
        }
        if let Some((begin, _)) = &clocked {
            calls[0].op = Arc::clone(begin);
        }
        let slots: Vec<SlotId> = self.value_slots(source.name, &graph, &calls);
        let wire = |id: &ValueId| Wire { slot: slots[id.0], shape: graph.values[id.0].shape.clone() };
        // Loss scaling may skip the step. So it judges the gradients before any commit changes state.
        let commits = calls.iter().position(|call| call.phase == Phase::Commit).unwrap_or(calls.len());
        for call in &calls[..commits] {
            self.record(&call.op, &call.path, call.phase, &wires(&call.wires, &wire));
        }
        if let Some(op) = &unscale {
            self.unscale(op);
        }
        for call in &calls[commits..] {
            self.record(&call.op, &call.path, call.phase, &wires(&call.wires, &wire));
        }
        if let Some(optimizer) = &source.optimizer {
            let table = clocked.as_ref().map(|(_, table)| wire(table));
            self.update(optimizer, table);
        }
        for node in graph.last.iter().filter(|_| clocked.is_none()) {
            let inputs = node.inputs.iter().map(wire).collect();
            self.record(&node.op, &node.path, Phase::Forward, &Wires { inputs, ..Wires::default() });
        }
        let kept = graph.kept.iter().map(|id| slots[id.0]).collect();
        (Program { name: source.name, dispatches: std::mem::take(&mut self.rec.dispatches), apart }, kept)
    }

    pub(super) fn wire(&self, slot: SlotId) -> Wire {
        Wire { slot, shape: self.rec.slots[slot.0 as usize].shape.clone() }
    }

    /// A slot for each value that a call or a last node uses; the others share the first slot, which none asks for.
    fn value_slots(&mut self, program: &str, graph: &Graph, calls: &[Call]) -> Vec<SlotId> {
        let mut used = BTreeSet::new();
        for call in calls {
            let w = &call.wires;
            used.extend(w.inputs.iter().chain(&w.outputs).chain(&w.saved).chain(&w.d_outputs).copied());
            used.extend(w.d_inputs.iter().flatten().copied());
        }
        used.extend(graph.last.iter().flat_map(|node| node.inputs.iter().copied()));
        let mut slots = vec![];
        for (i, value) in graph.values.iter().enumerate() {
            let (shape, scalar) = (value.shape.clone(), value.scalar);
            slots.push(match value.class {
                _ if !used.contains(&ValueId(i)) => self.rec.now(),
                Class::Activations => {
                    let name = format!("{program}.{}", value.name);
                    self.rec.slot(Slot { name, shape, scalar, class: value.class, public: true, within: None })
                }
                class => self.persistent(value.name.clone(), shape, scalar, class, None),
            });
        }
        slots
    }

    pub(super) fn record(&mut self, op: &Arc<dyn Op>, path: &str, phase: Phase, wires: &Wires<Wire>) {
        self.rec.enter(path);
        match phase {
            Phase::Forward => op.forward(wires, &mut self.rec),
            Phase::Backward => op.backward(wires, &mut self.rec),
            Phase::Commit => op.commit(wires, &mut self.rec),
        }
    }
}

/// The operation that begins a step, and the step table, if gather and update can advance the step: the first recording must be
/// a gather, and the last an update by a single rule that has a kernel for it.
fn clock(graph: &Graph, calls: &[Call], optimizer: &Optimizer) -> Option<(Arc<dyn Op>, ValueId)> {
    let first = calls.first()?;
    let begin = first.op.with_begin()?;
    let shapes: Vec<Shape> = first.wires.inputs.iter().map(|&id| graph.shape(id).clone()).collect();
    let [rule] = &optimizer.rules[..] else { return None };
    let [end] = &graph.last[..] else { return None };
    let trains = graph.values.iter().any(|value| value.class == Class::Parameters);
    let able = trains && rule.with_advance().is_some() && optimizer.after.is_empty() && end.op.advances();
    (able && begin.shapes(&shapes).is_ok()).then(|| (begin, end.inputs[0]))
}

fn wires(from: &Wires<ValueId>, wire: &impl Fn(&ValueId) -> Wire) -> Wires<Wire> {
    let all = |ids: &[ValueId]| ids.iter().map(wire).collect();
    Wires {
        inputs: all(&from.inputs),
        outputs: all(&from.outputs),
        saved: all(&from.saved),
        d_outputs: all(&from.d_outputs),
        d_inputs: from.d_inputs.iter().map(|id| id.as_ref().map(wire)).collect(),
    }
}
