//! Joins calls where a kernel does the work of several. None of the rules changes what a value is but for the rounding, and
//! what is not stored any more was read by nothing else.
//!
//! - **blocks**: a product and the stages behind it, and their gradients behind the next layer's product by its input. Where a
//!   product is better as a kernel of its own, the stages behind it still are one kernel;
//! - **sums**: a product and the addition of another tensor to it, forward and of gradients: residual branches;
//! - **ends**: the gradients of up to three layers' weights and biases; the last linear layer, the loss, the metrics and the
//!   gradient by the outputs.
//!
//! Operations are known by what they declare: [`Op::is_product`], [`Op::stage`], [`Op::row_loss`], [`Op::keeps_metrics`].

mod blocks;
mod ends;
mod sums;

use super::gradient::{Call, Phase, calls};
use super::{Graph, ValueId};
use crate::op::{Op, Target, Wires};
use crate::shape::Shape;
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
    joiner.sums();
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
    // A product that is joined to a ReLU in another way gives no block its gradient: what that changes is asked for again.
    loop {
        let found = (0..joiner.calls.len()).filter_map(|at| joiner.find_block(at));
        let blocks: HashSet<String> = found
            .filter(|found| joiner.block_of(found).is_ok())
            .map(|found| joiner.calls[found.forward[0]].path.clone())
            .collect();
        let fused: HashSet<String> = (0..joiner.calls.len())
            .filter(|&at| joiner.ends_in_relu(at))
            .map(|at| joiner.calls[at].path.clone())
            .filter(|path| !blocks.contains(path))
            .collect();
        if joiner.fused == fused {
            return blocks;
        }
        joiner.fused = fused;
    }
}

/// What tells operations of one graph apart.
fn address(op: &Arc<dyn Op>) -> usize {
    Arc::as_ptr(op).cast::<()>() as usize
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
    /// The paths of products that are joined to a ReLU before calls are, which then are no products any more.
    fused: HashSet<String>,
    /// Products that are apart from the stages behind them, by their paths, and why.
    apart: Vec<(String, String)>,
}

impl<'a> Joiner<'a> {
    fn new(graph: &'a Graph, calls: Vec<Call>, (target, scales_loss): (&'a Target, bool)) -> Self {
        let (users, gone, apart) = (vec![], vec![], vec![]);
        let (places, fused) = (HashMap::new(), HashSet::new());
        Self { graph, calls, target, scales_loss, users, places, gone, fused, apart }
    }

    /// The wires of a product's call in a phase.
    fn product(&self, at: usize, phase: Phase) -> Option<&Wires<ValueId>> {
        let call = self.calls.get(at).filter(|call| call.phase == phase && call.op.is_product())?;
        Some(&call.wires)
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

    /// Whether a call is a product that only a ReLU reads.
    fn ends_in_relu(&self, at: usize) -> bool {
        let linear = self.product(at, Phase::Forward).filter(|linear| linear.inputs.len() == 3);
        let reader = linear.and_then(|linear| self.reader(linear.outputs[0]));
        reader.is_some_and(|reader| self.calls[reader].op.is_relu())
    }

    fn remove(&mut self) {
        let mut gone = self.gone.iter();
        self.calls.retain(|_| gone.next() != Some(&true));
    }
}
