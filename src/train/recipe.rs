//! The recipe: a TOML file of which every key is also a flag, and the settings it comes to.

use crate::data::{Fractions, Normalize};
use crate::error::Error;
use crate::nn::{self, Init, nearest};
use crate::ops::sgd::Decay;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A whole recipe. What is not given takes its default in [`Recipe::settings`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Where the data come from and how they are split.
    pub data: DataSection,
    /// The network.
    pub model: ModelSection,
    /// How it is trained.
    pub train: TrainSection,
}

/// `[data]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataSection {
    /// A known set, a folder or a file, relative to the recipe's own folder.
    pub source: Option<String>,
    /// A table's target column.
    pub target: Option<String>,
    /// `classification`
    pub task: Option<String>,
    /// Shape of one row.
    pub shape: Option<Vec<usize>>,
    /// `none`, `scale`, `mean_image` or `standardize`
    pub normalize: Option<String>,
    /// Whether each epoch has an order of its own.
    pub shuffle: Option<bool>,
    /// Share of the rows that validate.
    pub validation: Option<f64>,
    /// Share of the rows that test, where the set has no test part of its own.
    pub test: Option<f64>,
}

/// `[model]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSection {
    /// In the layer notation.
    pub layers: Option<Vec<String>>,
    /// `xavier`, `he`, `glorot`, `small` or `large`
    pub init: Option<String>,
}

/// `[train]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainSection {
    /// `cross_entropy`
    pub loss: Option<String>,
    /// Share of each target spread over all classes.
    pub label_smoothing: Option<f64>,
    /// `sgd`
    pub optimizer: Option<String>,
    /// Learning rate.
    pub lr: Option<f64>,
    /// Momentum.
    pub momentum: Option<f64>,
    /// Whether momentum looks ahead.
    pub nesterov: Option<bool>,
    /// Weight decay.
    pub weight_decay: Option<f64>,
    /// `l2` or `decoupled`
    pub decay: Option<String>,
    /// Rows of a batch.
    pub batch: Option<usize>,
    /// Times that all rows are trained on.
    pub epochs: Option<u64>,
    /// Updates, in place of epochs.
    pub steps: Option<u64>,
    /// Of the split, the initial weights, the rows' order and dropout.
    pub seed: Option<u64>,
}

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Times through the data.
    Epochs(u64),
    /// Updates.
    Steps(u64),
}

/// What a recipe comes to, with every default filled in and every value in its range.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// As in the recipe.
    pub source: String,
    /// As in the recipe.
    pub target: Option<String>,
    /// As in the recipe.
    pub shape: Option<Vec<usize>>,
    /// `None` where the data decide: `scale` for images, `standardize` for tables.
    pub normalize: Option<Normalize>,
    /// As in the recipe.
    pub shuffle: bool,
    /// Shares that validate and test.
    pub fractions: Fractions,
    /// Whether `fractions.test` is a default that a set's own test part replaces.
    pub test_is_default: bool,
    /// As in the recipe.
    pub layers: Vec<String>,
    /// As in the recipe.
    pub init: Option<Init>,
    /// As in the recipe.
    pub label_smoothing: f64,
    /// As in the recipe.
    pub lr: f64,
    /// As in the recipe.
    pub optimizer: nn::Settings,
    /// As in the recipe.
    pub batch: usize,
    /// Whether `batch` is a default, which may be more rows than there are to train on.
    pub batch_is_default: bool,
    /// As in the recipe.
    pub length: Length,
    /// As in the recipe.
    pub seed: u64,
}

/// Rows of a batch where none are named.
const BATCH: usize = 64;

/// The network of a run that names none.
const LAYERS: [&str; 9] =
    ["linear 256", "batch_norm", "relu", "dropout 0.5", "linear 128", "batch_norm", "relu", "dropout 0.5", "linear"];

const KEYS: &[&str] = &[
    "source",
    "target",
    "task",
    "shape",
    "normalize",
    "shuffle",
    "validation",
    "test",
    "layers",
    "init",
    "loss",
    "label_smoothing",
    "optimizer",
    "lr",
    "momentum",
    "nesterov",
    "weight_decay",
    "decay",
    "batch",
    "epochs",
    "steps",
    "seed",
    "data",
    "model",
    "train",
];

impl Recipe {
    /// Reads a recipe; a `source` that is a path becomes relative to the recipe's own folder.
    ///
    /// # Errors
    /// Names the key, the line and the nearest known key.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(Error::file(path, "cannot be read"))?;
        let mut recipe: Self = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            Error::Setting(format!("{} line {line}: {}", path.display(), explain(error.message())))
        })?;
        let at = |line: String, error: Error| Error::Setting(format!("{}{line}: {error}", path.display()));
        let settings = recipe.settings(true).map_err(|error| at(line_of_key(&text, &error.to_string()), error))?;
        nn::check(&settings.layers).map_err(|error| at(line_of_layer(&text, &error.text), error.into()))?;
        if let (Some(source), Some(folder)) = (&mut recipe.data.source, path.parent()) {
            let known = crate::data::KNOWN.iter().any(|known| known.name == source);
            if !known {
                *source = folder.join(&*source).to_string_lossy().into_owned();
            }
        }
        Ok(recipe)
    }

    /// As TOML.
    pub fn text(&self) -> String {
        toml::to_string(self).unwrap_or_else(|error| panic!("a recipe is always TOML: {error}"))
    }

    /// Fills in the defaults; `given` says whether there is a recipe file, which changes what is held out.
    ///
    /// # Errors
    /// Names the key and what it may be.
    pub fn settings(&self, given: bool) -> Result<Settings, Error> {
        let (data, model, train) = (&self.data, &self.model, &self.train);
        one_of("task", data.task.as_deref(), &["classification"])?;
        one_of("loss", train.loss.as_deref(), &["cross_entropy"])?;
        one_of("optimizer", train.optimizer.as_deref(), &["sgd"])?;
        one_of("decay", train.decay.as_deref(), &["l2", "decoupled"])?;
        let shapeless = data.shape.as_ref().is_some_and(|shape| shape.is_empty() || shape.contains(&0));
        ensure(!shapeless, || "shape must be sizes of at least 1".into())?;
        let length = match (train.epochs, train.steps) {
            (Some(_), Some(_)) => return Err(Error::Setting("epochs and steps cannot both be given".into())),
            (None, Some(steps)) => Length::Steps(steps),
            (epochs, None) => Length::Epochs(epochs.unwrap_or(20)),
        };
        ensure(length != Length::Epochs(0), || "epochs must be at least 1".into())?;
        ensure(length != Length::Steps(0), || "steps must be at least 1".into())?;
        ensure(train.batch != Some(0), || "batch must be at least 1".into())?;
        let parse = |error: String| Error::Setting(error);
        let layers = model.layers.clone().unwrap_or_else(|| LAYERS.map(str::to_owned).to_vec());
        let held_out =
            |given_share: Option<f64>, default: f64| given_share.unwrap_or(if given { 0.0 } else { default });
        let fractions = Fractions {
            validation: range("validation", held_out(data.validation, 0.1), 0.0..1.0)?,
            test: range("test", held_out(data.test, 0.2), 0.0..1.0)?,
        };
        let both = fractions.validation + fractions.test;
        ensure(data.test.is_none() || both < 1.0, || {
            format!("validation and test must leave rows to train on: their sum is {both}, make it less than 1")
        })?;
        Ok(Settings {
            source: data.source.clone().unwrap_or_else(|| "digits".into()),
            target: data.target.clone(),
            shape: data.shape.clone(),
            normalize: data
                .normalize
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(|e| parse(format!("normalize: {e}")))?,
            shuffle: data.shuffle.unwrap_or(true),
            fractions,
            test_is_default: data.test.is_none(),
            layers,
            init: model.init.as_deref().map(str::parse).transpose().map_err(|e: String| parse(format!("init: {e}")))?,
            label_smoothing: range("label_smoothing", train.label_smoothing.unwrap_or(0.0), 0.0..1.0)?,
            lr: range("lr", train.lr.unwrap_or(0.1), 0.0..f64::INFINITY)?,
            optimizer: self.optimizer(given)?,
            batch: train.batch.unwrap_or(BATCH),
            batch_is_default: train.batch.is_none(),
            length,
            seed: train.seed.unwrap_or(0),
        })
    }

    fn optimizer(&self, given: bool) -> Result<nn::Settings, Error> {
        let train = &self.train;
        let default = |value: f64| if given { 0.0 } else { value };
        let settings = nn::Settings {
            momentum: range("momentum", train.momentum.unwrap_or(default(0.9)), 0.0..1.0)?,
            nesterov: train.nesterov.unwrap_or(false),
            weight_decay: range("weight_decay", train.weight_decay.unwrap_or(default(1e-4)), 0.0..f64::INFINITY)?,
            decay: if train.decay.as_deref() == Some("decoupled") { Decay::Decoupled } else { Decay::L2 },
        };
        ensure(!settings.nesterov || settings.momentum > 0.0, || "nesterov needs a momentum of more than 0".into())?;
        Ok(settings)
    }
}

fn ensure(right: bool, what: impl FnOnce() -> String) -> Result<(), Error> {
    if right { Ok(()) } else { Err(Error::Setting(what())) }
}

fn range(key: &str, value: f64, range: std::ops::Range<f64>) -> Result<f64, Error> {
    let upper = if range.end.is_infinite() { String::new() } else { format!(" and less than {}", range.end) };
    ensure(range.contains(&value), || format!("{key} must be at least {}{upper}, not {value}", range.start))?;
    // Kernels compute with 32-bit numbers, of which the nearest may lie outside.
    let rounded = value as f32;
    let what = || format!("{key} must be at least {}{upper} as a 32-bit number, which {value:e} is not", range.start);
    ensure(range.contains(&f64::from(rounded)), what)?;
    Ok(value)
}

fn one_of(key: &str, value: Option<&str>, known: &[&str]) -> Result<(), Error> {
    match value {
        Some(value) if !known.contains(&value) => {
            Err(Error::Setting(format!("{key} cannot be {value:?}; {}", nearest(value, known))))
        }
        _ => Ok(()),
    }
}

/// What the TOML crate says, in one line, with the nearest known key.
fn explain(message: &str) -> String {
    let first = message.lines().next().unwrap_or("cannot be read");
    match first.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        Some((key, _)) if KEYS.contains(&key) => {
            format!("{key} does not stand here: keys belong to [data], [model] or [train]")
        }
        Some((key, _)) => format!("unknown key {key}; {}", nearest(key, KEYS)),
        None => first.to_owned(),
    }
}

/// " line 12", where a line of the recipe sets the key that an error begins with.
fn line_of_key(text: &str, error: &str) -> String {
    let key = error.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let sets = |line: &str| line.split_once('=').and_then(|(name, _)| name.trim().rsplit('.').next()) == Some(key);
    numbered(text.lines().position(sets))
}

/// The same for the first line that holds a layer's text.
fn line_of_layer(text: &str, layer: &str) -> String {
    let quoted = [format!("\"{layer}\""), format!("'{layer}'")];
    numbered(text.lines().position(|line| quoted.iter().any(|quoted| line.contains(quoted))))
}

fn numbered(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" line {}", line + 1))
}
