//! The last calls of a step: the gradients of weights, and the loss with what is around it.

use super::Joiner;
use crate::graph::ValueId;
use crate::graph::gradient::{Call, Phase};
use crate::op::{Class, Family, Wires, turns};
use crate::ops::head::{Form, Head};
use crate::ops::matmul::{Job, MOST_JOBS, WeightGradients};
use crate::shape::Shape;
use std::sync::Arc;

/// What a dispatch of weight gradients takes of a layer.
struct Part {
    /// The place of the product's gradient.
    at: usize,
    job: Job,
    /// The values dy and x.
    inputs: [ValueId; 2],
    outputs: Vec<ValueId>,
}

impl Joiner<'_> {
    /// Takes the weights' part out of the products' gradients; of a weight whose gradient is better as a product of its own,
    /// the bias's part.
    pub(super) fn weights(&mut self) {
        self.look();
        let parts: Vec<Part> = (0..self.calls.len()).filter_map(|at| self.part(at)).collect();
        let mut made = vec![];
        for some in parts.chunks(MOST_JOBS) {
            let paths: Vec<&str> = some.iter().map(|part| self.calls[part.at].path.as_str()).collect();
            made.push(Call {
                op: Arc::new(WeightGradients { jobs: some.iter().map(|part| part.job).collect() }),
                path: paths.join("+"),
                phase: Phase::Forward,
                wires: Wires {
                    inputs: some.iter().flat_map(|part| part.inputs).collect(),
                    outputs: some.iter().flat_map(|part| part.outputs.clone()).collect(),
                    ..Wires::default()
                },
            });
        }
        for Part { at, job, .. } in &parts {
            let first = if job.weight { 1 } else { 2 };
            self.calls[*at].wires.d_inputs[first..].fill(None);
            self.gone[*at] = self.calls[*at].wires.d_inputs.iter().all(Option::is_none);
        }
        let end = self.calls.iter().position(|call| call.phase == Phase::Commit).unwrap_or(self.calls.len());
        self.gone.splice(end..end, vec![false; made.len()]);
        self.calls.splice(end..end, made);
        self.remove();
    }

    fn part(&self, at: usize) -> Option<Part> {
        let wires = self.product(at, Phase::Backward)?;
        let outputs: Vec<ValueId> = wires.d_inputs[1..].iter().flatten().copied().collect();
        let whole = |id: &ValueId| self.graph.values[id.0].class == Class::Gradients && self.only_in(*id, &[at]);
        if outputs.len() != wires.d_inputs.len() - 1 || !outputs.iter().all(whole) {
            return None;
        }
        let (dy, bias) = (wires.d_outputs[0], outputs.len() == 2);
        let weight = self.shape(wires.inputs[1]);
        if WeightGradients::takes([weight.rows(), weight.width()], self.target) {
            return Some(Part { at, job: Job { weight: true, bias }, inputs: [dy, wires.inputs[0]], outputs });
        }
        let alone = bias && self.target.product == Family::Tiled;
        alone.then(|| Part { at, job: Job { weight: false, bias }, inputs: [dy, dy], outputs: outputs[1..].to_vec() })
    }

    /// Joins the loss to the metrics and its gradient, and the last layer to it.
    pub(super) fn head(&mut self) {
        self.look();
        let of_call = |call: &Call| call.op.row_loss().filter(|_| call.phase == Phase::Forward);
        let Some((at, row)) = self.calls.iter().enumerate().find_map(|(at, call)| Some((at, of_call(call)?))) else {
            return;
        };
        let (loss, forward) = (Arc::clone(&self.calls[at].op), &self.calls[at].wires);
        let Some(metrics) = self.calls.get(at + 1).filter(|call| call.op.keeps_metrics()) else { return };
        let Some(back) = self.same(at, Phase::Backward).filter(|back| *back == at + 2) else { return };
        let Some(d_outputs) = self.calls[back].wires.d_inputs[0] else { return };
        let taken = [at, at + 1, at + 2];
        if !forward.outputs.iter().chain(&forward.saved).all(|&id| self.only_in(id, &taken)) {
            return;
        }
        let tail = [&forward.inputs[1..], &metrics.wires.inputs[2..]].concat();
        let linear = at.checked_sub(1).and_then(|before| self.product(before, Phase::Forward));
        let with_layer = linear.filter(|wires| {
            let own = self.same(at - 1, Phase::Backward).unwrap_or(at);
            let alone = self.only_in(forward.inputs[0], &[at - 1, at, at + 1, at + 2, own]);
            !self.target.product.keeps_products_apart() && wires.outputs[0] == forward.inputs[0] && alone
        });
        let layer = with_layer.map(|wires| (Some(wires.inputs.len() == 3), [&wires.inputs[..], &tail].concat()));
        let alone = (None, [&forward.inputs[..1], &tail].concat());
        for (layer, inputs) in layer.into_iter().chain([alone]) {
            let op = Head { loss: Arc::clone(&loss), row: row.clone(), layer };
            let shapes: Vec<Shape> = inputs.iter().map(|&id| self.shape(id).clone()).collect();
            let Some(form) = op.form(&shapes, self.target) else { continue };
            let k = if form == Form::Layer { shapes[0].width() } else { 0 };
            let outputs = if layer.is_some() { shapes[1].rows() } else { shapes[0].width() };
            let turns = turns::head(self.target.product == Family::Subgroup, shapes[0].rows(), outputs, k);
            if turns > self.target.max_turns as usize {
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
