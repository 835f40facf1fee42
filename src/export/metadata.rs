//! The description in a model file: all that inference needs beside the weights.

use super::calibrated::Calibrated;
use super::fingerprint::Fingerprint;
use super::normalization::Normalization;
use super::progress::Progress;
use crate::data::{Affine, Dialect, Encoding, Framing, Looks, Targets, Trained};
use crate::kernel::Precision;
use crate::nn::{Answer, Loss, Problem, TargetScale};
use crate::op::{Setting, Value};
use crate::shape::{MAX_ELEMENTS, Shape};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// All that inference needs beside the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Version of this description.
    pub version: u32,
    /// The network, in the layer notation.
    pub layers: Vec<String>,
    /// Shape of one input.
    pub input: Vec<usize>,
    /// What the outputs say.
    #[serde(default)]
    pub answer: Answer,
    /// By which loss they were trained: its first step is the network's output function.
    #[serde(default = "cross_entropy")]
    pub loss: String,
    /// The numbers that the loss has as settings, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub loss_settings: BTreeMap<String, f64>,
    /// Names of the classes, the labels or the numbers, in the order of the outputs.
    pub classes: Vec<String>,
    /// How a table's columns become features; empty for images.
    pub encoding: Encoding,
    /// Names of a table's target columns, separated by commas.
    pub target: Option<String>,
    /// The column of a table that held the paths of the pictures that it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// How the table was written that it was trained on; files of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// The scale of a regression's numbers, if the network's outputs have one of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_scale: Option<TargetScale>,
    /// Name of the data set that it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_on: Option<String>,
    /// In what the products of its training multiplied.
    #[serde(default)]
    pub precision: Precision,
    /// How inputs are normalised.
    pub normalize: Normalization,
    /// What the pictures look like that it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<Looks>,
    /// How pictures come to the size of the input; files of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Framing::is_cubic")]
    pub framing: Framing,
    /// What the validation part has said of the answers, of a run that was to ask it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<Calibrated>,
    /// In the file of a best model, its measure on the validation part and the epochs it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<(f64, u64)>,
    /// In a resumable file, where the run is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// In a resumable file, what tells the run's data from others; files of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
}

impl Metadata {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;

    /// A network of these layers for inputs of this shape; what is not said here is absent.
    pub fn new(layers: Vec<String>, input: Vec<usize>, problem: &Problem, normalize: Normalization) -> Self {
        Self {
            version: Self::VERSION,
            layers,
            input,
            answer: problem.answer,
            loss: problem.loss.to_string(),
            loss_settings: loss_settings(&problem.loss),
            classes: problem.names.clone(),
            encoding: Encoding::default(),
            target: None,
            image: None,
            dialect: None,
            target_scale: None,
            trained_on: None,
            precision: Precision::F32,
            normalize,
            pictures: None,
            framing: Framing::default(),
            calibrated: None,
            best: None,
            progress: None,
            fingerprint: None,
        }
    }

    /// What the model answers.
    pub fn problem(&self) -> Problem {
        let loss = self.judged_by().unwrap_or(Loss::CROSS_ENTROPY);
        Problem { answer: self.answer, loss, names: self.classes.clone() }
    }

    /// The loss with its settings.
    ///
    /// # Errors
    /// There is no such loss, or it has no such settings.
    fn judged_by(&self) -> Result<Loss, String> {
        let settings = self.loss_settings.iter();
        Loss::read(
            &self.loss,
            &settings.map(|(name, &number)| (name.as_str(), Value::Number(number))).collect::<Vec<_>>(),
        )
    }

    /// Targets of its kind, of no rows.
    pub fn no_targets(&self) -> Targets {
        let names = self.classes.clone();
        match self.answer {
            Answer::Class | Answer::Binary => Targets::Classes { labels: vec![], names },
            Answer::Labels => Targets::Labels { values: vec![], names },
            Answer::Numbers => Targets::Numbers { values: vec![], names },
        }
    }

    /// What it knows of the tables that it reads; `normalize` is its normalisation.
    pub fn trained<'a>(&'a self, normalize: &'a Affine) -> Trained<'a> {
        Trained { encoding: &self.encoding, normalize, dialect: self.dialect.as_ref() }
    }

    /// The number by which its outputs are divided, if there is one.
    pub fn temperature(&self) -> Option<f64> {
        self.calibrated.as_ref()?.temperature
    }

    /// The scale of its outputs.
    pub fn scale(&self) -> TargetScale {
        self.target_scale.clone().unwrap_or_else(|| TargetScale::none(self.classes.len()))
    }
}

fn cross_entropy() -> String {
    Loss::CROSS_ENTROPY.to_string()
}

/// The numbers that a loss has as settings, by name.
pub fn loss_settings(loss: &Loss) -> BTreeMap<String, f64> {
    let number = |(setting, value): (&Setting, Value<'_>)| match value {
        Value::Number(number) => Some((setting.name.to_owned(), number)),
        Value::Flag(_) | Value::Word(_) => None,
    };
    loss.values().iter().filter_map(|(setting, value)| number((setting, value))).collect()
}

/// Refuses a description whose parts do not belong together, before anything is made as large as it says.
pub(super) fn check(metadata: &Metadata) -> Result<(), String> {
    let Metadata { input, classes, encoding, normalize, progress, target_scale, .. } = metadata;
    let shape = Shape(input.clone());
    let features = shape.elements();
    if !(1..=MAX_ELEMENTS).contains(&features) || input.is_empty() {
        return Err(format!("its input shape is {shape}"));
    }
    if !encoding.is_empty() && !encoding.fits(features) {
        return Err(format!("its encoding does not make an input of {features} values"));
    }
    let loss = metadata.judged_by()?;
    if !loss.judges(metadata.answer) {
        return Err(format!("its loss {loss} does not judge what it answers"));
    }
    let mut names = HashSet::new();
    if let Some(twice) = classes.iter().find(|&class| !names.insert(class)) {
        return Err(format!("it names {twice:?} twice"));
    }
    if classes.is_empty() || (metadata.answer == Answer::Binary && classes.len() != 2) {
        return Err(format!("it names {} classes", classes.len()));
    }
    if target_scale.as_ref().is_some_and(|scale| !scale.fits(classes.len())) {
        return Err("its target scale has not one finite number for each output".into());
    }
    let notations = metadata.dialect.as_ref().map_or(0, |dialect| dialect.targets.len());
    if notations != 0 && notations != classes.len() {
        return Err(format!("it says of {notations} targets how they are written, where it answers {}", classes.len()));
    }
    normalize.check(features)?;
    metadata.calibrated.as_ref().map_or(Ok(()), |found| found.check(metadata.answer, classes.len()))?;
    if !metadata.framing.is_possible() {
        return Err("the side that its pictures are brought to is no number of pixels".into());
    }
    match &metadata.pictures {
        Some(looks) if !looks.are_shares() => {
            Err("what its pictures look like is not said in shares from 0 to 1".into())
        }
        _ => progress.as_ref().map_or(Ok(()), Progress::check),
    }
}
