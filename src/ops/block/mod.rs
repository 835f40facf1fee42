//! A product and the stages behind it in one kernel, for products of which a group has all rows of its columns.
//!
//! Forward: z = x Wᵀ + b, then what the stages make of it, h. A stage may look at a whole column (batch norm): the group has all
//! rows of it. Backward: the gradient by h out of the *next* layer's product, dh = dy · V, then through the stages in reverse.
//! Each is the plain kernels one after the other, and is judged by their twins in that order. What lies between is not stored,
//! but for what the gradient needs: `zs` has the product (behind a function before batch norm, that function's output) and, behind
//! it, what batch norm saves. Where the gradient can be read off h alone, not even that.
//!
//! ```text
//!   forward      x ── product ── [function] ── [batch norm] ── function, dropout, … ── h
//!   backward     dz ─ [function'] ─ [batch norm'] ─ … ─ function' ─ dh = dy · V ─ dy
//! ```
//!
//! The running statistics move in the backward kernel: by then the loss is known to be finite. Widths that are multiples of four
//! are read four at a time, others by single words (`words` in the kernels' names).
//! Source: as the parts.

mod accessors;
mod all_cases;
mod args;
mod cases;
mod chain;
mod fast;
mod fast_backward;
mod kernels;
mod pixels;
mod plain;

pub(in crate::ops) use accessors::for_each;
pub(in crate::ops) use all_cases::joined_kernels;
pub use all_cases::{cases, kernels};
pub use cases::of_ops;
pub use chain::Chain;
pub use pixels::most_turns as most_turns_over_images;
pub(in crate::ops) use plain::place;

use crate::kernel::Kernel;
use crate::op::{Family, Made, Op, Outputs, Recorder, SlotId, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use accessors::Wanted;
use args::NOWHERE;
use std::sync::Arc;

/// Blocks have no kernels but those of their stages, see [`kernels()`].
pub static KERNELS: &[&Kernel] = &[];

/// Columns of a group.
fn columns(family: Family) -> usize {
    if family == Family::Subgroup { 32 } else { 8 }
}

/// The value. Inputs: x `[batch, k]`, W `[n, k]`, b `[n]` if it has a bias, γ and β `[n]` of a batch norm, and α, `[n]` or `[1]`,
/// of a function that learns it. Outputs: the product `[batch, n]`, where the gradient needs it, and h, `[batch, n]` or narrower;
/// saved by a batch norm: mean, 1/√(var + eps) and var, `[3, n]`. Where the product is a kernel of its own, what it gave,
/// `[batch, n]`, is an input in place of x, W and b, and no output.
#[derive(Clone, Debug)]
pub struct Block {
    /// The stages behind the product, in their order.
    pub chain: Arc<Chain>,
    /// Where the product is in the kernel, whether it has a bias.
    pub product: Option<Bias>,
}

/// Whether a product has a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bias(pub bool);

/// What a block's inputs are.
pub(super) struct Inputs<'a, T> {
    /// x, or what the product gave.
    pub x: &'a T,
    pub weight: Option<&'a T>,
    pub bias: Option<&'a T>,
    /// γ and β.
    pub affine: Option<[&'a T; 2]>,
    /// The weights that a stage learns.
    pub learned: Option<&'a T>,
    /// The other tensor of a stage.
    pub other: Option<&'a T>,
}

impl Block {
    pub(super) fn inputs<'a, T>(&self, all: &'a [T]) -> Option<Inputs<'a, T>> {
        let mut rest = all.iter();
        let x = rest.next()?;
        let weight = if self.product.is_some() { Some(rest.next()?) } else { None };
        let bias = if self.product == Some(Bias(true)) { Some(rest.next()?) } else { None };
        let rest = rest.as_slice();
        let (affine, rest) = match (self.chain.column, rest) {
            (None, rest) => (None, rest),
            (Some(_), [gamma, beta, rest @ ..]) => (Some([gamma, beta]), rest),
            _ => return None,
        };
        let [learned, other] = self.chain.extra(rest)?;
        Some(Inputs { x, weight, bias, affine, learned, other })
    }
}

impl Op for Block {
    fn name(&self) -> &'static str {
        "block"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let Some(Inputs { x, weight, .. }) = self.inputs(inputs) else {
            return Err(ShapeError::new("a block takes x, W, and the weights of its stages"));
        };
        let n = weight.map_or(x.features(), Shape::rows);
        let made = |name, narrows| Made::f32(name, [x.rows(), n / narrows]);
        let product = (weight.is_some() && self.chain.keeps_product()).then(|| made("product", 1));
        let h =
            if x.is_of_images() { Made::f32("h", self.chain.over_images(x)) } else { made("h", self.chain.narrows()) };
        let saved = self.chain.column.map(|_| Made::f32("saved", [3, n]));
        Ok(Outputs { outputs: product.into_iter().chain([h]).collect(), saved: saved.into_iter().collect() })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        if w.inputs[0].shape.is_of_images() {
            return pixels::forward(self, w, rec);
        }
        let Some(Inputs { x, weight, bias, affine, learned, other }) = self.inputs(&w.inputs) else {
            unreachable!("a block's inputs")
        };
        let weights = weight.into_iter().chain(bias).chain(affine.into_iter().flatten()).chain(learned);
        let weights: Vec<SlotId> = weights.map(|wire| wire.slot).collect();
        let params = (!weights.is_empty()).then(|| rec.together(&weights));
        let (product, h) = match &w.outputs[..] {
            [h] => (None, h),
            [product, h] => (Some(product), h),
            _ => unreachable!("a block's outputs"),
        };
        let given = weight.is_none();
        let product = if given { Some(x) } else { product };
        let kept: Vec<SlotId> = product.iter().chain(&w.saved.first()).map(|wire| wire.slot).collect();
        let zs = (!kept.is_empty()).then(|| rec.together_alone(&kept));
        let at = |rec: &Recorder, wire: Option<&Wire>| wire.map_or(NOWHERE, |wire| rec.offset(wire.slot));
        let (k, n) = weight.map_or((0, x.shape.width()), |weight| (x.shape.width(), weight.shape.rows()));
        let eps = self.chain.columns().map_or(0.0, |(eps, _)| eps);
        let [gamma, beta] = affine.map_or([None; 2], |affine| affine.map(Some));
        let offsets = [weight, bias, gamma, beta, learned, w.saved.first()].map(|wire| at(rec, wire));
        let head = [&[k as u32, n as u32][..], &offsets, &[eps.to_bits()]].concat();
        let args: Vec<u32> = head.into_iter().chain(self.chain.args().iter().map(|(_, arg)| arg.bits)).collect();
        let (family, aligned) = (rec.target.product, k.is_multiple_of(4) && n.is_multiple_of(4));
        let wanted = Wanted { family, aligned, bias: bias.is_some(), backward: false, given };
        let kernel = kernels::kernel(&self.chain, wanted);
        let (before, after) = if given && self.chain.column.is_none() { (zs, None) } else { (None, zs) };
        let own = (!given).then_some(x.slot);
        let other = other.map(|other| other.slot);
        let bound = [own, before, params, other, Some(rec.now()), Some(h.slot), after];
        let slots: Vec<SlotId> = bound.into_iter().flatten().collect();
        let plain = plain::forward(self, w, &offsets, kernel.bindings);
        let groups = [n.div_ceil(columns(family)) as u32, 1, 1];
        rec.dispatch_joined(kernel, &args, &slots, groups, plain);
        rec.flops(if given { 0 } else { 2 * (x.shape.elements() * n) as u64 });
    }
}

/// The gradient by what a block's product gave. Inputs: dy `[batch, k]` and V `[k, n]` of the next linear layer; the block's
/// product and h, if its gradient needs them; of a batch norm saved, γ, β if y is computed once more, running mean and variance; and
/// α of a function that learns it. Outputs: dz `[batch, n]`, of a batch norm dγ and dβ `[n]`, and dα. It moves the running
/// statistics. Where the gradient by h is given, `[batch, n]` or narrower, it is an input in place of dy and V.
#[derive(Clone, Debug)]
pub struct BlockGradient {
    /// The stages of the block.
    pub chain: Arc<Chain>,
    /// Whether the gradient by h is given, as other kernels made it.
    pub given: bool,
}

/// What a gradient's inputs are.
pub(super) struct Around<'a, T> {
    /// dy, or the gradient by h.
    pub dy: &'a T,
    pub weight: Option<&'a T>,
    pub product: Option<&'a T>,
    pub h: Option<&'a T>,
    /// saved, γ, running mean and variance
    pub columns: Option<[&'a T; 4]>,
    /// β
    pub shift: Option<&'a T>,
    /// The weights that a stage learns.
    pub learned: Option<&'a T>,
    /// The other tensor of a stage.
    pub other: Option<&'a T>,
}

impl BlockGradient {
    /// Whether it takes what the block's product gave.
    pub fn takes_product(&self) -> bool {
        self.chain.keeps_product()
    }

    /// Whether it takes batch norm's β: where y is computed once more.
    pub fn takes_shift(&self) -> bool {
        self.chain.column.is_some() && self.chain.from() == chain::From::Again
    }

    /// Whether it takes the block's h.
    pub fn takes_output(&self) -> bool {
        self.chain.from() == chain::From::Output
    }

    pub(super) fn inputs<'a, T>(&self, all: &'a [T]) -> Option<Around<'a, T>> {
        let mut rest = all.iter();
        let dy = rest.next()?;
        let weight = if self.given { None } else { Some(rest.next()?) };
        let product = if self.chain.keeps_product() { Some(rest.next()?) } else { None };
        let h = if self.takes_output() { Some(rest.next()?) } else { None };
        let (columns, shift, rest) = match (self.chain.column, rest.as_slice()) {
            (None, rest) => (None, None, rest),
            (Some(_), [a, b, c, d, rest @ ..]) if !self.takes_shift() => (Some([a, b, c, d]), None, rest),
            (Some(_), [a, b, shift, c, d, rest @ ..]) if self.takes_shift() => (Some([a, b, c, d]), Some(shift), rest),
            _ => return None,
        };
        let [learned, other] = self.chain.extra(rest)?;
        Some(Around { dy, weight, product, h, columns, shift, learned, other })
    }
}

impl Op for BlockGradient {
    fn name(&self) -> &'static str {
        "block"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let Some(Around { dy, weight, product, columns, learned, .. }) = self.inputs(inputs) else {
            return Err(ShapeError::new("a block's gradient takes dy, V, and what the block left"));
        };
        let dz = match product.unwrap_or(dy) {
            images if images.is_of_images() => images.clone(),
            _ => [dy.rows(), weight.unwrap_or(dy).width() * self.chain.narrows()].into(),
        };
        let n = dz.features();
        let mut outputs = vec![Made::f32("dz", dz)];
        outputs.extend(columns.iter().flat_map(|_| [Made::f32("dgamma", [n]), Made::f32("dbeta", [n])]));
        outputs.extend(learned.map(|learned| Made::f32("dlearned", learned.clone())));
        Ok(Outputs { outputs, saved: vec![] })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        if w.inputs[0].shape.is_of_images() {
            return pixels::backward(self, w, rec);
        }
        let Some(around) = self.inputs(&w.inputs) else { unreachable!("a gradient's inputs") };
        let Around { dy, weight, product, h, columns: of_columns, shift: beta, learned, other } = around;
        let [saved, gamma, mean, var] = of_columns.map_or([None; 4], |all| all.map(Some));
        let slots = |wires: &[Option<&Wire>]| wires.iter().flatten().map(|wire| wire.slot).collect::<Vec<_>>();
        let pack = |rec: &mut Recorder, some: Vec<SlotId>| (!some.is_empty()).then(|| rec.together(&some));
        let params = pack(rec, slots(&[weight, gamma, beta, learned]));
        let kept = slots(&[product, saved]);
        let zs = (!kept.is_empty()).then(|| rec.together_alone(&kept));
        let of_h = weight.unwrap_or(dy).shape.width();
        let n = of_h * self.chain.narrows();
        let mut made = w.outputs[1..].iter();
        let [dgamma, dbeta] = [0, 1].map(|_| of_columns.and_then(|_| made.next()));
        let dlearned = made.next();
        let total = self.chain.learned().and_then(|(_, learned)| learned.total.as_ref());
        let sums = total.map(|_| rec.private("sums", [n]));
        let by_column = dlearned.filter(|_| sums.is_none());
        let grads = pack(rec, slots(&[dgamma, dbeta, by_column]));
        let state = pack(rec, slots(&[mean, var]));
        let offsets = [weight, gamma, beta, learned, saved, dgamma, dbeta, by_column, mean, var]
            .map(|wire| wire.map_or(NOWHERE, |wire| rec.offset(wire.slot)));
        let k = weight.map_or(0, |weight| weight.shape.rows());
        let momentum = self.chain.columns().map_or(0.0, |(_, momentum)| momentum);
        let head = [&[k as u32, n as u32][..], &offsets, &[momentum.to_bits()]].concat();
        let args: Vec<u32> = head.into_iter().chain(self.chain.args().iter().map(|(_, arg)| arg.bits)).collect();
        let family = rec.target.product;
        let wanted = Wanted { family, aligned: n.is_multiple_of(4), bias: true, backward: true, given: self.given };
        let kernel = kernels::kernel(&self.chain, wanted);
        let [other, h, of_sums] = [other, h, sums.as_ref()].map(|wire| wire.map(|wire| wire.slot));
        let now = Some(rec.now());
        let bound = [Some(dy.slot), params, zs, other, h, now, Some(w.outputs[0].slot), of_sums, grads, state];
        let all: Vec<SlotId> = bound.into_iter().flatten().collect();
        let plain = plain::backward(self, w, &offsets, kernel.bindings);
        let groups = [n.div_ceil(columns(family)) as u32, 1, 1];
        rec.dispatch_joined(kernel, &args, &all, groups, plain);
        rec.flops(if self.given { 0 } else { 2 * (dy.shape.elements() * of_h) as u64 });
        if let (Some(total), Some(sums), Some(dlearned)) = (total, sums, dlearned) {
            let wires = Wires { inputs: vec![sums], outputs: vec![dlearned.clone()], ..Wires::default() };
            total.sum.forward(&wires, rec);
        }
    }
}

/// The joined kernels that a case is recorded with.
fn recorded(case: &crate::op::Case, target: crate::op::Target) -> Vec<&'static Kernel> {
    let mut rec = Recorder::new(target);
    let shapes: Vec<Shape> = case.inputs.iter().map(|(shape, _)| shape.clone()).collect();
    let made = case.op.shapes(&shapes).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let mut add = |shape: &Shape| {
        let name = format!("case.{}", rec.slots.len());
        let (scalar, class) = (crate::kernel::Scalar::F32, crate::op::Class::Activations);
        let slot = crate::op::Slot { name, shape: shape.clone(), scalar, class, public: true, within: None };
        Wire { slot: rec.slot(slot), shape: shape.clone() }
    };
    let inputs = shapes.iter().map(&mut add).collect();
    let outputs = made.outputs.iter().map(|made| add(&made.shape)).collect();
    let saved = made.saved.iter().map(|made| add(&made.shape)).collect();
    case.op.forward(&Wires { inputs, outputs, saved, ..Wires::default() }, &mut rec);
    rec.dispatches.iter().filter(|dispatch| dispatch.plain.is_some()).map(|dispatch| dispatch.kernel).collect()
}
