//! The plain kernels that a block stands for, one after the other.

use super::{Around, Block, BlockGradient, Inputs};
use crate::kernel::Binding;
use crate::op::{Op, Outputs, Plain, PlainRecorder, Wire, Wires};
use crate::ops::matmul::Matmul;
use crate::shape::Shape;

/// Where a kernel binds a tensor.
pub(in crate::ops) fn place(bindings: &[Binding], name: &str) -> usize {
    bindings.iter().position(|binding| binding.name == name).unwrap_or_else(|| unreachable!("{name} is bound"))
}

/// The plain form of [`Block`]; `offsets` are those of W, b, γ, β, learned weights and saved.
pub(super) fn forward(block: &Block, w: &Wires<Wire>, offsets: &[u32; 6], bindings: &[Binding]) -> Plain {
    let Some(Inputs { x, weight, bias, affine, learned, other }) = block.inputs(&w.inputs) else {
        unreachable!("a block's inputs")
    };
    let at = |name| place(bindings, name);
    let [in_weight, in_bias, in_gamma, in_beta, in_learned, in_saved] = *offsets;
    let mut p = PlainRecorder::default();
    let chain = &block.chain;
    let before = chain.before().len();
    // The value that lies in zs, by the number of links before it.
    let out = |p: &mut PlainRecorder, done: usize, shape: &Shape| {
        if done == chain.len() {
            p.tied(shape, (at("h"), 0))
        } else if done == before && chain.keeps_product() {
            p.tied(shape, (at("zs"), 0))
        } else {
            p.inner(shape)
        }
    };
    let mut value = match weight {
        None => p.tied(&x.shape, (at("zs"), 0)),
        Some(weight) => {
            let mut inputs = vec![p.tied(&x.shape, (at("x"), 0)), p.tied(&weight.shape, (at("params"), in_weight))];
            inputs.extend(bias.map(|bias| p.tied(&bias.shape, (at("params"), in_bias))));
            let product = out(&mut p, 0, &Shape(vec![x.shape.rows(), weight.shape.rows()]));
            let wires = Wires { inputs, outputs: vec![product], ..Wires::default() };
            Matmul { relu: false }.forward(&wires, &mut p.rec);
            wires.outputs[0].clone()
        }
    };
    for (i, link) in chain.links.iter().chain(&chain.pool).enumerate() {
        let (mut inputs, mut saved) = (vec![value], vec![]);
        if let (true, Some([gamma, beta])) = (link.stage.is_of_columns(), affine) {
            inputs.push(p.tied(&gamma.shape, (at("params"), in_gamma)));
            inputs.push(p.tied(&beta.shape, (at("params"), in_beta)));
            inputs.extend([p.inner(&gamma.shape), p.inner(&gamma.shape)]);
            saved.push(p.tied(&w.saved[0].shape, (at("zs"), in_saved)));
        }
        if let (Some(_), Some(learned)) = (&link.stage.learned, learned) {
            inputs.push(p.tied(&learned.shape, (at("params"), in_learned)));
        }
        if let (true, Some(other)) = (link.stage.other, other) {
            inputs.push(p.tied(&other.shape, (at("other"), 0)));
        }
        let made = made_by(link.op.as_ref(), &inputs);
        let next = out(&mut p, i + 1, &made.outputs[0].shape);
        if saved.is_empty() {
            saved.extend(made.saved.iter().map(|made| p.inner_of(&made.shape, made.scalar)));
        }
        link.op.forward(&Wires { inputs, outputs: vec![next.clone()], saved, ..Wires::default() }, &mut p.rec);
        value = next;
    }
    p.finish(at("now"))
}

/// What an operation makes of its inputs.
fn made_by(op: &dyn Op, inputs: &[Wire]) -> Outputs {
    let shapes: Vec<Shape> = inputs.iter().map(|wire| wire.shape.clone()).collect();
    op.shapes(&shapes).unwrap_or_else(|fault| unreachable!("{fault}"))
}

/// The plain form of [`BlockGradient`]: the stages' values once more, then the gradients.
pub(super) fn backward(gradient: &BlockGradient, w: &Wires<Wire>, offsets: &[u32; 10], bindings: &[Binding]) -> Plain {
    let chain = &gradient.chain;
    let mut form = Form::new(gradient, w, offsets, bindings);
    let steps = form.values();
    let d = form.by_output();
    let d = form.back(chain.before().len(), steps, d);
    let (zs, dz) = (form.at("zs"), form.at("dz"));
    if !chain.before().is_empty() {
        before_columns(gradient, &w.outputs[0].shape, d, (zs, dz), &mut form.p);
    }
    form.p.finish(place(bindings, "now"))
}

/// The plain form of a gradient while it is written.
pub(super) struct Form<'a> {
    gradient: &'a BlockGradient,
    around: Around<'a, Wire>,
    /// The product's, `[batch, n]`.
    shape: &'a Shape,
    bindings: &'a [Binding],
    /// Where V, γ, β, learned weights, saved, dγ, dβ, the gradients by learned weights, running mean and variance lie.
    offsets: &'a [u32; 10],
    pub(super) p: PlainRecorder,
}

impl<'a> Form<'a> {
    pub(super) fn new(
        gradient: &'a BlockGradient,
        w: &'a Wires<Wire>,
        offsets: &'a [u32; 10],
        bindings: &'a [Binding],
    ) -> Self {
        let Some(around) = gradient.inputs(&w.inputs) else { unreachable!("a gradient's inputs") };
        Self { gradient, around, shape: &w.outputs[0].shape, bindings, offsets, p: PlainRecorder::default() }
    }

    fn is_bound(&self, name: &str) -> bool {
        self.bindings.iter().any(|binding| binding.name == name)
    }

    /// The place of a binding; of one that this kernel has not, none asks.
    fn at(&self, name: &str) -> usize {
        self.bindings.iter().position(|binding| binding.name == name).unwrap_or(usize::MAX)
    }

    /// A tensor in a binding; where the kernel has not that, one that is read and written by nothing else.
    pub(super) fn tied(&mut self, shape: &Shape, (binding, offset): (&str, u32)) -> Wire {
        match self.is_bound(binding) {
            true => self.p.tied(shape, (self.at(binding), offset)),
            false => self.p.inner(shape),
        }
    }

    /// The gradient through the stages from the one at `first` on, the last of them first. It lies in dz, unless a function before
    /// the stage of columns is still to come.
    pub(super) fn back(&mut self, first: usize, steps: Vec<Wires<Wire>>, mut d: Wire) -> Wire {
        let ends = self.gradient.chain.before().is_empty();
        for (i, wires) in steps.into_iter().enumerate().rev() {
            d = self.through(first + i, wires, d, ends && i == 0);
        }
        d
    }

    /// The wires of the stages' values, which are recorded where the gradient needs them.
    pub(super) fn values(&mut self) -> Vec<Wires<Wire>> {
        let chain = &self.gradient.chain;
        let [_, in_gamma, in_beta, in_learned, in_saved, _, _, _, in_mean, in_var] = *self.offsets;
        let mut steps: Vec<Wires<Wire>> = vec![];
        // What the block kept, or, where its gradient is read off h alone, h in the place of what makes it.
        let mut value = match self.around.product {
            Some(_) => self.tied(self.shape, ("zs", 0)),
            None => self.p.inner(self.shape),
        };
        for (i, link) in chain.links.iter().chain(&chain.pool).enumerate().skip(chain.before().len()) {
            // Where the gradient is read off h, that is the output of the first stage behind, and no value is made again.
            let is_first_output = self.gradient.takes_output() && i == chain.column.map_or(0, |at| at + 1);
            let (mut inputs, mut saved) = (vec![value], vec![]);
            if let (true, Some([saved_wire, gamma, ..])) = (link.stage.is_of_columns(), self.around.columns) {
                inputs.push(self.tied(&gamma.shape, ("params", in_gamma)));
                inputs.push(match self.around.shift {
                    Some(shift) => self.tied(&shift.shape, ("params", in_beta)),
                    None => self.p.inner(&gamma.shape),
                });
                inputs.extend([in_mean, in_var].map(|offset| self.tied(&gamma.shape, ("state", offset))));
                saved.push(self.tied(&saved_wire.shape, ("zs", in_saved)));
            }
            if let (Some(_), Some(learned)) = (&link.stage.learned, self.around.learned) {
                inputs.push(self.tied(&learned.shape, ("params", in_learned)));
            }
            if let (true, Some(other)) = (link.stage.other, self.around.other) {
                inputs.push(self.tied(&other.shape, ("other", 0)));
            }
            let made = made_by(link.op.as_ref(), &inputs);
            let shape = &made.outputs[0].shape;
            let next = if is_first_output { self.tied(shape, ("h", 0)) } else { self.p.inner(shape) };
            if saved.is_empty() {
                saved.extend(made.saved.iter().map(|made| self.p.inner_of(&made.shape, made.scalar)));
            }
            let wires = Wires { inputs, outputs: vec![next.clone()], saved, ..Wires::default() };
            if chain.from() == super::chain::From::Again {
                record_value(link.op.as_ref(), &wires, link.stage.is_of_columns(), &mut self.p);
            }
            steps.push(wires);
            value = next;
        }
        steps
    }

    /// The gradient by h.
    pub(super) fn by_output(&mut self) -> Wire {
        let dy = self.around.dy;
        let Some(weight) = self.around.weight else { return self.tied(&dy.shape, ("dh", 0)) };
        let of_h = Shape(vec![self.shape.rows(), weight.shape.width()]);
        let (d, dy) = (self.p.inner(&of_h), self.tied(&dy.shape, ("dy", 0)));
        let inputs = vec![self.p.inner(&of_h), self.tied(&weight.shape, ("params", self.offsets[0]))];
        let wires = Wires { inputs, d_outputs: vec![dy], d_inputs: vec![Some(d.clone()), None], ..Wires::default() };
        Matmul { relu: false }.backward(&wires, &mut self.p.rec);
        d
    }

    /// The gradient by the input of a link, out of that by its output.
    fn through(&mut self, i: usize, mut wires: Wires<Wire>, d: Wire, in_dz: bool) -> Wire {
        let [.., in_dgamma, in_dbeta, in_dlearned, _, _] = *self.offsets;
        let chain = &self.gradient.chain;
        let Some(link) = chain.links.get(i).or(chain.pool.as_ref()) else { unreachable!("a stage of the chain") };
        let wider = wires.inputs[0].shape.clone();
        let next = if in_dz { self.tied(&wider, ("dz", 0)) } else { self.p.inner(&wider) };
        wires.d_outputs = vec![d];
        wires.d_inputs = vec![Some(next.clone())];
        if link.stage.is_of_columns() {
            let vector = Shape(vec![self.shape.features()]);
            let grads = [in_dgamma, in_dbeta].map(|offset| Some(self.tied(&vector, ("grads", offset))));
            wires.d_inputs.extend(grads.into_iter().chain([None, None]));
        }
        let mut op = &link.op;
        if let Some(learned) = &link.stage.learned {
            let sums = if learned.total.is_some() { ("sums", 0) } else { ("grads", in_dlearned) };
            wires.d_inputs.push(Some(self.tied(&Shape(vec![next.shape.width()]), sums)));
            op = learned.total.as_ref().map_or(op, |total| &total.by_column);
        }
        op.backward(&wires, &mut self.p.rec);
        if self.is_bound("state") {
            op.commit(&wires, &mut self.p.rec);
        }
        next
    }
}

/// The gradient of the function before a stage of columns, which is taken from what is kept in zs.
fn before_columns(gradient: &BlockGradient, shape: &Shape, d: Wire, (zs, dz): (usize, usize), p: &mut PlainRecorder) {
    if let [link] = gradient.chain.before() {
        let inputs = vec![p.inner(shape)];
        let outputs = vec![p.tied(shape, (zs, 0))];
        let d_inputs = vec![Some(p.tied(shape, (dz, 0)))];
        link.op.backward(&Wires { inputs, outputs, d_outputs: vec![d], d_inputs, ..Wires::default() }, &mut p.rec);
    }
}

/// The value of a stage; one of columns takes the statistics that were saved, as the block's forward kernel left them.
fn record_value(op: &dyn Op, wires: &Wires<Wire>, of_columns: bool, p: &mut PlainRecorder) {
    if !of_columns {
        op.forward(wires, &mut p.rec);
        return;
    }
    let saved = vec![p.inner(&wires.saved[0].shape)];
    op.forward(&Wires { saved, ..wires.clone() }, &mut p.rec);
}
