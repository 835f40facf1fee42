//! The declaration that a loss makes in its own file, with the meaning of a network's outputs under it.

use super::Op;
use super::settings::{Setting, Values};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the outputs of a row say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// One of several classes, an output for each.
    #[default]
    Class,
    /// One of two classes, by one output.
    Binary,
    /// Yes or no for each of several labels.
    Labels,
    /// A number for each output.
    Numbers,
}

/// A loss: its name, its settings, the answers that it judges, and the operation that computes it.
#[derive(Clone, Copy, Debug)]
pub struct LossKind {
    /// As in a recipe.
    pub name: &'static str,
    /// What it does, in one phrase.
    pub doc: &'static str,
    /// Its settings, beside label smoothing and class weights.
    pub settings: &'static [Setting],
    /// The answers that it judges. A loss that judges [`Answer::Class`] judges nothing else, and takes the number of the
    /// class; all others take a number for each output.
    pub answers: &'static [Answer],
    /// The answers for which it is the default loss.
    pub default_for: &'static [Answer],
    /// What the outputs mean.
    pub link: &'static Link,
    /// Whether it takes label smoothing.
    pub smooths_labels: bool,
    /// Whether it takes class weights: one for each class, or for a no and a yes.
    pub weighs_classes: bool,
    /// The operation that takes outputs, targets and, if it weighs classes, their weights, for a label smoothing.
    pub op: fn(&Values, f64) -> Arc<dyn Op>,
    /// The loss of a row on the host, in float64: outputs and right answer.
    pub of_row: fn(&Values, &[f32], Right<'_>, &Weighing) -> f64,
}

impl LossKind {
    /// Whether its targets are the numbers of classes.
    pub fn takes_classes(&self) -> bool {
        self.answers.contains(&Answer::Class)
    }

    /// How many class weights it takes for so many outputs.
    pub fn class_weights(&self, outputs: usize) -> Option<usize> {
        self.weighs_classes.then_some(if self.takes_classes() { outputs } else { 2 })
    }
}

/// The right answer of a row.
#[derive(Clone, Copy, Debug)]
pub enum Right<'a> {
    /// The number of the class.
    Class(usize),
    /// A number for each output; 0 or 1 for labels.
    Numbers(&'a [f32]),
}

impl<'a> Right<'a> {
    /// The numbers, one for each output.
    ///
    /// # Panics
    /// The loss takes numbers and met a class: a fault of ours.
    pub fn numbers(self) -> &'a [f32] {
        let Self::Numbers(numbers) = self else { panic!("the loss takes numbers") };
        numbers
    }

    /// The number of the class, from 0.
    ///
    /// # Panics
    /// The loss takes classes and met numbers: a fault of ours.
    pub fn class(self) -> usize {
        let Self::Class(class) = self else { panic!("the loss takes classes") };
        class
    }
}

/// Label smoothing and class weights, by which the training loss differs from the plain one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weighing {
    /// Share of each target that is spread over all classes, in [0, 1).
    pub label_smoothing: f64,
    /// Weight of each class, or of a no and a yes; empty where all weigh alike.
    pub class_weights: Vec<f32>,
}

impl Weighing {
    /// The weight of a class.
    pub fn of(&self, class: usize) -> f64 {
        self.class_weights.get(class).map_or(1.0, |&weight| weight.into())
    }
}

/// What outputs mean: the function from outputs to probabilities or numbers (the inverse of a generalised linear model's
/// link function).
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Its name, which is also the kind of a layer that computes the same.
    pub name: &'static str,
    /// Probabilities, or numbers, of the outputs of one row.
    pub apply: fn(&[f32]) -> Vec<f64>,
    /// The inverse of `apply`: outputs that stand for these probabilities or numbers.
    pub invert: fn(&[f64]) -> Vec<f32>,
    /// The output above which a yes is more likely than a no.
    pub yes_above: f32,
    /// Whether it gives probabilities for any outputs.
    pub gives_probabilities: bool,
}

/// One probability for each class, which add up to 1.
pub static SOFTMAX: Link = Link {
    name: "softmax",
    apply: softmax,
    invert: |probabilities| probabilities.iter().map(|p| p.ln() as f32).collect(),
    yes_above: 0.0,
    gives_probabilities: true,
};

/// The probability of a yes for each output.
pub static SIGMOID: Link = Link {
    name: "sigmoid",
    apply: |outputs| outputs.iter().map(|&z| 1.0 / (1.0 + (-f64::from(z)).exp())).collect(),
    invert: |probabilities| probabilities.iter().map(|p| (p / (1.0 - p)).ln() as f32).collect(),
    yes_above: 0.0,
    gives_probabilities: true,
};

/// The outputs as they are.
pub static IDENTITY: Link = Link {
    name: "identity",
    apply: |outputs| outputs.iter().map(|&z| f64::from(z)).collect(),
    invert: |numbers| numbers.iter().map(|&number| number as f32).collect(),
    yes_above: 0.5,
    gives_probabilities: false,
};

fn softmax(logits: &[f32]) -> Vec<f64> {
    let most = f64::from(logits[largest(logits)]);
    let exponentials: Vec<f64> = logits.iter().map(|&z| (f64::from(z) - most).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|e| e / sum).collect()
}

/// Index of the first of the largest outputs.
pub fn largest(outputs: &[f32]) -> usize {
    (0..outputs.len()).fold(0, |best, j| if outputs[j] > outputs[best] { j } else { best })
}
