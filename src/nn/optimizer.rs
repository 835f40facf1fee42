//! Optimisers: settings, and the operations that they stand for.

use super::layer::Tensor;
use crate::graph::Optimizer;
use crate::names::nearest;
use crate::op::{Class, Op, OptimizerKind, Value, Values, configure};
use crate::ops::clip::Clip;
use crate::ops::loss_scale::LossScale;
use crate::ops::max_norm::MaxNorm;
use crate::ops::optimizers;
use crate::ops::sgd::SGD;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How trainable tensors follow their gradients: an optimiser with the values of its settings.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    kind: &'static OptimizerKind,
    values: Values,
}

impl Rule {
    /// The optimiser of a name with some of its settings given.
    ///
    /// # Errors
    /// There is no such optimiser; a setting is another optimiser's, cannot have that value, or does not go together with
    /// another.
    pub fn read(name: &str, given: &[(&str, Value<'_>)]) -> Result<Self, String> {
        let names: Vec<&str> = optimizers().map(|kind| kind.name).collect();
        let kind = optimizers().find(|kind| kind.name.eq_ignore_ascii_case(name));
        let kind = kind.ok_or_else(|| format!("optimizer cannot be {name:?}; {}", nearest(name, &names)))?;
        let all = optimizers().map(|kind| (kind.name, kind.settings));
        let values = configure(("optimizer", kind.name), kind.settings, all, given)?;
        (kind.check)(&values)?;
        Ok(Self { kind, values })
    }

    /// The declaration of this optimiser: its name, settings and defaults.
    pub fn kind(&self) -> &'static OptimizerKind {
        self.kind
    }

    /// The values of the optimiser's own settings.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// As in a recipe.
    pub fn name(&self) -> &'static str {
        self.kind.name
    }

    fn op(&self, weight_decay: f64, rate: f64) -> Arc<dyn Op> {
        (self.kind.op)(&self.values, weight_decay, rate)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.kind.name == other.kind.name && self.values == other.values
    }
}

/// Gradient descent without momentum.
impl Default for Rule {
    fn default() -> Self {
        let values = Values::defaults(SGD.settings).set("momentum", Value::Number(0.0));
        Self { kind: &SGD, values: values.unwrap_or_else(|what| panic!("{what}")) }
    }
}

/// The update of a network; the rate is no part of it, it comes from the step table.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    /// How tensors follow their gradients.
    pub rule: Rule,
    /// λ at least 0.
    pub weight_decay: f64,
    /// Whether λ acts on weights of two or more sizes alone; else on biases, γ, β and the like too.
    pub decay_weights_only: bool,
    /// Whether the loss is scaled, by as much as its gradients take.
    pub scale_loss: bool,
    /// The largest norm of all gradients together, more than 0.
    pub clip: Option<f64>,
    /// The largest norm of a unit's incoming weights, more than 0, where a layer has none of its own.
    pub max_norm: Option<f64>,
}

/// Whether a tensor is weights between units, and no bias, γ or the like.
fn is_weight(tensor: &Tensor) -> bool {
    tensor.name.ends_with(".weight") && tensor.shape.0.len() > 1
}

impl Settings {
    /// The operations on a network's trainable tensors. `lr` is the rate that the step table starts from, of which a layer's
    /// own rate is a share.
    ///
    /// # Errors
    /// A layer has a rate of its own, which is no share of `lr` that a 32-bit number can be.
    pub fn optimizer(&self, tensors: &[Tensor], lr: f64) -> Result<Optimizer, String> {
        let mut kinds: Vec<(f64, f64)> = vec![];
        let (mut rule_of, mut after) = (BTreeMap::new(), vec![]);
        for tensor in tensors.iter().filter(|tensor| tensor.class == Class::Parameters) {
            let decays = !self.decay_weights_only || is_weight(tensor);
            let kind = (if decays { self.weight_decay } else { 0.0 }, share(tensor, lr)?);
            let rule = kinds.iter().position(|known| *known == kind).unwrap_or_else(|| {
                kinds.push(kind);
                kinds.len() - 1
            });
            rule_of.insert(tensor.name.clone(), rule);
            let default = self.max_norm.filter(|_| is_weight(tensor));
            if let Some(most) = tensor.max_norm.or(default) {
                after.push((tensor.name.clone(), Arc::new(MaxNorm { most }) as Arc<dyn Op>));
            }
        }
        if kinds.is_empty() {
            kinds.push((self.weight_decay, 1.0));
        }
        // A rate of 0 keeps a layer as it is, so nothing decays in it either.
        let decay_of = |decay: f64, share: f64| if share == 0.0 { 0.0 } else { decay };
        let rules = kinds.into_iter().map(|(decay, share)| self.rule.op(decay_of(decay, share), share)).collect();
        let before = self.clip.map(|most| Arc::new(Clip { most }) as Arc<dyn Op>);
        let states = self.rule.kind.states.to_vec();
        let unscale = self.scale_loss.then(|| Arc::new(LossScale::default()) as Arc<dyn Op>);
        Ok(Optimizer { rules, rule_of, states, unscale, before, after })
    }
}

/// A tensor's share of the rate.
fn share(tensor: &Tensor, lr: f64) -> Result<f64, String> {
    let share = match tensor.rate {
        None => 1.0,
        Some(0.0) => 0.0,
        Some(rate) => rate / lr,
    };
    if share == 0.0 || (share as f32).is_normal() {
        return Ok(share);
    }
    let layer = tensor.name.rsplit_once('.').map_or("", |(layer, _)| layer);
    let rate = tensor.rate.unwrap_or_default();
    Err(format!(
        "the lr {rate} of layer {layer} cannot be told as a multiple of the lr {lr} of the run: bring them nearer to each other"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::nn::Start;
    use crate::shape::Shape;

    fn tensor(name: &str, sizes: &[usize], rate: Option<f64>, max_norm: Option<f64>) -> Tensor {
        let (class, start) = (Class::Parameters, Start::Value(0.0));
        Tensor { name: name.into(), shape: Shape(sizes.to_vec()), class, start, rate, max_norm }
    }

    fn tensors() -> Vec<Tensor> {
        vec![
            tensor("0.weight", &[3, 2], None, None),
            tensor("0.bias", &[3], None, None),
            tensor("1.weight", &[3], None, None),
            tensor("2.weight", &[2, 3], Some(0.05), Some(4.0)),
            tensor("2.bias", &[2], Some(0.05), None),
        ]
    }

    /// Which tensors share a rule, and on what max-norm acts.
    fn told(settings: Settings, lr: f64) -> (Vec<usize>, Vec<String>) {
        let optimizer = settings.optimizer(&tensors(), lr).unwrap();
        let rules = tensors().iter().map(|tensor| optimizer.rule_of[&tensor.name]).collect();
        let after = optimizer.after.iter().map(|(name, op)| format!("{name} {op:?}")).collect();
        assert_eq!(optimizer.before.is_some(), settings.clip.is_some());
        (rules, after)
    }

    #[test]
    fn tensors_share_a_rule_where_rate_and_decay_agree() {
        let settings = Settings { weight_decay: 0.1, clip: Some(1.0), max_norm: Some(3.0), ..Settings::default() };
        let (rules, after) = told(settings, 0.1);
        assert_eq!(rules, [0, 0, 0, 1, 1]);
        assert_eq!(after, ["0.weight MaxNorm { most: 3.0 }", "2.weight MaxNorm { most: 4.0 }"]);
        let (rules, after) = told(Settings { weight_decay: 0.1, decay_weights_only: true, ..Settings::default() }, 0.1);
        assert_eq!(rules, [0, 1, 1, 2, 3]);
        assert_eq!(after, ["2.weight MaxNorm { most: 4.0 }"]);
        assert_eq!(told(Settings { decay_weights_only: true, ..Settings::default() }, 0.05).0, [0; 5]);
    }

    #[test]
    fn a_layers_own_rate_is_a_share_of_the_runs() {
        let optimizer = Settings { rule: Rule::read("adamw", &[]).unwrap(), ..Settings::default() }
            .optimizer(&tensors(), 0.1)
            .unwrap();
        assert!(format!("{:?}", optimizer.rules[1]).contains("rate: 0.5"), "{:?}", optimizer.rules);
        assert_eq!(optimizer.states, ["mean", "square"]);
        let refused = Settings::default().optimizer(&tensors(), 0.0).unwrap_err();
        assert!(refused.contains("layer 2") && refused.contains("0.05"), "{refused}");
    }

    #[test]
    fn a_rule_is_read_by_name() {
        let rmsprop = Rule::read("RMSprop", &[("alpha", Value::Number(0.9))]).unwrap();
        assert_eq!((rmsprop.name(), rmsprop.values().number("alpha")), ("rmsprop", 0.9));
        let refused = |name, given: &[_]| Rule::read(name, given).unwrap_err();
        let momentum = ("momentum", Value::Number(0.9));
        assert_eq!(
            refused("adam", &[momentum]),
            "momentum belongs to rmsprop, sgd, and the optimizer is adam: leave momentum out"
        );
        assert!(refused("rmsprob", &[]).contains("did you mean rmsprop?"));
        let idle = [("momentum", Value::Number(0.0)), ("nesterov", Value::Flag(true))];
        assert!(refused("sgd", &idle).contains("nesterov needs a momentum"));
    }

    #[test]
    fn every_optimizer_has_as_many_settings_as_values_hold() {
        for kind in optimizers() {
            let rule = Rule::read(kind.name, &[]).unwrap();
            assert_eq!(rule.values().iter().count(), kind.settings.len(), "{}", kind.name);
        }
    }
}
