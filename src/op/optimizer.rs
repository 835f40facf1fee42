//! The declaration that an optimiser makes in its own file.

use super::Op;
use super::settings::{Setting, Values};
use std::sync::Arc;

/// An optimiser: its name, its settings, and the operation that they stand for.
#[derive(Clone, Copy, Debug)]
pub struct OptimizerKind {
    /// As in a recipe.
    pub name: &'static str,
    /// What it does, in one phrase.
    pub doc: &'static str,
    /// Its settings, beside rate and weight decay, which every optimiser has.
    pub settings: &'static [Setting],
    /// Refuses combinations of values that are allowed one by one, and says why.
    pub check: fn(&Values) -> Result<(), String>,
    /// Names of its states; each is as large as the parameters and starts at 0.
    pub states: &'static [&'static str],
    /// The operation that takes gradients, parameters and the states, for a weight decay λ and a share of the rate.
    pub op: fn(&Values, f64, f64) -> Arc<dyn Op>,
    /// The default learning rate.
    pub lr: f64,
    /// The default learning rate for the numbers of a regression.
    pub lr_of_numbers: f64,
    /// The default weight decay λ.
    pub weight_decay: f64,
}

impl OptimizerKind {
    /// For settings of which all combinations are possible.
    pub fn anything_goes(_: &Values) -> Result<(), String> {
        Ok(())
    }
}
