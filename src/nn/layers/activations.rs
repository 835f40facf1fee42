//! The activations.

use crate::graph::ValueId;
use crate::nn::init::Init;
use crate::nn::network::{Builder, Layer};
use crate::nn::notation::LayerText;
use crate::ops::relu::Relu;
use crate::shape::ShapeError;

/// `relu`
#[derive(Clone, Debug)]
pub(super) struct Rectifier;

impl Rectifier {
    pub(super) fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
        text.allow(0, &[])?;
        Ok(Box::new(Self))
    }
}

impl Layer for Rectifier {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        b.push(Relu, &[x])
    }

    fn init_before(&self) -> Option<Init> {
        Some(Init::He)
    }
}
