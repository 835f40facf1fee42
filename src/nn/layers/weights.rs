//! What every layer with weights may say of them: `init=he lr=0.1 max_norm=3`.

use crate::graph::ValueId;
use crate::nn::init::Init;
use crate::nn::layer::{Builder, Start};
use crate::nn::notation::LayerText;
use crate::op::Class;

/// A layer's own settings of its weights and bias.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weights {
    init: Option<Init>,
    rate: Option<f64>,
    max_norm: Option<f64>,
}

/// A layer's own learning rate: `lr=0.1`.
pub(super) fn rate(text: &LayerText) -> Result<Option<f64>, String> {
    let given = text.keys.iter().any(|(key, _)| key == "lr");
    let rate: Option<f64> = if given { Some(text.key("lr", 0.0)?) } else { None };
    match rate {
        Some(rate) if !(rate >= 0.0 && (rate as f32).is_finite()) => {
            Err(format!("lr must be a 32-bit number of at least 0, not {rate}"))
        }
        _ => Ok(rate),
    }
}

impl Weights {
    /// The keys that [`Weights::read`] reads.
    pub(super) const KEYS: [&str; 3] = ["init", "lr", "max_norm"];

    pub(super) fn read(text: &LayerText) -> Result<Self, String> {
        let given = |key: &str| text.keys.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
        let init = given("init").map(str::parse).transpose().map_err(|error: String| format!("init: {error}"))?;
        let rate = rate(text)?;
        let max_norm: Option<f64> = given("max_norm").map(|_| text.key("max_norm", 0.0)).transpose()?;
        if let Some(most) = max_norm.filter(|most| *most < 0.0 || !(*most as f32).is_normal()) {
            return Err(format!("max_norm must be a 32-bit number of more than 0, not {most}"));
        }
        Ok(Self { init, rate, max_norm })
    }

    /// Declares the weight `[out, in, …]`.
    pub(super) fn weight(&self, b: &mut Builder<'_>, sizes: &[usize]) -> ValueId {
        let start = Start::Weights(self.init.unwrap_or(b.init()));
        b.tensor("weight", sizes, Class::Parameters, start, (self.rate, self.max_norm))
    }

    /// Declares the bias.
    pub(super) fn bias(&self, b: &mut Builder<'_>, outputs: usize) -> ValueId {
        b.tensor("bias", &[outputs], Class::Parameters, Start::Value(0.0), (self.rate, None))
    }
}
