//! The end of a network in one kernel: the last linear layer, the loss with its gradient, and the step's metrics, by one group of
//! threads, which sees all rows. The plain kernels one after the other, which judge it; outputs, and single rows' losses, are not
//! kept.
//!
//! A loss declares what it does to a row ([`Op::row_loss`]). Joined where nothing else wants what lies between, and where one group
//! is enough for the outputs, [`MOST_OUTPUTS`]. A layer of more than [`MOST_WORK`] multiply-adds is multiplied by other groups
//! before; this kernel adds the parts of its sums up.
//! Source: as the parts (`matmul`, the losses, `metrics`).

mod cases;
mod fast;

pub use cases::{cases, kernels};

use crate::kernel::{
    Binding, Field, Io, Kernel, Needs, Part, Scalar, Size, Tolerance, UPDATE_NOW, declared, interned, read, update,
    write,
};
use crate::op::stage::RowLoss;
use crate::op::{Family, Made, Op, Outputs, Plain, PlainRecorder, Recorder, SlotId, Target, Wire, Wires};
use crate::ops::block::{for_each, place};
use crate::ops::matmul::{Matmul, record_parts, record_sum};
use crate::ops::metrics::Metrics;
use crate::part;
use crate::shape::{Shape, ShapeError};
use std::sync::Arc;

/// The words that the arguments begin with.
const ARGS: [&str; 6] = ["outputs", "k", "weight", "bias", "parts", "stride"];

/// The place of a tensor that a head does not have.
const NOWHERE: u32 = u32::MAX;

/// Most outputs of a batch that one group takes.
pub const MOST_OUTPUTS: usize = 1 << 14;

/// Most multiply-adds of a last layer that one group takes.
pub const MOST_WORK: usize = 1 << 20;

/// Heads have no kernels but those of their losses, see [`kernels()`].
pub static KERNELS: &[&Kernel] = &[];

/// The operation. Inputs: the outputs `[batch, n]`, or h `[batch, k]`, W `[n, k]` and b `[n]` if it has one; then targets, class
/// weights if the loss takes them, losses and corrects `[lines]`. Output: the gradient by the outputs.
#[derive(Clone, Debug)]
pub struct Head {
    /// The loss that ends the network.
    pub loss: Arc<dyn Op>,
    /// What it does to a row.
    pub row: RowLoss,
    /// The last layer, if it is part of it: whether it has a bias.
    pub layer: Option<bool>,
}

/// How a head comes by the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// They are its input.
    Given,
    /// It multiplies the last layer's input and weights.
    Layer,
    /// It adds up the parts of that product, which a dispatch before it made.
    Parts,
}

/// The inputs of a head, by what they are.
struct Inputs<'a, T> {
    x: &'a T,
    /// W, and b.
    layer: Option<(&'a T, Option<&'a T>)>,
    targets: &'a T,
    class_weights: Option<&'a T>,
    metrics: [&'a T; 2],
}

impl Head {
    fn inputs<'a, T>(&self, all: &'a [T]) -> Option<Inputs<'a, T>> {
        let mut rest = all.iter();
        let x = rest.next()?;
        let layer = match self.layer {
            None => None,
            Some(false) => Some((rest.next()?, None)),
            Some(true) => Some((rest.next()?, Some(rest.next()?))),
        };
        let targets = rest.next()?;
        let class_weights = if self.row.takes_weights { Some(rest.next()?) } else { None };
        let metrics = [rest.next()?, rest.next()?];
        Some(Inputs { x, layer, targets, class_weights, metrics })
    }

    /// How the outputs come about, where one group is enough for the rest.
    pub fn form(&self, inputs: &[Shape], target: &Target) -> Option<Form> {
        let Inputs { x, layer, .. } = self.inputs(inputs)?;
        let all = x.rows() * layer.map_or(x.width(), |(weight, _)| weight.rows());
        let is_small = layer.is_none() || all * x.width() <= MOST_WORK;
        let splits = [Family::Tiled, Family::Subgroup].contains(&target.product);
        match self.layer {
            _ if all > MOST_OUTPUTS => None,
            None => Some(Form::Given),
            Some(_) if is_small || !splits => Some(Form::Layer),
            Some(_) => Some(Form::Parts),
        }
    }

    fn bindings(&self, form: Form) -> Vec<Binding> {
        let mut all = match form {
            Form::Given => vec![read("outputs")],
            Form::Layer => vec![read("h"), read("params")],
            Form::Parts if self.layer == Some(true) => vec![read("partial"), read("params")],
            Form::Parts => vec![read("partial")],
        };
        all.push(if self.row.takes_class { read("labels").u32() } else { read("target_values") });
        all.extend(self.row.takes_weights.then(|| read("class_weights")));
        all.extend([write("d_outputs"), update("losses"), update("corrects").u32(), UPDATE_NOW]);
        all
    }
}

impl Op for Head {
    fn name(&self) -> &'static str {
        "head"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let Some(Inputs { x, layer, .. }) = self.inputs(inputs) else {
            return Err(ShapeError::new("a head takes outputs or a last layer, targets and metrics"));
        };
        let outputs = layer.map_or(x.width(), |(weight, _)| weight.rows());
        Ok(Outputs { outputs: vec![Made::f32("d_outputs", [x.rows(), outputs])], saved: vec![] })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let Some(inputs) = self.inputs(&w.inputs) else { unreachable!("a head's inputs") };
        let Inputs { x, layer, targets, class_weights, metrics } = &inputs;
        let out = &w.outputs[0];
        let shapes: Vec<Shape> = w.inputs.iter().map(|wire| wire.shape.clone()).collect();
        let Some(form) = self.form(&shapes, &rec.target) else { unreachable!("a head that one group is enough for") };
        let mut head = [out.shape.width() as u32, 0, NOWHERE, NOWHERE, 0, 0];
        let at = |rec: &Recorder, wire: Option<&Wire>| wire.map_or(NOWHERE, |wire| rec.offset(wire.slot));
        let (mut first, mut partial) = (vec![x.slot], None);
        match (form, layer) {
            (Form::Layer, Some((weight, bias))) => {
                let slots: Vec<SlotId> = [*weight].into_iter().chain(*bias).map(|wire| wire.slot).collect();
                first.push(rec.together(&slots));
                head[1..4].copy_from_slice(&[x.shape.width() as u32, at(rec, Some(weight)), at(rec, *bias)]);
            }
            (Form::Parts, Some((weight, bias))) => {
                let parts = record_parts(x, weight, rec);
                first = vec![parts.slot];
                first.extend(bias.map(|bias| rec.together(&[bias.slot])));
                let stride = parts.shape.width() as u32;
                head[3..].copy_from_slice(&[at(rec, *bias), parts.shape.rows() as u32, stride]);
                partial = Some(parts);
            }
            _ => {}
        }
        let now = rec.now();
        let rest = [*targets].into_iter().chain(*class_weights).map(|wire| wire.slot);
        let last = [out.slot, metrics[0].slot, metrics[1].slot, now];
        let slots: Vec<SlotId> = first.into_iter().chain(rest).chain(last).collect();
        let args: Vec<u32> = head.into_iter().chain(self.row.args.iter().map(|arg| arg.bits)).collect();
        let aligned = x.shape.width().is_multiple_of(4) && form == Form::Layer;
        let subgroups = rec.target.offers(Needs::SubgroupsOf8) && form == Form::Layer;
        let kernel = kernel(self, form, aligned, subgroups);
        let plain = plain(self, (&inputs, partial.as_ref()), out, [head[2], head[3]], kernel.bindings);
        rec.dispatch_joined(kernel, &args, &slots, [1, 1, 1], plain);
        if form == Form::Layer {
            rec.flops(2 * (x.shape.elements() * out.shape.width()) as u64);
        }
    }
}

/// The kernel of a head.
fn kernel(head: &Head, form: Form, aligned: bool, subgroups: bool) -> &'static Kernel {
    let linear = form == Form::Layer;
    let marks = [
        (linear, "linear_"),
        (form == Form::Parts, "parts_"),
        (linear && !aligned, "words_"),
        (head.layer == Some(false), "bare_"),
        (true, head.row.name),
        (subgroups, "_subgroup"),
    ];
    let name: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
    interned(format!("head.{name}"), |name| make(head, form, aligned, subgroups, name))
}

fn make(head: &Head, form: Form, aligned: bool, subgroups: bool, name: &'static str) -> Kernel {
    let own = ARGS.map(|name| (name, Scalar::U32)).into_iter();
    let all = own.chain(head.row.args.iter().map(|arg| (arg.name, arg.scalar)));
    let fields: Vec<Field> = all.enumerate().map(|(i, (name, scalar))| Field { name, offset: 4 * i, scalar }).collect();
    let bindings = head.bindings(form);
    let quads = if subgroups { part!("shared/quads_u64.wgsl") } else { part!("shared/quads.wgsl") };
    let mut parts = vec![part!("shared/now.wgsl"), part!("shared/numbers.wgsl"), quads];
    parts.push(declarations(&fields, &bindings, aligned));
    parts.push(if form == Form::Given { part!("head/given.wgsl") } else { part!("head/layer.wgsl") });
    if form != Form::Given {
        parts.extend(layer_parts(form, aligned, head.layer == Some(true)));
        parts.push(match form {
            Form::Parts => part!("head/product_parts.wgsl"),
            _ if subgroups => part!("head/product_subgroup.wgsl"),
            _ => part!("head/product.wgsl"),
        });
    }
    parts.extend(head.row.parts);
    parts.extend([part!("shared/step_metrics.wgsl"), part!("head/end.wgsl")]);
    let (row, layer) = (head.row.clone(), head.layer);
    let fast = move |args: &[u8], io: &mut Io<'_>| fast::fast(&row, layer, bytemuck::cast_slice(args), io);
    Kernel {
        name,
        parts: parts.leak(),
        args: fields.leak(),
        bindings: bindings.leak(),
        needs: if subgroups { Needs::SubgroupsOf8 } else { Needs::Nothing },
        tolerance: tolerance(head.row.c),
        twin: None,
        // The CPU path has the product in the kernel, or is given the outputs.
        fast: if form == Form::Parts { None } else { Some(Box::leak(Box::new(fast))) },
    }
}

/// As the loss alone, behind a sum over k where there is a product, and over the rows.
fn tolerance(c: f64) -> Tolerance {
    let terms = |args: &[u8], rows: usize| {
        let word = |at: usize| u32::from_le_bytes([args[4 * at], args[4 * at + 1], args[4 * at + 2], args[4 * at + 3]]);
        (word(0) + word(1)) as usize + rows
    };
    Tolerance { c, size: Size::Largest, terms }
}

/// How weights and inputs of the layer are read.
fn layer_parts(form: Form, aligned: bool, has_bias: bool) -> Vec<Part> {
    let read = if aligned { part!("block/read_quads.wgsl") } else { part!("block/read_words.wgsl") };
    let present = (form == Form::Layer && !aligned).then_some(part!("block/present.wgsl"));
    let bias = if has_bias { "weight_at(args.bias + column)" } else { "0.0" };
    let words = if aligned { part!("head/bias_quads.wgsl") } else { part!("head/bias_words.wgsl") };
    let bias = Part::generated(format!("fn bias_of(column: u32) -> f32 {{\n    return {bias};\n}}"));
    let read = if form == Form::Layer { for_each(read, "h params").to_vec() } else { vec![] };
    present.into_iter().chain(read).chain(has_bias.then_some(words)).chain([bias]).collect()
}

/// The arguments, what a loss says of a row, and the variables of the bindings.
fn declarations(fields: &[Field], bindings: &[Binding], aligned: bool) -> Part {
    let declared = declared(fields, bindings, |binding| aligned && ["h", "params"].contains(&binding.name));
    Part::generated(format!(
        "// Arguments: outputs of a row; k inputs of the layer, and where its weights lie, in words; those of the loss.\n\
         {declared}\n\
         // Of one row: its loss, and how many of its answers are right.\nstruct Judged {{\n    loss: f32,\n    right: u32,\n}}"
    ))
}

/// The plain form: the layer, the loss, the metrics, the loss's gradient.
fn plain(
    head: &Head,
    (inputs, partial): (&Inputs<'_, Wire>, Option<&Wire>),
    out: &Wire,
    offsets: [u32; 2],
    bindings: &[Binding],
) -> Plain {
    let at = |name: &str| place(bindings, name);
    let mut p = PlainRecorder::default();
    let Inputs { x, layer, targets, class_weights, metrics } = inputs;
    let outputs = match layer {
        Some((_, bias)) if partial.is_some() => {
            let bias = bias.map(|bias| p.tied(&bias.shape, (at("params"), offsets[1])));
            let outputs = p.inner(&out.shape);
            let parts = partial.map(|parts| p.tied(&parts.shape, (at("partial"), 0)));
            parts.iter().for_each(|parts| record_sum(parts, bias.as_ref(), &outputs, &mut p.rec));
            outputs
        }
        None => p.tied(&x.shape, (at("outputs"), 0)),
        Some((weight, bias)) => {
            let mut of_layer = vec![p.tied(&x.shape, (at("h"), 0)), p.tied(&weight.shape, (at("params"), offsets[0]))];
            of_layer.extend(bias.map(|bias| p.tied(&bias.shape, (at("params"), offsets[1]))));
            let outputs = p.inner(&out.shape);
            let wires = Wires { inputs: of_layer, outputs: vec![outputs.clone()], ..Wires::default() };
            Matmul { relu: false }.forward(&wires, &mut p.rec);
            outputs
        }
    };
    let name = if head.row.takes_class { "labels" } else { "target_values" };
    let mut of_loss = vec![outputs, p.tied(&targets.shape, (at(name), 0))];
    of_loss.extend(class_weights.map(|weights| p.tied(&weights.shape, (at("class_weights"), 0))));
    let shapes: Vec<Shape> = of_loss.iter().map(|wire| wire.shape.clone()).collect();
    let made = head.loss.shapes(&shapes).unwrap_or_else(|fault| unreachable!("the loss took these shapes: {fault}"));
    let mut wires = Wires { inputs: of_loss, ..Wires::default() };
    wires.outputs = made.outputs.iter().map(|made| p.inner_of(&made.shape, made.scalar)).collect();
    wires.saved = made.saved.iter().map(|made| p.inner_of(&made.shape, made.scalar)).collect();
    head.loss.forward(&wires, &mut p.rec);
    let kept = [p.tied(&metrics[0].shape, (at("losses"), 0)), p.tied(&metrics[1].shape, (at("corrects"), 0))];
    let of_metrics = wires.outputs.iter().cloned().chain(kept).collect();
    Metrics.forward(&Wires { inputs: of_metrics, ..Wires::default() }, &mut p.rec);
    wires.d_inputs = vec![Some(p.tied(&out.shape, (at("d_outputs"), 0)))];
    wires.d_inputs.resize(wires.inputs.len(), None);
    head.loss.backward(&wires, &mut p.rec);
    p.finish(at("now"))
}
