//! Batch normalisation.

use super::weights::rate;
use crate::graph::ValueId;
use crate::names::{nearest, quoted};
use crate::nn::layer::{Averages, Builder, Layer, Start, Usage};
use crate::nn::notation::LayerText;
use crate::op::Class;
use crate::ops::batch_norm::{BatchNorm, Statistics};
use crate::shape::ShapeError;

/// `batch_norm eps=1e-5 momentum=0.1 statistics=running lr=0.1`
#[derive(Clone, Debug)]
pub(super) struct Normalization {
    eps: f64,
    momentum: f64,
    statistics: Averages,
    rate: Option<f64>,
}

impl Normalization {
    /// As `batch_norm` alone reads.
    pub(super) const PLAIN: Self = Self { eps: 1e-5, momentum: 0.1, statistics: Averages::Running, rate: None };

    pub(super) fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
        text.allow(0, &["eps", "momentum", "statistics", "lr"])?;
        let statistics = match text.key("statistics", "running".to_owned())?.as_str() {
            "running" => Averages::Running,
            "population" => Averages::Population,
            other => {
                return Err(format!(
                    "statistics cannot be {}; {}",
                    quoted(other),
                    nearest(other, &["running", "population"])
                ));
            }
        };
        let layer = Self {
            eps: text.key("eps", Self::PLAIN.eps)?,
            momentum: text.key("momentum", Self::PLAIN.momentum)?,
            statistics,
            rate: rate(text)?,
        };
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
        let (features, pixels) = (b.shape(x).features(), b.shape(x).pixels());
        let mut tensor =
            |name, class, value| b.tensor(name, &[features], class, Start::Value(value), (self.rate, None));
        let wires = [
            x,
            tensor("weight", Class::Parameters, 1.0),
            tensor("bias", Class::Parameters, 0.0),
            tensor("running_mean", Class::State, 0.0),
            tensor("running_var", Class::State, 1.0),
        ];
        b.normalizes(self.statistics, pixels);
        let statistics = match b.usage() {
            Usage::Training { .. } => Statistics::Batch,
            Usage::Inference | Usage::Sampling { .. } => Statistics::Given,
            Usage::Population => Statistics::Population,
        };
        b.push(BatchNorm { eps: self.eps, momentum: self.momentum, statistics }, &wires)
    }

    fn sees_images(&self) -> Option<bool> {
        Some(true)
    }
}
