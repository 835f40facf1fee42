//! The plain kernels that those over pixels stand for, one after the other.

use super::super::BlockGradient;
use super::super::args::PixelArgs;
use super::super::plain::{Form, place};
use super::twins::{MOMENTS, PRODUCTS};
use crate::kernel::Binding;
use crate::op::{Plain, PlainRecorder, Wire, Wires};
use crate::shape::Shape;

/// The moments of z.
pub(super) fn moments(args: &PixelArgs, z: &Shape, parts: &Shape, bindings: &[Binding]) -> Plain {
    let mut p = PlainRecorder::default();
    let z = p.tied(z, (place(bindings, "zs"), 0));
    let parts = p.tied(parts, (place(bindings, "parts"), 0));
    let slots = [z.slot, p.rec.now(), parts.slot];
    p.rec.dispatch(&MOMENTS, args, &slots, [1; 3]);
    p.finish(place(bindings, "now"))
}

/// The sums of the gradient by what batch norm gives; the running statistics move.
pub(super) fn sums(
    gradient: &BlockGradient,
    args: &PixelArgs,
    w: &Wires<Wire>,
    (offsets, parts): (&[u32; 10], &Shape),
    bindings: &[Binding],
) -> Plain {
    let mut form = Form::new(gradient, w, offsets, bindings);
    let mut steps = form.values();
    let behind = steps.split_off(1);
    let d = form.by_output();
    let u = form.back(1, behind, d);
    let Some(Wires { inputs, saved, .. }) = steps.first() else { unreachable!("batch norm is the first stage") };
    let parts = form.tied(parts, ("parts", 0));
    let slots = [inputs[0].slot, saved[0].slot, u.slot, form.p.rec.now(), parts.slot];
    form.p.rec.dispatch(&PRODUCTS, args, &slots, [1; 3]);
    gradient.chain.links[0].op.commit(&steps[0], &mut form.p.rec);
    form.p.finish(place(bindings, "now"))
}

/// The gradient by the images; where `keeps` says so, out of the gradient by what batch norm gives, which lies in its place.
pub(super) fn backward(
    gradient: &BlockGradient,
    w: &Wires<Wire>,
    offsets: &[u32; 10],
    bindings: &[Binding],
    keeps: bool,
) -> Plain {
    if !keeps {
        return super::super::plain::backward(gradient, w, offsets, bindings);
    }
    let mut form = Form::new(gradient, w, offsets, bindings);
    let mut steps = form.values();
    steps.truncate(1);
    let u = form.tied(&w.outputs[0].shape, ("dz", 0));
    form.back(0, steps, u);
    form.p.finish(place(bindings, "now"))
}
