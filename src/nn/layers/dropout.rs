//! Dropout.

use crate::graph::ValueId;
use crate::nn::network::{Builder, Layer};
use crate::nn::notation::LayerText;
use crate::ops::dropout::Dropout;
use crate::shape::ShapeError;

/// `dropout 0.5`: the value is the probability to drop.
#[derive(Clone, Debug)]
pub(super) struct Drop {
    p: f64,
}

impl Drop {
    pub(super) fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
        text.allow(1, &[])?;
        let p = text.value(0, "the probability to drop")?.unwrap_or(0.5);
        if !(0.0..1.0).contains(&(p as f32)) || p < 0.0 {
            return Err(format!("the probability to drop must be a 32-bit number from 0 to less than 1, not {p}"));
        }
        Ok(Box::new(Self { p }))
    }
}

impl Layer for Drop {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        if !b.is_training() {
            return Ok(x);
        }
        b.push(Dropout { p: self.p, layer: b.index() as u32, seed: b.seed() }, &[x])
    }
}
