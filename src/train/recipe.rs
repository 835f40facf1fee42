//! The recipe: a TOML file of which every key is also a flag, and what is wrong with it, by line. What it comes to is in
//! `settings`.

use crate::error::Error;
use crate::names::nearest;
use crate::nn;
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
    /// A table's target column, or several, separated by commas.
    pub target: Option<String>,
    /// `classification` or `regression`
    pub task: Option<String>,
    /// Columns of a table that are left out.
    pub ignore: Option<Vec<String>>,
    /// Shape of one row.
    pub shape: Option<Vec<usize>>,
    /// `none`, `scale`, `mean_image`, `channel_mean` or `standardize`
    pub normalize: Option<String>,
    /// Whether the numbers of a regression are trained on as they are, `none`, or as `standardize` makes them.
    pub normalize_target: Option<String>,
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
    /// `xavier`, `he`, `glorot`, `small` or `large`, each also with `_uniform`; `normal:0.05` or `uniform:0.05`
    pub init: Option<String>,
}

/// `[train]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainSection {
    /// `cross_entropy`, `binary_cross_entropy` or `mse`
    pub loss: Option<String>,
    /// `balanced`, or a weight for each class in their order, separated by commas.
    pub class_weights: Option<String>,
    /// Share of each target spread over all classes.
    pub label_smoothing: Option<f64>,
    /// `sgd`, `adam` or `adamw`
    pub optimizer: Option<String>,
    /// Learning rate.
    pub lr: Option<f64>,
    /// How the rate changes over the run, as in `cosine warmup=500`.
    pub schedule: Option<String>,
    /// Momentum.
    pub momentum: Option<f64>,
    /// Whether momentum looks ahead.
    pub nesterov: Option<bool>,
    /// Adam's decay of the mean gradient.
    pub beta1: Option<f64>,
    /// Adam's decay of the mean square.
    pub beta2: Option<f64>,
    /// What Adam adds to the root of that.
    pub eps: Option<f64>,
    /// Weight decay.
    pub weight_decay: Option<f64>,
    /// `l2` or `decoupled`
    pub decay: Option<String>,
    /// `all` trainable tensors, or `weights` alone.
    pub decay_only: Option<String>,
    /// Largest norm of all gradients together.
    pub clip: Option<f64>,
    /// Largest norm of a unit's incoming weights.
    pub max_norm: Option<f64>,
    /// Epochs without a better measure on the validation part after which the run ends.
    pub early_stopping: Option<u64>,
    /// That measure, by which the best model is chosen too: `loss` or `accuracy`.
    pub measure: Option<String>,
    /// In what matrix products multiply: `f32` or `f16`
    pub precision: Option<String>,
    /// Rows of a batch.
    pub batch: Option<usize>,
    /// Times that all rows are trained on.
    pub epochs: Option<u64>,
    /// Updates, in place of epochs.
    pub steps: Option<u64>,
    /// Of the split, the initial weights, the rows' order and dropout.
    pub seed: Option<u64>,
}

const KEYS: &[&str] = &[
    "source",
    "target",
    "task",
    "ignore",
    "shape",
    "normalize",
    "normalize_target",
    "shuffle",
    "validation",
    "test",
    "layers",
    "init",
    "loss",
    "class_weights",
    "label_smoothing",
    "optimizer",
    "lr",
    "schedule",
    "momentum",
    "nesterov",
    "weight_decay",
    "decay",
    "decay_only",
    "beta1",
    "beta2",
    "eps",
    "clip",
    "max_norm",
    "early_stopping",
    "measure",
    "precision",
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
            Error::Setting(format!(
                "{} line {line}: {}",
                path.display(),
                explain(error.message(), &key_of_line(&text, line))
            ))
        })?;
        let at = |line: String, error: Error| Error::Setting(format!("{}{line}: {error}", path.display()));
        let settings = recipe.settings(true).map_err(|error| at(line_of_key(&text, &error.to_string()), error))?;
        nn::check(&settings.layers(false)).map_err(|error| at(line_of_layer(&text, &error.text), error.into()))?;
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
}

/// What the TOML crate says, in one line, with the nearest known key.
fn explain(message: &str, key: &str) -> String {
    let first = message.lines().next().unwrap_or("cannot be read");
    match first.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        Some((key, _)) if KEYS.contains(&key) => {
            format!("{key} does not stand here: keys belong to [data], [model] or [train]")
        }
        Some((key, _)) => format!("unknown key {key}; {}", nearest(key, KEYS)),
        None => match first.split_once(", expected ") {
            Some((found, wanted)) if first.starts_with("invalid") && !key.is_empty() => {
                let found = found.split_once(": ").map_or(found, |(_, found)| found);
                format!("{key} must be {}, not {found}", expected(wanted))
            }
            _ => first.to_owned(),
        },
    }
}

/// What a key takes, for what the TOML crate calls it.
fn expected(wanted: &str) -> &str {
    match wanted {
        "f64" => "a number",
        "u64" | "usize" => "a whole number of at least 0",
        "a sequence" => "a list, as in [\"linear 32\", \"relu\"]",
        "a string" => "a text in quotation marks",
        "a boolean" => "true or false",
        other => other,
    }
}

/// The key that a line, counted from 1, sets.
fn key_of_line(text: &str, line: usize) -> String {
    let set = text.lines().nth(line.saturating_sub(1)).and_then(|line| line.split_once('='));
    set.map_or_else(String::new, |(key, _)| key.trim().to_owned())
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
