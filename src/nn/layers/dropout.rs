//! Dropout.

use crate::graph::ValueId;
use crate::names::{nearest, quoted};
use crate::nn::layer::{Builder, Layer, Usage};
use crate::nn::notation::LayerText;
use crate::ops::dropout::{Dropout, Scale, Scaling};
use crate::shape::ShapeError;

/// `dropout 0.5 rule=inverted per_channel=false`: the value is the probability to drop.
#[derive(Clone, Debug)]
pub(super) struct Drop {
    p: f64,
    rule: Scaling,
    per_channel: bool,
}

impl Drop {
    pub(super) fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
        text.allow(1, &["rule", "per_channel"])?;
        let p = text.value(0, "the probability to drop")?.unwrap_or(0.5);
        if !(0.0..1.0).contains(&(p as f32)) || p < 0.0 {
            return Err(format!("the probability to drop must be a 32-bit number from 0 to less than 1, not {p}"));
        }
        let rule = match text.key("rule", "inverted".to_owned())?.as_str() {
            "inverted" => Scaling::Inverted,
            "weight_scaling" if p == 0.0 => {
                return Err("weight scaling has nothing to scale where nothing is dropped".into());
            }
            "weight_scaling" => Scaling::WeightScaling,
            other => {
                return Err(format!(
                    "rule cannot be {}; {}",
                    quoted(other),
                    nearest(other, &["inverted", "weight_scaling"])
                ));
            }
        };
        Ok(Box::new(Self { p, rule, per_channel: text.key("per_channel", false)? }))
    }
}

impl Layer for Drop {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        match (b.usage(), self.rule) {
            (Usage::Training { seed } | Usage::Sampling { seed }, rule) => {
                b.push(Dropout { p: self.p, rule, layer: b.number(), seed, per_channel: self.per_channel }, &[x])
            }
            (Usage::Inference | Usage::Population, Scaling::Inverted) => Ok(x),
            (Usage::Inference | Usage::Population, Scaling::WeightScaling) => b.push(Scale { p: self.p }, &[x]),
        }
    }

    fn sees_images(&self) -> Option<bool> {
        self.per_channel.then_some(true)
    }

    fn drops(&self) -> bool {
        self.p > 0.0
    }
}
