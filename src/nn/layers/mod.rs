//! The layers: how each is read, what tensors it has, and the operations it is made of.

mod activations;
mod batch_norm;
mod conv;
mod dropout;
mod linear;
mod pool;
mod residual;
mod weights;

use super::layer::Layer;
use super::notation::{BLOCK, LayerText};
use super::sequence::Read;
use crate::names::{nearest, quoted};
use crate::ops::activation::functions;

/// The kinds of layers beside the functions of [`functions`]. A new one is one line here.
const KINDS: &[(&str, Read)] = &[
    ("linear", linear::Linear::read),
    ("conv", conv::Convolution::read),
    ("max_pool", pool::max_pool),
    ("avg_pool", pool::avg_pool),
    ("global_avg_pool", pool::global_avg_pool),
    ("flatten", pool::flatten),
    ("batch_norm", batch_norm::Normalization::read),
    ("prelu", activations::prelu),
    ("maxout", activations::maxout),
    ("dropout", dropout::Drop::read),
    (BLOCK, |text| residual::Residual::read(text, read)),
];

/// The layer of a text.
pub(super) fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
    if let Some(function) = functions().find(|function| function.name == text.kind) {
        return activations::of_function(function, text);
    }
    match KINDS.iter().find(|(kind, _)| *kind == text.kind) {
        Some((_, read)) => read(text),
        None if text.kind == "softmax" => Err("cross_entropy has the softmax in it: leave the layer out".into()),
        None => {
            let known: Vec<&str> =
                KINDS.iter().map(|&(kind, _)| kind).chain(functions().map(|function| function.name)).collect();
            Err(format!("there is no layer {}; {}", quoted(&text.kind), nearest(&text.kind, &known)))
        }
    }
}
