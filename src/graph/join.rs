//! Joins recordings where a kernel does the work of several. Each rule says when it may; none changes what a value is but
//! for the rounding, and what is not stored any more was read by nothing else.
//!
//! | rule | recordings | becomes |
//! | --- | --- | --- |
//! | block | linear, batch norm, ReLU, dropout; and backward from the next layer's product down to batch norm, with its commit | [`Block`], [`BlockGradient`] |
//! | weights | the gradients of up to three layers' weights and biases | [`WeightGradients`] |
//! | head | last linear layer, cross-entropy, metrics and the gradient by the logits | [`Head`] |
//!
//! Where products are float16 (see [`keeps_products_apart`]), none is joined to what would make it float32: no block, no
//! weights, and a head without its layer. Where the loss is scaled there is no block either, since its gradient moves
//! running statistics before it is known whether the step counts.
//!
//! A fourth, the clock, joins the end of a step to its update and the beginning to the gather (see `plan.rs`).

use super::gradient::{Call, Phase};
use super::{Graph, ValueId};
use crate::op::{Class, Family, Op, Target, Wires, turns};
use crate::ops::activation::Activation;
use crate::ops::batch_norm::{BatchNorm, Statistics};
use crate::ops::block::{Block, BlockGradient};
use crate::ops::dropout::Dropout;
use crate::ops::head::{self, Head};
use crate::ops::matmul::{MOST_JOBS, Matmul, WeightGradients, keeps_products_apart};
use crate::ops::metrics::Metrics;
use crate::shape::Shape;
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

/// The calls with all joined that may be.
pub(super) fn join(graph: &Graph, calls: Vec<Call>, target: &Target, scales_loss: bool) -> Vec<Call> {
    let mut joiner = Joiner { graph, calls, target, users: vec![], gone: vec![] };
    if !scales_loss && !keeps_products_apart(target.product) {
        joiner.blocks();
    }
    joiner.weights();
    joiner.head();
    joiner.calls
}

/// The operation of a call, if it is of this kind.
pub(super) fn op_of<T: Op>(op: &Arc<dyn Op>) -> Option<&T> {
    let any: &dyn Any = op.as_ref();
    any.downcast_ref()
}

struct Joiner<'a> {
    graph: &'a Graph,
    calls: Vec<Call>,
    target: &'a Target,
    /// For each value the places of the calls that have to do with it, when they were last looked for. Commits are left
    /// out: they read what their operation saved, and nothing that lies between two operations.
    users: Vec<Vec<usize>>,
    /// The places of calls that are joined to others, and to be removed.
    gone: Vec<bool>,
}

/// A block's recordings, by their places.
struct Found {
    forward: Vec<usize>,
    backward: Vec<usize>,
    commit: usize,
    next: usize,
    dropout: Option<Dropout>,
}

impl Joiner<'_> {
    fn call<T: Op>(&self, at: usize, phase: Phase) -> Option<(&T, &Wires<ValueId>)> {
        let call = self.calls.get(at).filter(|call| call.phase == phase)?;
        op_of(&call.op).map(|op| (op, &call.wires))
    }

    fn shape(&self, id: ValueId) -> &Shape {
        self.graph.shape(id)
    }

    /// Looks for the users of every value.
    fn look(&mut self) {
        self.users = vec![vec![]; self.graph.values.len()];
        for (at, Call { wires, .. }) in self.calls.iter().enumerate().filter(|(_, call)| call.phase != Phase::Commit) {
            let lists = [&wires.inputs, &wires.outputs, &wires.saved, &wires.d_outputs];
            for id in lists.into_iter().flatten().chain(wires.d_inputs.iter().flatten()) {
                self.users[id.0].push(at);
            }
        }
        let at_the_end = self.graph.last.iter().flat_map(|node| &node.inputs).chain(&self.graph.kept);
        at_the_end.for_each(|id| self.users[id.0].push(usize::MAX));
        self.gone = vec![false; self.calls.len()];
    }

    /// Whether no call but these, and not the host, has to do with a value.
    fn only_in(&self, id: ValueId, places: &[usize]) -> bool {
        self.users[id.0].iter().all(|at| places.contains(at))
    }

    /// The places of the gradient of each path's operation, and of its commit.
    fn by_path(&self, phase: Phase) -> HashMap<String, usize> {
        let of_phase = self.calls.iter().enumerate().filter(|(_, call)| call.phase == phase).rev();
        of_phase.map(|(at, call)| (call.path.clone(), at)).collect()
    }

    /// Calls keep their places until all blocks are made: what a block takes touches no other block's values.
    fn blocks(&mut self) {
        self.look();
        let places = [Phase::Backward, Phase::Commit].map(|phase| self.by_path(phase));
        for at in 0..self.calls.len() {
            if let Some(found) = self.find_block(at, &places) {
                self.make_block(&found);
            }
        }
        self.remove();
    }

    fn find_block(&self, at: usize, places: &[HashMap<String, usize>; 2]) -> Option<Found> {
        let (matmul, linear) = self.call::<Matmul>(at, Phase::Forward)?;
        let (norm, normed) = self.call::<BatchNorm>(at + 1, Phase::Forward)?;
        let (relu, activated) = self.call::<Activation>(at + 2, Phase::Forward)?;
        let z = linear.outputs[0];
        let chained = normed.inputs[0] == z && activated.inputs == normed.outputs;
        if matmul.relu || linear.inputs.len() != 3 || *relu != Activation::Relu || !chained {
            return None;
        }
        let (y, a) = (normed.outputs[0], activated.outputs[0]);
        let dropped = self.call::<Dropout>(at + 3, Phase::Forward).filter(|(_, wires)| wires.inputs == [a]);
        let dropout = dropped.map(|(dropout, _)| *dropout);
        let steps = 3 + usize::from(dropout.is_some());
        let [backward, commit] = places;
        let path = &self.calls[at + 1].path;
        let (&last, &commit) = (backward.get(path)?, commit.get(path)?);
        // Dropout's, ReLU's and batch norm's gradients, and before them the next layer's.
        let first = (last + 2).checked_sub(steps)?;
        let next = first.checked_sub(1)?;
        let (following, back) = self.call::<Matmul>(next, Phase::Backward)?;
        let dh = back.d_inputs[0]?;
        let found =
            Found { forward: (at..at + steps).collect(), backward: (first..=last).collect(), commit, next, dropout };
        let taken = [&found.forward[..], &found.backward, &[commit, next]].concat();
        let mut between = vec![y, dh];
        between.extend(dropout.map(|_| a));
        between.extend(self.calls[first + 1..=last].iter().flat_map(|call| call.wires.d_outputs.clone()));
        let backward = self.call::<BatchNorm>(last, Phase::Backward)?.1;
        let mirrored = (1..steps).all(|i| self.calls[last + 1 - i].path == self.calls[at + i].path);
        let fits = mirrored
            && norm.statistics == Statistics::Batch
            && !following.relu
            && self.calls[first].wires.d_outputs == [dh]
            && backward.d_inputs[..3].iter().all(Option::is_some)
            && between.iter().all(|&id| self.only_in(id, &taken))
            && self.block_pays(linear)
            && self.block_ends(linear, self.shape(back.d_outputs[0]).width(), dropout.is_some());
        fits.then_some(found)
    }

    /// Whether the shapes are a block's, and one kernel is better than several.
    fn block_pays(&self, linear: &Wires<ValueId>) -> bool {
        let (x, weight, z) =
            (self.shape(linear.inputs[0]), self.shape(linear.inputs[1]), self.shape(linear.outputs[0]));
        let pays = x.elements() as u64 * weight.rows() as u64 <= self.target.block_work;
        let op = Block { eps: 0.0, dropout: None };
        pays && z.0.len() == 2 && op.shapes(&[x.clone(), weight.clone()]).is_ok()
    }

    /// Whether the target's driver goes through all loops of a block and of its gradient; `next` is the width of the layer
    /// behind it.
    fn block_ends(&self, linear: &Wires<ValueId>, next: usize, dropout: bool) -> bool {
        let (x, subgroups) = (self.shape(linear.inputs[0]), self.target.product == Family::Subgroup);
        let forward = turns::block_forward(subgroups, x.rows(), x.width(), dropout);
        forward.max(turns::block_backward(subgroups, x.rows(), next)) <= self.target.max_turns as usize
    }

    fn make_block(&mut self, found: &Found) {
        let [linear, norm] = [0, 1].map(|i| self.calls[found.forward[i]].wires.clone());
        let Some(&BatchNorm { eps, momentum, .. }) = op_of(&self.calls[found.forward[1]].op) else { return };
        let h = self.calls[found.forward[found.forward.len() - 1]].wires.outputs[0];
        let gradient = self.calls[found.backward[found.backward.len() - 1]].wires.clone();
        let (next, dropout) = (self.calls[found.next].wires.clone(), found.dropout);
        let path = |places: &[usize]| -> String {
            places.iter().map(|&at| self.calls[at].path.as_str()).collect::<Vec<_>>().join("+")
        };
        let [x, weight, bias] = linear.inputs[..] else { return };
        let [z, gamma, beta, mean, var] = norm.inputs[..] else { return };
        let block = Call {
            op: Arc::new(Block { eps, dropout }),
            path: path(&found.forward),
            phase: Phase::Forward,
            wires: Wires {
                inputs: vec![x, weight, bias, gamma, beta],
                outputs: vec![z, h],
                saved: norm.saved.clone(),
                ..Wires::default()
            },
        };
        let back = Call {
            op: Arc::new(BlockGradient { momentum, dropout }),
            path: path(&[&[found.next][..], &found.backward].concat()),
            phase: Phase::Forward,
            wires: Wires {
                inputs: vec![next.d_outputs[0], next.inputs[1], z, h, norm.saved[0], gamma, mean, var],
                outputs: gradient.d_inputs[..3].iter().flatten().copied().collect(),
                ..Wires::default()
            },
        };
        self.calls[found.next].wires.d_inputs[0] = None;
        self.calls[found.forward[0]] = block;
        self.calls[found.backward[0]] = back;
        let gone = [&found.forward[1..], &found.backward[1..], &[found.commit]].concat();
        gone.into_iter().for_each(|at| self.gone[at] = true);
    }

    fn remove(&mut self) {
        let mut gone = self.gone.iter();
        self.calls.retain(|_| gone.next() != Some(&true));
    }

    /// Takes the weights' part out of every linear layer's backward recording.
    fn weights(&mut self) {
        self.look();
        let mut jobs = vec![];
        for at in 0..self.calls.len() {
            let Some((matmul, wires)) = self.call::<Matmul>(at, Phase::Backward) else { continue };
            let parts: Vec<ValueId> = wires.d_inputs[1..].iter().flatten().copied().collect();
            let weight = self.shape(wires.inputs[1]);
            let whole = |id: &ValueId| self.graph.values[id.0].class == Class::Gradients && self.only_in(*id, &[at]);
            let fits = !matmul.relu
                && parts.len() == wires.d_inputs.len() - 1
                && parts.iter().all(whole)
                && WeightGradients::takes([weight.rows(), weight.width()], self.target);
            if fits {
                jobs.push((at, wires.d_outputs[0], wires.inputs[0], parts));
            }
        }
        let mut made = vec![];
        for some in jobs.chunks(MOST_JOBS) {
            let paths: Vec<&str> = some.iter().map(|(at, ..)| self.calls[*at].path.as_str()).collect();
            made.push(Call {
                op: Arc::new(WeightGradients { biases: some.iter().map(|(.., parts)| parts.len() == 2).collect() }),
                path: paths.join("+"),
                phase: Phase::Forward,
                wires: Wires {
                    inputs: some.iter().flat_map(|(_, dy, x, _)| [*dy, *x]).collect(),
                    outputs: some.iter().flat_map(|(.., parts)| parts.clone()).collect(),
                    ..Wires::default()
                },
            });
        }
        for (at, ..) in &jobs {
            self.calls[*at].wires.d_inputs[1..].fill(None);
            self.gone[*at] = self.calls[*at].wires.d_inputs[0].is_none();
        }
        let end = self.calls.iter().position(|call| call.phase == Phase::Commit).unwrap_or(self.calls.len());
        self.gone.splice(end..end, vec![false; made.len()]);
        self.calls.splice(end..end, made);
        self.remove();
    }

    fn head(&mut self) {
        self.look();
        let of_call = |call: &Call| head::of_loss(&call.op).filter(|_| call.phase == Phase::Forward);
        let Some((at, plain)) = self.calls.iter().enumerate().find_map(|(at, call)| Some((at, of_call(call)?))) else {
            return;
        };
        let forward = &self.calls[at].wires;
        let Some((_, metrics)) = self.call::<Metrics>(at + 1, Phase::Forward) else { return };
        let gradient = self.calls.get(at + 2).filter(|call| call.phase == Phase::Backward);
        let Some(backward) = gradient.filter(|call| head::of_loss(&call.op).is_some()).map(|call| &call.wires) else {
            return;
        };
        let Some(d_logits) = backward.d_inputs[0] else { return };
        let taken = [at, at + 1, at + 2];
        if !forward.outputs.iter().chain(&forward.saved).all(|&id| self.only_in(id, &taken)) {
            return;
        }
        let tail = [&forward.inputs[1..], &metrics.inputs[2..]].concat();
        let linear = at.checked_sub(1).and_then(|before| self.call::<Matmul>(before, Phase::Forward));
        let with_layer = linear.filter(|(matmul, wires)| {
            let alone = self.only_in(forward.inputs[0], &[at - 1, at, at + 1, at + 2]);
            let free = !matmul.relu && !keeps_products_apart(self.target.product);
            free && wires.inputs.len() == 3 && wires.outputs[0] == forward.inputs[0] && alone
        });
        let layer = with_layer.map(|(_, wires)| [&wires.inputs[..], &tail].concat());
        let alone = [&forward.inputs[..1], &tail].concat();
        let candidates = layer.map(|inputs| (true, inputs)).into_iter().chain([(false, alone)]);
        for (linear, inputs) in candidates {
            let op = Head { linear, ..plain };
            let shapes: Vec<Shape> = inputs.iter().map(|&id| self.shape(id).clone()).collect();
            let k = if linear { shapes[0].width() } else { 0 };
            let classes = if linear { shapes[1].rows() } else { shapes[0].width() };
            let turns = turns::head(self.target.product == Family::Subgroup, shapes[0].rows(), classes, k);
            if op.shapes(&shapes).is_err() || turns > self.target.max_turns as usize {
                continue;
            }
            let first = at - usize::from(linear);
            let path = if linear { format!("{}+loss", self.calls[first].path) } else { "loss".to_owned() };
            let wires = Wires { inputs, outputs: vec![d_logits], ..Wires::default() };
            self.calls[first] = Call { op: Arc::new(op), path, phase: Phase::Forward, wires };
            self.gone[first + 1..at + 3].fill(true);
            self.remove();
            return;
        }
    }
}
