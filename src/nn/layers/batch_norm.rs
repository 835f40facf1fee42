//! Batch normalisation.

use crate::graph::ValueId;
use crate::nn::network::{Builder, Layer, Start};
use crate::nn::notation::LayerText;
use crate::op::Class;
use crate::ops::batch_norm::BatchNorm;
use crate::shape::ShapeError;

/// `batch_norm eps=1e-5 momentum=0.1`
#[derive(Clone, Debug)]
pub(super) struct Normalization {
    eps: f64,
    momentum: f64,
}

impl Normalization {
    pub(super) fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
        text.allow(0, &["eps", "momentum"])?;
        let layer = Self { eps: text.key("eps", 1e-5)?, momentum: text.key("momentum", 0.1)? };
        let eps = layer.eps as f32;
        if !(eps > 0.0 && eps.is_normal()) {
            return Err(format!("eps must be a 32-bit number of more than 0, not {:e}", layer.eps));
        }
        if !(0.0..=1.0).contains(&layer.momentum) {
            return Err(format!("momentum must be from 0 to 1, not {}", layer.momentum));
        }
        Ok(Box::new(layer))
    }
}

impl Layer for Normalization {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        let features = b.shape(x).0.get(1).copied().unwrap_or(1);
        let mut tensor = |name, class, value| b.tensor(name, &[features], class, Start::Value(value));
        let wires = [
            x,
            tensor("weight", Class::Parameters, 1.0),
            tensor("bias", Class::Parameters, 0.0),
            tensor("running_mean", Class::State, 0.0),
            tensor("running_var", Class::State, 1.0),
        ];
        b.counts_batches();
        b.push(BatchNorm { eps: self.eps, momentum: self.momentum, training: b.is_training() }, &wires)
    }

    fn needs_two_rows(&self) -> bool {
        true
    }
}
