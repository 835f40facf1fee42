//! The linear layer.

use super::weights::Weights;
use crate::graph::ValueId;
use crate::nn::layer::{Builder, Layer};
use crate::nn::notation::LayerText;
use crate::ops::flatten::Flatten;
use crate::ops::matmul::Matmul;
use crate::shape::ShapeError;

/// `linear 256 bias=true`: y = x Wᵀ + b over all elements of a row; `init=he lr=0.1 max_norm=3` for its own settings.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    outputs: Option<usize>,
    bias: bool,
    weights: Weights,
}

impl Linear {
    pub(super) fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
        let [init, lr, max_norm] = Weights::KEYS;
        text.allow(1, &["bias", init, lr, max_norm])?;
        let outputs = text.value::<usize>(0, "the number of outputs")?;
        if outputs == Some(0) {
            return Err("the number of outputs must be at least 1".into());
        }
        Ok(Box::new(Self { outputs, bias: text.key("bias", true)?, weights: Weights::read(text)? }))
    }
}

impl Layer for Linear {
    fn complete(&self, text: &mut LayerText, outputs: usize) -> Option<Box<dyn Layer>> {
        if self.outputs.is_some() {
            return None;
        }
        text.values.push(outputs.to_string());
        Some(Box::new(Self { outputs: Some(outputs), ..self.clone() }))
    }

    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        let x = if b.shape(x).is_of_images() { b.push_part("flatten", Flatten, &[x])? } else { x };
        let inputs = b.shape(x).width();
        let outputs = self.outputs.ok_or_else(|| {
            ShapeError::new("only the last linear may leave the number of outputs out").at(&b.place().path)
        })?;
        let mut wires = vec![x, self.weights.weight(b, &[outputs, inputs])];
        if self.bias {
            wires.push(self.weights.bias(b, outputs));
        }
        b.push(Matmul { relu: false }, &wires)
    }

    fn is_weighted(&self) -> bool {
        true
    }

    fn sees_images(&self) -> Option<bool> {
        Some(false)
    }
}
