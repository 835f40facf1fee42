//! The settings of a run: one table ([`SETTINGS`]), a [`Recipe`] that may leave settings out, and [`Settings`] with every
//! default filled in.

mod define;
mod kinds;
mod range;
mod table;
mod value;

use crate::data::Fractions;
use crate::error::Error;
use crate::kernel::Precision;
use crate::names::nearest;
use crate::nn::{self, Rule};
use crate::ops::sgd::Decay;
pub use define::{FIXED, PLAN, POSITIONAL, SWITCH, Setting, named};
pub use kinds::{ClassWeights, DecayOnly, Measure, NormalizeTarget};
pub use table::{Recipe, SETTINGS, Settings};

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Passes over the training rows.
    Epochs(u64),
    /// Updates of the weights.
    Steps(u64),
}

/// The optimisers by name.
pub const OPTIMIZERS: [&str; 3] = ["sgd", "adam", "adamw"];

impl Recipe {
    /// Takes every setting that another recipe has. `epochs` and `steps` replace each other.
    pub fn take(&mut self, other: &Self) {
        if other.epochs.is_some() || other.steps.is_some() {
            (self.epochs, self.steps) = (None, None);
        }
        if other.layers.is_some() || other.hidden.is_some() || other.dropout.is_some() {
            (self.layers, self.hidden, self.dropout) = (None, None, None);
        }
        SETTINGS.iter().for_each(|setting| (setting.take)(self, other));
    }

    /// Refuses what can be seen to be wrong without the data.
    ///
    /// # Errors
    /// Names the setting and what it may be.
    pub fn check(&self) -> Result<(), Error> {
        self.check_each().map_err(Error::Setting)?;
        ensure(self.source.is_some() || self.target.is_none(), || {
            "source is missing: target names a column of a table, so name the table".into()
        })?;
        ensure(self.epochs.is_none() || self.steps.is_none(), || "epochs and steps cannot both be given".into())?;
        ensure(self.layers.is_none() || self.hidden.is_none(), || "layers and hidden cannot both be given".into())?;
        ensure(self.layers.is_none() || self.dropout.is_none(), || {
            "dropout cannot be given together with layers: write it among the layers".into()
        })?;
        if let (Some(validation), Some(test)) = (self.validation, self.test) {
            let both = validation + test;
            ensure(both < 1.0, || {
                format!("validation and test must leave rows to train on: their sum is {both}, make it less than 1")
            })?;
        }
        self.check_optimizer()
    }

    /// Refuses settings that belong to another optimiser.
    fn check_optimizer(&self) -> Result<(), Error> {
        let Some(name) = self.optimizer.as_deref() else { return Ok(()) };
        ensure(OPTIMIZERS.contains(&name), || format!("optimizer cannot be {name:?}; {}", nearest(name, &OPTIMIZERS)))?;
        let sgds = [("momentum", self.momentum.is_some()), ("nesterov", self.nesterov.is_some())];
        let adams = [("beta1", self.beta1.is_some()), ("beta2", self.beta2.is_some()), ("eps", self.eps.is_some())];
        let (others, whose) = if name == "sgd" { (&adams[..], "adam and adamw") } else { (&sgds[..], "sgd") };
        if let Some((key, _)) = others.iter().find(|(_, given)| *given) {
            let what = format!("{key} is a setting of {whose} and has no effect on {name}");
            let other = if name == "sgd" { "adamw" } else { "sgd" };
            return Err(Error::Setting(format!("{what}: leave it out, or set optimizer to {other}")));
        }
        ensure(name == "sgd" || self.decay.is_none(), || {
            format!("decay cannot be chosen with {name}: adam decays by l2, adamw is decoupled; leave it out")
        })?;
        ensure(self.nesterov != Some(true) || self.momentum.is_none_or(|momentum| momentum > 0.0), || {
            "nesterov needs a momentum of more than 0".into()
        })
    }
}

impl Settings {
    /// How long the run is.
    pub fn length(&self) -> Length {
        self.steps.map_or_else(|| Length::Epochs(self.epochs.unwrap_or(1)), Length::Steps)
    }

    /// The shares of the rows that are held out.
    pub fn fractions(&self) -> Fractions {
        Fractions { validation: self.validation, test: self.test.unwrap_or(0.0) }
    }

    /// The update of the weights.
    pub fn update(&self) -> nn::Settings {
        let beta = |value: Option<f64>, default| value.unwrap_or(default);
        let (beta1, beta2, eps) = (beta(self.beta1, 0.9), beta(self.beta2, 0.999), beta(self.eps, 1e-8));
        let decoupled = self.decay.as_deref() == Some("decoupled");
        let rule = match self.optimizer.as_str() {
            "adam" => Rule::Adam { beta1, beta2, eps },
            "adamw" => Rule::AdamW { beta1, beta2, eps },
            _ => Rule::Sgd {
                momentum: self.momentum.unwrap_or(0.0),
                nesterov: self.nesterov.unwrap_or(false),
                decay: if decoupled { Decay::Decoupled } else { Decay::L2 },
            },
        };
        nn::Settings {
            rule,
            weight_decay: self.weight_decay,
            decay_weights_only: self.decay_only == DecayOnly::Weights,
            scale_loss: self.precision == Precision::F16,
            clip: self.clip,
            max_norm: self.max_norm,
        }
    }
}

fn ensure(right: bool, what: impl FnOnce() -> String) -> Result<(), Error> {
    if right { Ok(()) } else { Err(Error::Setting(what())) }
}
