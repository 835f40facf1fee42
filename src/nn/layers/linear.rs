//! The linear layer.

use crate::graph::ValueId;
use crate::nn::network::{Builder, Layer, Start};
use crate::nn::notation::LayerText;
use crate::op::Class;
use crate::ops::matmul::Matmul;
use crate::shape::ShapeError;

/// `linear 256 bias=true`: y = x Wᵀ + b over all elements of a row.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    outputs: Option<usize>,
    bias: bool,
}

impl Linear {
    pub(super) fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
        text.allow(1, &["bias"])?;
        let outputs = text.value::<usize>(0, "the number of outputs")?;
        if outputs == Some(0) {
            return Err("the number of outputs must be at least 1".into());
        }
        Ok(Box::new(Self { outputs, bias: text.key("bias", true)? }))
    }
}

impl Layer for Linear {
    fn complete(&self, text: &mut LayerText, classes: usize) -> Option<Box<dyn Layer>> {
        if self.outputs.is_some() {
            return None;
        }
        text.values.push(classes.to_string());
        Some(Box::new(Self { outputs: Some(classes), ..self.clone() }))
    }

    fn outputs(&self) -> Option<usize> {
        self.outputs
    }

    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        let inputs = b.shape(x).width();
        let outputs = self
            .outputs
            .ok_or_else(|| ShapeError::new("only the last linear may leave the number of outputs out").at(b.path()))?;
        let init = b.init();
        let weight = b.tensor("weight", &[outputs, inputs], Class::Parameters, Start::Weights(init));
        let mut wires = vec![x, weight];
        if self.bias {
            wires.push(b.tensor("bias", &[outputs], Class::Parameters, Start::Value(0.0)));
        }
        b.push(Matmul { relu: false }, &wires)
    }

    fn is_weighted(&self) -> bool {
        true
    }
}
