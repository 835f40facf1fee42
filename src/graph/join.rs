//! Joins calls where a kernel does the work of several. None of the rules changes what a value is but for the rounding, and
//! what is not stored any more was read by nothing else.
//!
//! - **block**: a product and the stages behind it, and their gradients behind the next layer's product by its input;
//! - **weights**: the gradients of up to three layers' weights and biases;
//! - **head**: the last linear layer, the loss, the metrics and the gradient by the outputs.

use super::gradient::{Call, Phase, calls};
use super::{Graph, ValueId};
use crate::op::stage::Link;
use crate::op::turns::BlockKind;
use crate::op::{Class, Family, Op, Target, Wires, turns};
use crate::ops::block::{Block, BlockGradient, Chain};
use crate::ops::head::Head;
use crate::ops::matmul::{MOST_JOBS, Matmul, WeightGradients, keeps_products_apart};
use crate::ops::metrics::Metrics;
use crate::shape::Shape;
use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What became of the calls.
pub(super) struct Joined {
    pub(super) calls: Vec<Call>,
    /// Products that are apart from what stands behind them, and why.
    pub(super) apart: Vec<(String, String)>,
}

/// The calls with all joined that may be.
pub(super) fn join(graph: &Graph, calls: Vec<Call>, target: &Target, scales_loss: bool) -> Joined {
    let mut joiner = Joiner::new(graph, calls, (target, scales_loss));
    joiner.blocks();
    joiner.weights();
    joiner.head();
    Joined { calls: joiner.calls, apart: joiner.apart }
}

/// The paths of the products that [`join`] will make blocks of: what stands behind them is not joined in another way.
pub(super) fn in_blocks(graph: &Graph, target: &Target, scales_loss: bool) -> HashSet<String> {
    let mut graph = graph.clone();
    let calls = calls(&mut graph, true);
    let mut joiner = Joiner::new(&graph, calls, (target, scales_loss));
    joiner.look();
    let found = (0..joiner.calls.len()).filter_map(|at| joiner.find_block(at));
    found
        .filter(|found| joiner.block_of(found).is_ok())
        .map(|found| joiner.calls[found.forward[0]].path.clone())
        .collect()
}

/// What tells operations of one graph apart.
fn address(op: &Arc<dyn Op>) -> usize {
    Arc::as_ptr(op).cast::<()>() as usize
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
    scales_loss: bool,
    /// For each value the places of the calls that have to do with it, when they were last looked for. Commits are left
    /// out: they read what their operation saved, and nothing that lies between two operations.
    users: Vec<Vec<usize>>,
    /// The place of each operation's call in each phase.
    places: HashMap<(usize, u8), usize>,
    /// The places of calls that are joined to others, and to be removed.
    gone: Vec<bool>,
    /// Products that are apart from the stages behind them, by their paths, and why.
    apart: Vec<(String, String)>,
}

/// A product and the stages behind it, by the places of their calls.
struct Found {
    /// The product and the stages.
    forward: Vec<usize>,
    /// The gradients of the stages, the last stage's first.
    backward: Vec<usize>,
    /// What training changes beside the trainable tensors.
    commits: Vec<usize>,
    /// The gradient of the product that takes what the last stage gave.
    next: usize,
    links: Vec<Link>,
}

impl<'a> Joiner<'a> {
    fn new(graph: &'a Graph, calls: Vec<Call>, (target, scales_loss): (&'a Target, bool)) -> Self {
        Self { graph, calls, target, scales_loss, users: vec![], places: HashMap::new(), gone: vec![], apart: vec![] }
    }

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
        let places = self.calls.iter().enumerate().map(|(at, call)| ((address(&call.op), call.phase as u8), at));
        self.places = places.collect();
    }

    /// Whether no call but these, and not the host, has to do with a value.
    fn only_in(&self, id: ValueId, places: &[usize]) -> bool {
        self.users[id.0].iter().all(|at| places.contains(at))
    }

    /// Calls keep their places until all blocks are made: what a block takes touches no other block's values.
    fn blocks(&mut self) {
        self.look();
        for at in 0..self.calls.len() {
            let why = match self.find_block(at).map(|found| (self.block_of(&found), found)) {
                Some((Ok(chain), found)) => {
                    self.make_block(&found, chain);
                    None
                }
                Some((Err(why), _)) => Some(why),
                None => self.why_apart(at),
            };
            let path = self.calls[at].path.clone();
            self.apart.extend(why.map(|why| (path, why)));
        }
        self.remove();
    }

    /// The call of the same operation in another phase.
    fn same(&self, at: usize, phase: Phase) -> Option<usize> {
        self.places.get(&(address(&self.calls[at].op), phase as u8)).copied()
    }

    /// The only call that is given a value as its first input, in the forward phase.
    fn reader(&self, id: ValueId) -> Option<usize> {
        let is_reader = |at: &&usize| {
            **at != usize::MAX
                && self.calls[**at].phase == Phase::Forward
                && self.calls[**at].wires.inputs.contains(&id)
        };
        let mut readers = self.users[id.0].iter().filter(is_reader);
        match (readers.next(), readers.next()) {
            (Some(&only), None) if self.calls[only].wires.inputs[0] == id => Some(only),
            _ => None,
        }
    }

    /// Follows the value of a product through stages, and their gradients back to the product that gives the last of them.
    fn find_block(&self, at: usize) -> Option<Found> {
        let (matmul, linear) = self.call::<Matmul>(at, Phase::Forward)?;
        if matmul.relu || self.shape(linear.outputs[0]).0.len() != 2 {
            return None;
        }
        let back = self.same(at, Phase::Backward)?;
        let mut found = Found { forward: vec![at], backward: vec![], commits: vec![], next: 0, links: vec![] };
        let mut value = linear.outputs[0];
        let mut d_before = self.calls[back].wires.d_outputs[0];
        let mut own = vec![at, back];
        while let Some(next) = self.reader(value) {
            let (call, gradient) = (&self.calls[next], self.same(next, Phase::Backward)?);
            let shapes: Vec<Shape> = call.wires.inputs.iter().map(|&id| self.shape(id).clone()).collect();
            let Some(stage) = call.op.stage(&shapes) else { break };
            let wires = &self.calls[gradient].wires;
            let chained = wires.d_inputs.first() == Some(&Some(d_before))
                && wires.d_inputs.iter().take(1 + stage.weights()).all(Option::is_some);
            let around = [&own[..], &[next, gradient]].concat();
            if !chained || !self.only_in(value, &around) || !self.only_in(d_before, &around) {
                return None;
            }
            (value, d_before) = (call.wires.outputs[0], wires.d_outputs[0]);
            found.commits.extend(self.same(next, Phase::Commit).filter(|_| stage.is_of_columns()));
            found.links.push(Link { op: Arc::clone(&call.op), stage });
            found.forward.push(next);
            found.backward.insert(0, gradient);
            own = vec![next, gradient];
        }
        let mut gives = self.users[d_before.0]
            .iter()
            .filter(|&&at| at != usize::MAX && self.calls[at].wires.d_inputs.first() == Some(&Some(d_before)));
        found.next = *gives.next()?;
        let (following, _) = self.call::<Matmul>(found.next, Phase::Backward)?;
        let around = [found.next, *found.backward.first()?];
        (!following.relu && self.only_in(d_before, &around)).then_some(found)
    }

    /// What stands in the way of a block behind a product, where something stands there at all.
    fn why_apart(&self, at: usize) -> Option<String> {
        let (_, linear) = self.call::<Matmul>(at, Phase::Forward)?;
        let mut value = linear.outputs[0];
        loop {
            let Some(next) = self.reader(value) else {
                return Some("several operations read what it gives".into());
            };
            let call = &self.calls[next];
            let shapes: Vec<Shape> = call.wires.inputs.iter().map(|&id| self.shape(id).clone()).collect();
            if call.op.stage(&shapes).is_none() {
                let is_end = call.op.row_loss().is_some() || op_of::<Matmul>(&call.op).is_some();
                return (!is_end).then(|| format!("{} stands behind it, which no kernel of another takes", call.path));
            }
            value = call.wires.outputs[0];
        }
    }

    /// The stages of a block, if one kernel is better than several and its shapes and the target allow it; or why not.
    fn block_of(&self, found: &Found) -> Result<Arc<Chain>, String> {
        let linear = &self.calls[found.forward[0]].wires;
        let (x, weight) = (self.shape(linear.inputs[0]), self.shape(linear.inputs[1]));
        let chain = Chain::new(found.links.clone()).map_err(str::to_owned)?;
        if keeps_products_apart(self.target.product) {
            return Err("blocks multiply in float32".into());
        }
        if self.scales_loss && chain.column().is_some() {
            return Err(
                "running statistics would move before it is known whether a step with a scaled loss counts".into()
            );
        }
        if x.elements() as u64 * weight.rows() as u64 > self.target.block_work {
            return Err("large tiles are faster for a product of this size, and stages are apart from them".into());
        }
        let subgroups = self.target.product == Family::Subgroup;
        let aligned = x.width().is_multiple_of(4) && weight.rows().is_multiple_of(4) && chain.narrows() == 1;
        let learns = found.links.iter().any(|link| link.stage.learned.is_some());
        let kind = |draws: [usize; 2]| draws.map(|draws| BlockKind { subgroups, aligned, draws, learns });
        let [forward, backward] = kind(chain.draws());
        let dy = self.shape(self.calls[found.next].wires.d_outputs[0]);
        let backward = turns::block_backward(backward, x.rows(), dy.width());
        let turns = turns::block_forward(forward, x.rows(), x.width()).max(backward);
        if turns > self.target.max_turns as usize {
            return Err(format!("its loops would take {turns} turns, more than this driver goes through"));
        }
        Ok(Arc::new(chain))
    }

    fn make_block(&mut self, found: &Found, chain: Arc<Chain>) {
        let path = |places: &[usize]| -> String {
            places.iter().map(|&at| self.calls[at].path.as_str()).collect::<Vec<_>>().join("+")
        };
        let paths = [path(&found.forward), path(&[&[found.next][..], &found.backward].concat())];
        let wires = |at: usize| self.calls[at].wires.clone();
        let (linear, next) = (wires(found.forward[0]), wires(found.next));
        let column =
            chain.column().map(|at| (wires(found.forward[at + 1]), wires(found.backward[chain.len() - 1 - at])));
        let last = wires(found.forward[found.forward.len() - 1]);
        // What the gradient is taken from lies before the stage of columns.
        let product = column.as_ref().map_or(linear.outputs[0], |(forward, _)| forward.inputs[0]);
        let block = Block { chain: Arc::clone(&chain), bias: linear.inputs.len() == 3 };
        let gradient = BlockGradient { chain };
        let (keeps, takes_output, takes_shift) =
            (gradient.takes_product(), gradient.takes_output(), gradient.takes_shift());
        let of_columns = |range: std::ops::Range<usize>| {
            column.iter().flat_map(|(forward, _)| forward.inputs[range.clone()].to_vec()).collect::<Vec<_>>()
        };
        let saved: Vec<ValueId> = column.iter().flat_map(|(forward, _)| forward.saved.clone()).collect();
        let h = last.outputs[0];
        let kept: Vec<ValueId> = keeps.then_some(product).into_iter().collect();
        let first_gradient = wires(found.backward[found.backward.len() - 1]);
        let dz = first_gradient.d_inputs[0];
        let affine = column.iter().flat_map(|(_, backward)| backward.d_inputs[1..3].iter().flatten().copied());
        let learns = found.links.iter().position(|link| link.stage.learned.is_some());
        let learned = learns.map(|at| wires(found.forward[at + 1]).inputs[1]);
        let d_learned = learns.and_then(|at| wires(found.backward[found.links.len() - 1 - at]).d_inputs[1]);
        let value = Call {
            op: Arc::new(block),
            path: paths[0].clone(),
            phase: Phase::Forward,
            wires: Wires {
                inputs: linear.inputs.iter().copied().chain(of_columns(1..3)).chain(learned).collect(),
                outputs: [&kept[..], &[h]].concat(),
                saved: saved.clone(),
                ..Wires::default()
            },
        };
        let output = takes_output.then_some(h);
        let shift = if takes_shift { of_columns(2..3) } else { vec![] };
        let inputs = [next.d_outputs[0], next.inputs[1]].into_iter().chain(kept).chain(output).chain(saved);
        let back = Call {
            op: Arc::new(gradient),
            path: paths[1].clone(),
            phase: Phase::Forward,
            wires: Wires {
                inputs: inputs.chain(of_columns(1..2)).chain(shift).chain(of_columns(3..5)).chain(learned).collect(),
                outputs: dz.into_iter().chain(affine).chain(d_learned).collect(),
                ..Wires::default()
            },
        };
        self.calls[found.next].wires.d_inputs[0] = None;
        self.calls[found.forward[0]] = value;
        self.calls[found.backward[0]] = back;
        let gone = [&found.forward[1..], &found.backward[1..], &found.commits].concat();
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
        let of_call = |call: &Call| call.op.row_loss().filter(|_| call.phase == Phase::Forward);
        let Some((at, row)) = self.calls.iter().enumerate().find_map(|(at, call)| Some((at, of_call(call)?))) else {
            return;
        };
        let (loss, forward) = (Arc::clone(&self.calls[at].op), &self.calls[at].wires);
        let Some((_, metrics)) = self.call::<Metrics>(at + 1, Phase::Forward) else { return };
        let Some(back) = self.same(at, Phase::Backward).filter(|back| *back == at + 2) else { return };
        let Some(d_outputs) = self.calls[back].wires.d_inputs[0] else { return };
        let taken = [at, at + 1, at + 2];
        if !forward.outputs.iter().chain(&forward.saved).all(|&id| self.only_in(id, &taken)) {
            return;
        }
        let tail = [&forward.inputs[1..], &metrics.inputs[2..]].concat();
        let linear = at.checked_sub(1).and_then(|before| self.call::<Matmul>(before, Phase::Forward));
        let with_layer = linear.filter(|(matmul, wires)| {
            let alone = self.only_in(forward.inputs[0], &[at - 1, at, at + 1, at + 2]);
            let free = !matmul.relu && !keeps_products_apart(self.target.product);
            free && wires.outputs[0] == forward.inputs[0] && alone
        });
        let layer = with_layer.map(|(_, wires)| (Some(wires.inputs.len() == 3), [&wires.inputs[..], &tail].concat()));
        let alone = (None, [&forward.inputs[..1], &tail].concat());
        for (layer, inputs) in layer.into_iter().chain([alone]) {
            let op = Head { loss: Arc::clone(&loss), row: row.clone(), layer };
            let shapes: Vec<Shape> = inputs.iter().map(|&id| self.shape(id).clone()).collect();
            let k = if layer.is_some() { shapes[0].width() } else { 0 };
            let outputs = if layer.is_some() { shapes[1].rows() } else { shapes[0].width() };
            let turns = turns::head(self.target.product == Family::Subgroup, shapes[0].rows(), outputs, k);
            if op.shapes(&shapes).is_err() || turns > self.target.max_turns as usize {
                continue;
            }
            let first = at - usize::from(layer.is_some());
            let path = if layer.is_some() { format!("{}+loss", self.calls[first].path) } else { "loss".to_owned() };
            let wires = Wires { inputs, outputs: vec![d_outputs], ..Wires::default() };
            self.calls[first] = Call { op: Arc::new(op), path, phase: Phase::Forward, wires };
            self.gone[first + 1..at + 3].fill(true);
            self.remove();
            return;
        }
    }
}
