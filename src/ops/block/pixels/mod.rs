//! Stages over the pixels of images: batch norm, functions of elements, pooling, behind any operation that gives images.
//!
//! A column has a pixel of every image, too many for one group. So its sums are taken of parts of the pixels, by kernels that store
//! them, and added up by each group of the kernel behind:
//!
//! ```text
//!   forward    z ── moments ── parts;   z, parts ── [batch norm] ── function, … ── [max_pool] ── h
//!   backward   dh, z ── sums ── u, parts;   u, z, parts ── dz        (u: the gradient by what batch norm gives)
//! ```
//!
//! Without batch norm there are no parts, and one kernel in each direction. A gradient that goes through pooling makes the stages'
//! values once more, and with them the places of the largest: neither the places nor what the windows hold is stored.

mod area;
mod cases;
mod fast;
mod fast_backward;
mod kernels;
mod plain;
mod sizes;
mod twins;
mod windows;

pub(super) use cases::cases;

use super::accessors::Wanted;
use super::args::{NOWHERE, PixelArgs};
use super::chain::Chain;
use super::{Around, Block, BlockGradient, Inputs};
use crate::kernel::Kernel;
use crate::op::{Family, Plain, Recorder, SlotId, Wire, Wires};
use crate::shape::Shape;
use kernels::Step;
use sizes::Sizes;

/// Turns of the loops of a chain's kernels over such images, at most.
pub fn most_turns(chain: &Chain, images: &Shape, family: Family) -> usize {
    Sizes::of(chain, images, family).most_turns()
}

/// Records a kernel over its units.
fn record(
    (kernel, chain): (&'static Kernel, Option<&Chain>),
    (sizes, args): (Sizes, &PixelArgs),
    slots: &[Option<SlotId>],
    plain: Plain,
    rec: &mut Recorder,
) {
    let stages = chain.map_or(vec![], Chain::args);
    let head: &[u32] = bytemuck::cast_slice(std::slice::from_ref(args));
    let words: Vec<u32> = head.iter().copied().chain(stages.iter().map(|(_, arg)| arg.bits)).collect();
    let slots: Vec<SlotId> = slots.iter().flatten().copied().collect();
    rec.dispatch_joined(kernel, &words, &slots, sizes.groups(args), plain);
}

fn wanted(rec: &Recorder, sizes: Sizes, backward: bool) -> Wanted {
    Wanted { family: rec.target.product, aligned: sizes.n.is_multiple_of(4), bias: true, backward, given: true }
}

/// The slot that holds some tensors.
fn pack(rec: &mut Recorder, wires: &[Option<&Wire>], alone: bool) -> Option<SlotId> {
    let some: Vec<SlotId> = wires.iter().flatten().map(|wire| wire.slot).collect();
    (!some.is_empty()).then(|| if alone { rec.together_alone(&some) } else { rec.together(&some) })
}

fn place(rec: &Recorder, wire: Option<&Wire>) -> u32 {
    wire.map_or(NOWHERE, |wire| rec.offset(wire.slot))
}

/// Records the value of stages that are given images.
pub(super) fn forward(block: &Block, w: &Wires<Wire>, rec: &mut Recorder) {
    let Some(Inputs { x, affine, .. }) = block.inputs(&w.inputs) else { unreachable!("a block's inputs") };
    let (chain, h, now) = (block.chain.as_ref(), &w.outputs[0], rec.now());
    let sizes = Sizes::of(chain, &x.shape, rec.target.product);
    let [gamma, beta] = affine.map_or([None; 2], |affine| affine.map(Some));
    let (of_z, saved) = ([Some(x), w.saved.first()], w.saved.first());
    // Each dispatch touches what it asks for.
    pack(rec, &of_z, true);
    let zs = pack(rec, &[Some(x)], true);
    let args = PixelArgs { saved: place(rec, saved), ..sizes.moments() };
    let wanted = wanted(rec, sizes, false);
    let parts = chain.columns().map(|_| {
        let parts = rec.private("parts", sizes.parts(&args));
        let kernel = kernels::kernel(None, Step::Moments, wanted);
        let plain = plain::moments(&args, &x.shape, &parts.shape, kernel.bindings);
        record((kernel, None), (sizes, &args), &[zs, Some(now), Some(parts.slot)], plain, rec);
        parts.slot
    });
    pack(rec, &of_z, true);
    let params = pack(rec, &[gamma, beta], false);
    let (eps, momentum) = chain.columns().unwrap_or_default();
    let [gamma, beta] = [gamma, beta].map(|wire| place(rec, wire));
    let args = sizes.over(sizes.value_units(), PixelArgs { gamma, beta, eps, momentum, ..args });
    let kernel = kernels::kernel(Some(chain), Step::Forward, wanted);
    let offsets = [NOWHERE, NOWHERE, gamma, beta, NOWHERE, args.saved];
    let plain = super::plain::forward(block, w, &offsets, kernel.bindings);
    let slots = match parts {
        Some(_) => [params, parts, Some(now), Some(h.slot), zs],
        None => [zs, Some(now), Some(h.slot), None, None],
    };
    record((kernel, Some(chain)), (sizes, &args), &slots, plain, rec);
}

/// Records the gradient by the images that the stages are given.
pub(super) fn backward(gradient: &BlockGradient, w: &Wires<Wire>, rec: &mut Recorder) {
    let Some(around) = gradient.inputs(&w.inputs) else { unreachable!("a gradient's inputs") };
    let Around { dy, product, h, columns, shift: beta, .. } = around;
    let (chain, dz, now) = (gradient.chain.as_ref(), Some(w.outputs[0].slot), Some(rec.now()));
    let sizes = Sizes::of(chain, &w.outputs[0].shape, rec.target.product);
    let [saved, gamma, mean, var] = columns.map_or([None; 4], |all| all.map(Some));
    let (dy, h, made) = (Some(dy.slot), h.map(|h| h.slot), |i: usize| w.outputs.get(i));
    let packs = |rec: &mut Recorder| {
        let params = pack(rec, &[gamma, beta], false);
        let zs = pack(rec, &[product, saved], true);
        [params, zs, pack(rec, &[made(1), made(2)], false), pack(rec, &[mean, var], false)]
    };
    let [params, zs, grads, state] = packs(rec);
    let at = [gamma, beta, saved, made(1), made(2), mean, var].map(|wire| place(rec, wire));
    let [gamma, beta, saved, dgamma, dbeta, running_mean, running_var] = at;
    let (eps, momentum) = chain.columns().unwrap_or_default();
    let wanted = wanted(rec, sizes, true);
    let keeps = chain.keeps_gradient();
    let args =
        PixelArgs { gamma, beta, saved, dgamma, dbeta, running_mean, running_var, eps, momentum, ..sizes.sums() };
    let offsets = [NOWHERE, gamma, beta, NOWHERE, saved, dgamma, dbeta, NOWHERE, running_mean, running_var];
    let parts = chain.columns().map(|_| {
        let parts = rec.private("parts", sizes.parts(&args));
        let kernel = kernels::kernel(Some(chain), Step::Sums, wanted);
        let plain = plain::sums(gradient, &args, w, (&offsets, &parts.shape), kernel.bindings);
        let u = dz.filter(|_| keeps);
        let params = params.filter(|_| keeps);
        let slots = [dy, zs, h, params, now, u, Some(parts.slot), state];
        record((kernel, Some(chain)), (sizes, &args), &slots, plain, rec);
        packs(rec);
        parts.slot
    });
    let kernel = kernels::kernel(Some(chain), Step::Backward, wanted);
    let units = if keeps { sizes.pixels() } else { args.units as usize };
    let args = sizes.over(units, args);
    let slots = if keeps {
        [zs, params, parts, now, dz, grads, None, None]
    } else {
        [dy, zs, h, params, parts, now, dz, grads]
    };
    let plain = plain::backward(gradient, w, &offsets, kernel.bindings, keeps);
    record((kernel, Some(chain)), (sizes, &args), &slots, plain, rec);
}
