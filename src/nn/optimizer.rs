//! Optimisers: settings, and the operation that they stand for.

use crate::graph::plan::Optimizer;
use crate::ops::sgd::{Decay, Sgd};
use std::sync::Arc;

/// Names of the states of all optimisers: in a resumable file, `NAME.TENSOR`.
pub const STATES: &[&str] = &["velocity"];

/// Stochastic gradient descent; the rate is no part of it, it comes from the step table.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    /// μ in [0, 1).
    pub momentum: f64,
    /// Whether the step looks ahead.
    pub nesterov: bool,
    /// λ at least 0.
    pub weight_decay: f64,
    /// How λ acts.
    pub decay: Decay,
}

impl Settings {
    /// The operation on all trainable tensors.
    pub fn optimizer(self) -> Optimizer {
        let Self { momentum, nesterov, weight_decay, decay } = self;
        Optimizer { op: Arc::new(Sgd { momentum, weight_decay, decay, nesterov }), states: STATES.to_vec() }
    }
}
