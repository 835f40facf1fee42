//! Products with the stages behind them, and the gradients of those stages.

use super::Joiner;
use crate::graph::ValueId;
use crate::graph::gradient::{Call, Phase};
use crate::op::stage::Link;
use crate::op::turns::BlockKind;
use crate::op::{Family, Wires, turns};
use crate::ops::block::{Bias, Block, BlockGradient, Chain, most_turns_over_images};
use crate::shape::Shape;
use std::sync::Arc;

/// A product and the stages behind it, by the places of their calls.
pub(super) struct Found {
    /// The product and the stages.
    pub(super) forward: Vec<usize>,
    /// The gradients of the stages, the last stage's first.
    backward: Vec<usize>,
    /// What training changes beside the trainable tensors.
    commits: Vec<usize>,
    /// The gradient of the product that alone gives the gradient by what the last stage gave, where there is one.
    next: Option<usize>,
    /// The gradient by what the last stage gave.
    d_last: ValueId,
    links: Vec<Link>,
}

/// The stages of a block, and in which of its two kernels the product is: why it is not, where it is not.
pub(super) struct Shaped {
    chain: Arc<Chain>,
    apart: [Option<String>; 2],
}

impl Joiner<'_> {
    /// Calls keep their places until all blocks are made: what a block takes touches no other block's values.
    pub(super) fn blocks(&mut self) {
        self.look();
        for at in 0..self.calls.len() {
            if self.gone[at] {
                continue;
            }
            let why = match self.find_block(at).map(|found| (self.block_of(&found), found)) {
                Some((Ok(shaped), found)) => {
                    let why = self.product(at, Phase::Forward).and(shaped.apart[0].clone());
                    self.make_block(&found, &shaped);
                    why
                }
                Some((Err(why), _)) => self.product(at, Phase::Forward).map(|_| why),
                None => self.why_apart(at),
            };
            let path = self.calls[at].path.clone();
            self.apart.extend(why.map(|why| (path, why)));
        }
        self.remove();
    }

    /// Follows the value of a product through stages, and their gradients back to what gives the last of them.
    pub(super) fn find_block(&self, at: usize) -> Option<Found> {
        let linear = self.root(at)?;
        let back = self.same(at, Phase::Backward)?;
        let mut value = linear.outputs[0];
        let d_last = self.calls[back].wires.d_outputs[0];
        let (forward, backward, commits, links) = (vec![at], vec![], vec![], vec![]);
        let mut found = Found { forward, backward, commits, next: None, d_last, links };
        let mut own = vec![at, back];
        while let Some(next) = self.reader(value) {
            let call = &self.calls[next];
            let shapes: Vec<Shape> = call.wires.inputs.iter().map(|&id| self.shape(id).clone()).collect();
            let Some(stage) = call.op.stage(&shapes) else { break };
            // What passes its gradient on has no kernel for it.
            let Some(gradient) = self.same(next, Phase::Backward) else { break };
            let wires = &self.calls[gradient].wires;
            let chained = wires.d_inputs.first() == Some(&Some(found.d_last))
                && wires.d_inputs.iter().take(1 + stage.weights()).all(Option::is_some);
            let around = [&own[..], &[next, gradient]].concat();
            if !chained || !self.only_in(value, &around) || !self.only_in(found.d_last, &around) {
                return None;
            }
            (value, found.d_last) = (call.wires.outputs[0], wires.d_outputs[0]);
            found.commits.extend(self.same(next, Phase::Commit).filter(|_| stage.is_of_columns()));
            let is_last = stage.pools.is_some();
            found.links.push(Link { op: Arc::clone(&call.op), stage });
            found.forward.push(next);
            found.backward.insert(0, gradient);
            own = vec![next, gradient];
            if is_last {
                break;
            }
        }
        let first = *found.backward.first()?;
        let gives = |at: usize| {
            let wires = self.product(at, Phase::Backward).filter(|_| !self.fused.contains(&self.calls[at].path))?;
            (wires.d_inputs[0] == Some(found.d_last) && self.only_in(found.d_last, &[at, first])).then_some(at)
        };
        let users = self.users[found.d_last.0].iter().filter(|&&at| at != usize::MAX);
        found.next = users.filter_map(|&at| gives(at)).next();
        Some(found)
    }

    /// The wires of what a block can begin with: a product, or what gives images alone.
    fn root(&self, at: usize) -> Option<&Wires<ValueId>> {
        let call = &self.calls[at];
        let [value] = call.wires.outputs[..] else { return None };
        match self.shape(value).0.len() {
            2 => self.product(at, Phase::Forward),
            4 => (call.phase == Phase::Forward).then_some(&call.wires),
            _ => None,
        }
    }

    /// What stands in the way of a block behind a product, where something stands there at all.
    fn why_apart(&self, at: usize) -> Option<String> {
        let mut value = self.product(at, Phase::Forward)?.outputs[0];
        loop {
            let Some(next) = self.reader(value) else {
                return Some("several operations read what it gives".into());
            };
            let call = &self.calls[next];
            let shapes: Vec<Shape> = call.wires.inputs.iter().map(|&id| self.shape(id).clone()).collect();
            if call.op.stage(&shapes).is_none() {
                let is_end = call.op.row_loss().is_some() || call.op.is_product();
                return (!is_end).then(|| format!("{} stands behind it, which no kernel of another takes", call.path));
            }
            value = call.wires.outputs[0];
        }
    }

    /// The stages of a block, if one kernel is better than several and the target allows it; or why not.
    pub(super) fn block_of(&self, found: &Found) -> Result<Shaped, String> {
        let chain = Chain::new(found.links.clone()).map_err(str::to_owned)?;
        if self.scales_loss && chain.column().is_some() {
            return Err(
                "running statistics would move before it is known whether a step with a scaled loss counts".into()
            );
        }
        let linear = &self.calls[found.forward[0]].wires;
        let value = self.shape(linear.outputs[0]);
        if value.is_of_images() {
            return self.over_images(chain, value);
        }
        let (x, weight) = (self.shape(linear.inputs[0]), self.shape(linear.inputs[1]));
        let forward = self.product_apart(&chain, false, [x.rows(), x.width(), weight.rows()]);
        let backward = match found.next {
            None => Some("no product alone makes the gradient behind it".to_owned()),
            Some(next) => {
                let dy = self.shape(self.calls[next].wires.d_outputs[0]);
                self.product_apart(&chain, true, [dy.rows(), dy.width(), weight.rows()])
            }
        };
        let (rows, apart) = (x.rows(), [forward, backward]);
        for (backward, why) in [false, true].into_iter().zip(&apart) {
            let Some(why) = why else { continue };
            let turns = self.turns(&chain, backward, [rows, 0, weight.rows()]);
            if chain.len() == 1 && chain.column().is_none()
                || !chain.can_be_given()
                || turns > self.target.max_turns as usize
            {
                return Err(why.clone());
            }
        }
        Ok(Shaped { chain: Arc::new(chain), apart })
    }

    /// The stages of a block that is given images.
    fn over_images(&self, chain: Chain, images: &Shape) -> Result<Shaped, String> {
        let is_one = chain.len() == 1 && chain.column().is_none();
        let turns = most_turns_over_images(&chain, images, self.target.product);
        if is_one {
            return Err("a kernel over images would do no more than its one stage alone".into());
        }
        if !chain.fits_images() {
            return Err("over images no stage may learn weights, draw numbers or take another tensor".into());
        }
        if turns > self.target.max_turns as usize {
            return Err(format!("its loops would take {turns} turns, more than this driver goes through"));
        }
        let apart = || Some("stages over images are apart from what gives the images".to_owned());
        Ok(Shaped { chain: Arc::new(chain), apart: [apart(), apart()] })
    }

    /// Why the product of so many rows, inputs and outputs is better apart from a block's kernel, if it is.
    pub(super) fn product_apart(&self, chain: &Chain, backward: bool, [rows, k, n]: [usize; 3]) -> Option<String> {
        if self.target.product.keeps_products_apart() {
            return Some("blocks multiply in float32".into());
        }
        let width = if backward { n / chain.narrows() } else { n };
        if (rows * k) as u64 * width as u64 > self.target.block_work {
            return Some("large tiles are faster for a product of this size, and stages are apart from them".into());
        }
        let turns = self.turns(chain, backward, [rows, k, n]);
        (turns > self.target.max_turns as usize)
            .then(|| format!("its loops would take {turns} turns, more than this driver goes through"))
    }

    /// Turns of a block's loops.
    fn turns(&self, chain: &Chain, backward: bool, [rows, k, n]: [usize; 3]) -> usize {
        let subgroups = self.target.product == Family::Subgroup;
        let aligned = k.is_multiple_of(4) && n.is_multiple_of(4) && chain.narrows() == 1;
        let draws = chain.draws()[usize::from(backward)];
        let kind = BlockKind { subgroups, aligned, draws };
        if backward { turns::block_backward(kind, rows, k) } else { turns::block_forward(kind, rows, k) }
    }

    fn make_block(&mut self, found: &Found, Shaped { chain, apart }: &Shaped) {
        let wires = |at: usize| self.calls[at].wires.clone();
        let linear = wires(found.forward[0]);
        let of_link = |at: usize| (wires(found.forward[at + 1]), wires(found.backward[chain.len() - 1 - at]));
        let column = chain.column().map(of_link);
        let learned = found.links.iter().position(|link| link.stage.learned.is_some()).map(of_link);
        // What the gradient is taken from lies before the stage of columns.
        let product = column.as_ref().map_or(linear.outputs[0], |(forward, _)| forward.inputs[0]);
        let of_columns = |range: std::ops::Range<usize>| {
            column.iter().flat_map(|(forward, _)| forward.inputs[range.clone()].to_vec()).collect::<Vec<_>>()
        };
        let saved: Vec<ValueId> = column.iter().flat_map(|(forward, _)| forward.saved.clone()).collect();
        let h = wires(found.forward[found.forward.len() - 1]).outputs[0];
        let weights = learned.as_ref().map(|(forward, _)| forward.inputs[1]);

        let [forward_apart, backward_apart] = apart.each_ref().map(Option::is_some);
        let block =
            Block { chain: Arc::clone(chain), product: (!forward_apart).then_some(Bias(linear.inputs.len() == 3)) };
        let root = if forward_apart { linear.outputs.clone() } else { linear.inputs.clone() };
        let gradient = BlockGradient { chain: Arc::clone(chain), given: backward_apart };
        let kept = gradient.takes_product().then_some(product);
        let value = Wires {
            inputs: root.into_iter().chain(of_columns(1..3)).chain(weights).collect(),
            outputs: kept.filter(|_| !forward_apart).into_iter().chain([h]).collect(),
            saved: saved.clone(),
            ..Wires::default()
        };
        let output = gradient.takes_output().then_some(h);
        let shift = if gradient.takes_shift() { of_columns(2..3) } else { vec![] };
        let root = match found.next.filter(|_| !backward_apart) {
            Some(next) => vec![self.calls[next].wires.d_outputs[0], self.calls[next].wires.inputs[1]],
            None => vec![found.d_last],
        };
        let inputs = root.into_iter().chain(kept).chain(output).chain(saved);
        let dz = wires(found.backward[found.backward.len() - 1]).d_inputs[0];
        let affine = column.iter().flat_map(|(_, backward)| backward.d_inputs[1..3].iter().flatten().copied());
        let d_weights = learned.as_ref().and_then(|(_, backward)| backward.d_inputs[1]);
        let back = Wires {
            inputs: inputs.chain(of_columns(1..2)).chain(shift).chain(of_columns(3..5)).chain(weights).collect(),
            outputs: dz.into_iter().chain(affine).chain(d_weights).collect(),
            ..Wires::default()
        };
        let forward = &found.forward[usize::from(forward_apart)..];
        let joined = found.next.filter(|_| !backward_apart);
        let backward: Vec<usize> = joined.into_iter().chain(found.backward.iter().copied()).collect();
        let call = |op, places: &[usize], wires| {
            let path = places.iter().map(|&at| self.calls[at].path.as_str()).collect::<Vec<_>>().join("+");
            Call { op, path, phase: Phase::Forward, wires }
        };
        let calls = [call(Arc::new(block), forward, value), call(Arc::new(gradient), &backward, back)];
        let [value, back] = calls;
        if let Some(next) = joined {
            self.calls[next].wires.d_inputs[0] = None;
        }
        self.calls[forward[0]] = value;
        self.calls[found.backward[0]] = back;
        let gone = [&forward[1..], &found.backward[1..], &found.commits].concat();
        gone.into_iter().for_each(|at| self.gone[at] = true);
    }
}
