//! The order in which a graph's operations run: values forward, gradients backward, commits.

use super::{Graph, Node, Value, ValueId, Watch};
use crate::kernel::Scalar;
use crate::op::{Class, Op, Wires};
use crate::ops::add::Add;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which of an operation's three recordings is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The value, by [`Op::forward`].
    Forward,
    /// The gradient, by [`Op::backward`].
    Backward,
    /// Other state of the layer, by [`Op::commit`].
    Commit,
}

/// One recording to be made.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation that records.
    pub op: Arc<dyn Op>,
    /// Path of the layer that it belongs to.
    pub path: String,
    /// Whether value, gradient or commit is recorded.
    pub phase: Phase,
    /// The values that it reads and writes.
    pub wires: Wires<ValueId>,
}

/// All calls of a graph; with a loss and `train`, the gradients of the trainable tensors too, which become values
/// `d.NAME` of class `Gradients`. The graph's `last` nodes are not among them.
pub fn calls(graph: &mut Graph, train: bool) -> Vec<Call> {
    let mut calls: Vec<Call> = graph.nodes.iter().map(|node| call(node, Phase::Forward)).collect();
    if let (true, Some(loss)) = (train, graph.loss) {
        let nodes = graph.nodes.clone();
        let watched = graph.watched.clone();
        let (mut backward, gradients) = Backward::new(graph, loss).run(&nodes);
        watched.into_iter().for_each(|watch| insert(watch, &mut backward, &gradients));
        calls.extend(backward);
        calls.extend(nodes.iter().map(|node| call(node, Phase::Commit)));
    }
    calls
}

/// Puts what looks at a gradient behind the call that completes it, so that no gradient lives longer than it must. A value that
/// gets no gradient is not looked at.
fn insert(watch: Watch, calls: &mut Vec<Call>, gradients: &BTreeMap<ValueId, ValueId>) {
    let Some(&gradient) = gradients.get(&watch.of) else { return };
    let writes = |call: &Call| call.wires.d_inputs.contains(&Some(gradient)) || call.wires.outputs.contains(&gradient);
    let Some(last) = calls.iter().rposition(writes) else { return };
    let inputs = std::iter::once(gradient).chain(watch.others).collect();
    let wires = Wires { inputs, ..Wires::default() };
    calls.insert(last + 1, Call { op: watch.op, path: watch.path, phase: Phase::Forward, wires });
}

fn call(node: &Node, phase: Phase) -> Call {
    let wires = Wires {
        inputs: node.inputs.clone(),
        outputs: node.outputs.clone(),
        saved: node.saved.clone(),
        ..Wires::default()
    };
    Call { op: Arc::clone(&node.op), path: node.path.clone(), phase, wires }
}

/// Whether the loss depends on each node.
fn reaches_loss(graph: &Graph, loss: usize) -> Vec<bool> {
    let mut needed = vec![false; graph.values.len()];
    let mut reaches = vec![false; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        reaches[index] = index == loss || node.outputs.iter().any(|id| needed[id.0]);
        if reaches[index] {
            node.inputs.iter().for_each(|id| needed[id.0] = true);
        }
    }
    reaches
}

struct Backward<'a> {
    graph: &'a mut Graph,
    /// Whether a trainable tensor is upstream of each value.
    wanted: Vec<bool>,
    /// Contributions to each value's gradient that are still to come.
    to_come: Vec<usize>,
    /// Whether the loss depends on each node.
    reaches: Vec<bool>,
    /// The sum of the contributions so far.
    so_far: BTreeMap<ValueId, ValueId>,
    calls: Vec<Call>,
}

impl<'a> Backward<'a> {
    fn new(graph: &'a mut Graph, loss: usize) -> Self {
        let reaches = reaches_loss(graph, loss);
        let mut wanted: Vec<bool> = graph.values.iter().map(|value| value.class == Class::Parameters).collect();
        let mut to_come = vec![0; graph.values.len()];
        for (node, reaches) in graph.nodes.iter().zip(&reaches) {
            let flows = node.inputs.iter().enumerate().filter(|&(i, id)| node.op.differentiable(i) && wanted[id.0]);
            let reached: Vec<usize> = flows.map(|(_, id)| id.0).collect();
            if !reached.is_empty() {
                node.outputs.iter().for_each(|id| wanted[id.0] = true);
            }
            // A branch that the loss does not depend on contributes nothing, and must not be waited for.
            if *reaches {
                reached.into_iter().for_each(|id| to_come[id] += 1);
            }
        }
        Self { graph, wanted, to_come, reaches, so_far: BTreeMap::new(), calls: vec![] }
    }

    /// The calls, and the gradient of each value that has one.
    fn run(mut self, nodes: &[Node]) -> (Vec<Call>, BTreeMap<ValueId, ValueId>) {
        for (index, node) in nodes.iter().enumerate().rev() {
            if !self.reaches[index] {
                continue;
            }
            let flows = |i: usize, id: &ValueId| node.op.differentiable(i) && self.wanted[id.0];
            let gets: Vec<bool> = node.inputs.iter().enumerate().map(|(i, id)| flows(i, id)).collect();
            if gets.contains(&true) {
                let d_outputs: Vec<_> = node.outputs.iter().map_while(|id| self.so_far.get(id).copied()).collect();
                let known = node.outputs.iter().filter(|id| self.so_far.contains_key(id)).count();
                assert_eq!(known, d_outputs.len(), "{}: gradients of later outputs alone", node.path);
                self.push(node, d_outputs, &gets);
            }
        }
        (self.calls, self.so_far)
    }

    fn push(&mut self, node: &Node, d_outputs: Vec<ValueId>, gets: &[bool]) {
        let mut sums = vec![];
        let mut d_inputs = vec![];
        for (i, (&id, &gets)) in node.inputs.iter().zip(gets).enumerate() {
            if !gets {
                d_inputs.push(None);
                continue;
            }
            self.to_come[id.0] -= 1;
            let before = self.so_far.get(&id).copied();
            let passed = node.op.passes_gradient(i).then(|| self.passed(id, before, &d_outputs));
            let d = passed.unwrap_or_else(|| self.gradient(id, before.is_none()));
            d_inputs.push(if passed.is_some() { None } else { Some(d) });
            let sum = match before {
                None => d,
                Some(before) => {
                    let sum = self.gradient(id, true);
                    sums.push((before, d, sum, self.graph.values[id.0].class == Class::Parameters));
                    sum
                }
            };
            self.so_far.insert(id, sum);
        }
        if d_inputs.iter().any(Option::is_some) {
            let mut call = call(node, Phase::Backward);
            call.wires.d_outputs = d_outputs;
            call.wires.d_inputs = d_inputs;
            self.calls.push(call);
        }
        for (a, b, sum, whole) in sums {
            let wires = Wires { inputs: vec![a, b], outputs: vec![sum], ..Wires::default() };
            self.calls.push(Call {
                op: Arc::new(Add { whole }),
                path: node.path.clone(),
                phase: Phase::Forward,
                wires,
            });
        }
    }

    /// The gradient by the only output, where it is that by the input `id` too.
    fn passed(&self, id: ValueId, before: Option<ValueId>, d_outputs: &[ValueId]) -> ValueId {
        let Value { class, name, .. } = &self.graph.values[id.0];
        let is_last = before.is_none() && self.to_come[id.0] == 0;
        assert!(
            *class != Class::Parameters || !is_last,
            "the gradient of {name} must lie among those of trainable tensors"
        );
        d_outputs[0]
    }

    /// A new value for a gradient of `id`. The whole gradient of a trainable tensor is of class `Gradients`.
    fn gradient(&mut self, id: ValueId, is_sum: bool) -> ValueId {
        let value = &self.graph.values[id.0];
        let whole = is_sum && self.to_come[id.0] == 0;
        let trainable = value.class == Class::Parameters;
        let class = if whole && trainable { Class::Gradients } else { Class::Activations };
        let part = if whole { String::new() } else { format!(".{}", self.graph.values.len()) };
        let (name, shape) = (format!("d.{}{part}", value.name), value.shape.clone());
        self.graph.value(name, shape, Scalar::F32, class)
    }
}
