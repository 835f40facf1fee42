//! A loss with its settings, by the name that recipes and model files give it.

use crate::names::{nearest, quoted};
use crate::op::{Answer, LossKind, Op, Right, Value, Values, Weighing, configure};
use crate::ops::binary_cross_entropy::BINARY_CROSS_ENTROPY;
use crate::ops::cross_entropy::CROSS_ENTROPY;
use crate::ops::losses;
use crate::ops::mse::MSE;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What training makes small, with the values of its settings. Its link is the network's output function.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    kind: &'static LossKind,
    values: Values,
}

impl Loss {
    /// Softmax over the outputs, one for each class, and the negative logarithm of the right one's probability.
    pub const CROSS_ENTROPY: Self = Self::of(&CROSS_ENTROPY);
    /// A sigmoid for each output, and the negative logarithm of the right answer's probability.
    pub const BINARY_CROSS_ENTROPY: Self = Self::of(&BINARY_CROSS_ENTROPY);
    /// Mean squared error of the outputs as they are.
    pub const MSE: Self = Self::of(&MSE);

    /// A loss with the defaults of its settings.
    pub const fn of(kind: &'static LossKind) -> Self {
        Self { kind, values: Values::defaults(kind.settings) }
    }

    /// The loss of a name with some of its settings given.
    ///
    /// # Errors
    /// There is no such loss; a setting is another loss's, or cannot have that value.
    pub fn read(name: &str, given: &[(&str, Value<'_>)]) -> Result<Self, String> {
        let Self { kind, .. } = name.parse()?;
        let all = losses().map(|kind| (kind.name, kind.settings));
        Ok(Self { kind, values: configure(("loss", kind.name), kind.settings, all, given)? })
    }

    /// The loss of an answer where none is given.
    pub fn default_for(answer: Answer) -> Self {
        losses().find(|kind| kind.default_for.contains(&answer)).map_or(Self::CROSS_ENTROPY, Self::of)
    }

    /// The declaration of this loss: its name, settings and the targets that it fits.
    pub fn kind(&self) -> &'static LossKind {
        self.kind
    }

    /// The values of the loss's own settings.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Whether it judges such answers.
    pub fn judges(&self, answer: Answer) -> bool {
        self.kind.answers.contains(&answer)
    }

    /// Whether it takes the outputs of a layer of this kind as they are before that layer, since it does the same itself.
    pub fn contains_layer(&self, kind: &str) -> bool {
        self.kind.link.name == kind
    }

    /// The operation that computes it.
    pub fn op(&self, label_smoothing: f64) -> Arc<dyn Op> {
        (self.kind.op)(&self.values, label_smoothing)
    }

    /// The loss of a row.
    pub(super) fn of_row(&self, outputs: &[f32], right: Right<'_>, weighing: &Weighing) -> f64 {
        (self.kind.of_row)(&self.values, outputs, right, weighing)
    }
}

impl PartialEq for Loss {
    fn eq(&self, other: &Self) -> bool {
        self.kind.name == other.kind.name && self.values == other.values
    }
}

impl FromStr for Loss {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names: Vec<&str> = losses().map(|kind| kind.name).collect();
        let found = losses().find(|kind| kind.name.eq_ignore_ascii_case(name)).map(Self::of);
        found.ok_or_else(|| format!("there is no loss {}; {}", quoted(name), nearest(name, &names)))
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    const ANSWERS: [Answer; 4] = [Answer::Class, Answer::Binary, Answer::Labels, Answer::Numbers];

    #[test]
    fn each_answer_has_one_default_loss_which_judges_it() {
        for answer in ANSWERS {
            let defaults: Vec<_> = losses().filter(|kind| kind.default_for.contains(&answer)).collect();
            assert!(defaults.len() == 1 && defaults[0].answers.contains(&answer), "{answer:?}");
        }
        for kind in losses() {
            assert!(!kind.takes_classes() || kind.answers == [Answer::Class], "{}", kind.name);
            assert_eq!(kind.name.parse::<Loss>().unwrap().to_string(), kind.name);
        }
    }

    #[test]
    fn settings_belong_to_a_loss() {
        let huber = Loss::read("Huber", &[("delta", Value::Number(2.0))]).unwrap();
        assert_ne!(huber, "huber".parse().unwrap());
        let refused = Loss::read("mse", &[("delta", Value::Number(2.0))]).unwrap_err();
        assert_eq!(refused, "delta belongs to huber, and the loss is mse: leave delta out");
        assert!(Loss::read("hubber", &[]).unwrap_err().contains("did you mean huber?"));
    }
}
