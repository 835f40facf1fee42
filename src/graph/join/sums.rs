//! Products to whose results another tensor is added: the end of a residual branch, and the gradients that meet at its beginning.

use super::Joiner;
use crate::graph::ValueId;
use crate::graph::gradient::{Call, Phase};
use crate::op::{Op, Wires};
use crate::ops::add::Accumulate;
use crate::ops::block::{Bias, Block, BlockGradient, Chain};
use crate::shape::Shape;
use std::sync::Arc;

impl Joiner<'_> {
    pub(super) fn sums(&mut self) {
        self.look();
        for at in 0..self.calls.len() {
            let made = self.sum(at).or_else(|| self.gradient_sum(at));
            if let Some((place, call)) = made {
                let path = self.calls[at].path.clone();
                match self.calls[at].phase {
                    Phase::Backward => self.calls[at].wires.d_inputs[0] = None,
                    _ => {
                        self.gone[at] = true;
                        self.apart.retain(|(apart, _)| *apart != path);
                    }
                }
                self.calls[place] = call;
            }
        }
        self.remove();
    }

    /// The call that adds a value to another tensor, if it and no other kernel reads the value, and that tensor.
    fn adds(&self, value: ValueId, own: &[usize]) -> Option<(usize, ValueId)> {
        let reads = |at: &&usize| **at != usize::MAX && self.calls[**at].wires.inputs.contains(&value);
        let at = *self.users[value.0].iter().find(reads)?;
        let call = &self.calls[at];
        let stage = call.op.stage(&self.shapes(&call.wires.inputs)).filter(|stage| stage.other)?;
        debug_assert_eq!(stage.weights(), 0);
        let alone = self.only_in(value, &[own, &[at]].concat()) && call.phase == Phase::Forward;
        let [a, b] = call.wires.inputs[..] else { return None };
        let other = if a == value { b } else { a };
        (alone && other != value).then_some((at, other))
    }

    fn shapes(&self, values: &[ValueId]) -> Vec<Shape> {
        values.iter().map(|&id| self.shape(id).clone()).collect()
    }

    /// A product's value with what is added to it. Addition passes its gradient on, so there is no kernel for that.
    fn sum(&self, at: usize) -> Option<(usize, Call)> {
        let linear = self.product(at, Phase::Forward)?;
        let value = linear.outputs[0];
        let own: Vec<usize> = [Some(at), self.same(at, Phase::Backward)].into_iter().flatten().collect();
        let (place, other) = self.adds(value, &own)?;
        let call = &self.calls[place];
        if self.same(place, Phase::Backward).is_some() {
            return None;
        }
        let chain = Chain::of_one(Arc::clone(&call.op), &self.shapes(&[value, other]))?;
        let (x, weight) = (self.shape(linear.inputs[0]), self.shape(linear.inputs[1]));
        if self.product_apart(&chain, false, [x.rows(), x.width(), weight.rows()]).is_some() {
            return None;
        }
        let op = Block { chain: Arc::new(chain), product: Some(Bias(linear.inputs.len() == 3)) };
        let inputs = linear.inputs.iter().copied().chain([other]).collect();
        let wires = Wires { inputs, outputs: call.wires.outputs.clone(), ..Wires::default() };
        let path = format!("{}+{}", self.calls[at].path, call.path);
        Some((place, Call { op: Arc::new(op), path, phase: Phase::Forward, wires }))
    }

    /// A product that makes a part of a gradient, with the other part added.
    fn gradient_sum(&self, at: usize) -> Option<(usize, Call)> {
        let wires = self.product(at, Phase::Backward)?;
        let (place, other) = self.adds(wires.d_inputs[0]?, &[at])?;
        let (dy, weight) = (self.shape(wires.d_outputs[0]), self.shape(wires.inputs[1]));
        let of_x = self.shape(other).clone();
        let chain = Chain::of_one(Arc::new(Accumulate) as Arc<dyn Op>, &[of_x.clone(), of_x])?;
        if self.product_apart(&chain, true, [dy.rows(), dy.width(), weight.width()]).is_some() {
            return None;
        }
        let op = BlockGradient { chain: Arc::new(chain), given: false };
        let inputs = vec![wires.d_outputs[0], wires.inputs[1], other];
        let outputs = self.calls[place].wires.outputs.clone();
        let wires = Wires { inputs, outputs, ..Wires::default() };
        Some((place, Call { op: Arc::new(op), path: self.calls[at].path.clone(), phase: Phase::Forward, wires }))
    }
}
