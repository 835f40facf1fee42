//! What a recipe comes to, with every default filled in and every value in its range.

use super::evaluate::Evaluation;
use super::recipe::Recipe;
use super::schedule::Schedule;
use crate::data::{Fractions, Normalize, Task};
use crate::error::Error;
use crate::kernel::Precision;
use crate::names::nearest;
use crate::nn::{self, Init, Loss, Rule};
use crate::ops::sgd::Decay;
use std::fmt::Display;
use std::str::FromStr;

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
    /// `None` where the target decides.
    pub task: Option<Task>,
    /// As in the recipe.
    pub ignore: Vec<String>,
    /// As in the recipe.
    pub shape: Option<Vec<usize>>,
    /// `None` where the data decide: `scale` for images, `standardize` for tables.
    pub normalize: Option<Normalize>,
    /// Whether the numbers of a regression are standardised.
    pub standardize_target: bool,
    /// Whether that is a default, which says nothing of classes.
    pub standardize_target_is_default: bool,
    /// As in the recipe.
    pub shuffle: bool,
    /// Shares that validate and test.
    pub fractions: Fractions,
    /// Whether `fractions.test` is a default that a set's own test part replaces.
    pub test_is_default: bool,
    /// As in the recipe; `None` where the task decides.
    pub layers: Option<Vec<String>>,
    /// As in the recipe.
    pub init: Option<Init>,
    /// `None` where target and last layer decide.
    pub loss: Option<Loss>,
    /// As in the recipe.
    pub class_weights: Option<ClassWeights>,
    /// As in the recipe.
    pub label_smoothing: f64,
    /// As in the recipe; `None` where task and optimiser decide.
    pub lr: Option<f64>,
    /// As in the recipe.
    pub schedule: Schedule,
    /// As in the recipe.
    pub optimizer: nn::Settings,
    /// As in the recipe.
    pub early_stopping: Option<u64>,
    /// As in the recipe.
    pub measure: Measure,
    /// As in the recipe.
    pub precision: Precision,
    /// As in the recipe.
    pub batch: usize,
    /// Whether `batch` is a default, which may be more rows than there are to train on.
    pub batch_is_default: bool,
    /// As in the recipe.
    pub length: Length,
    /// As in the recipe.
    pub seed: u64,
}

/// How much each class weighs in the training loss.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeights {
    /// rows / (classes · rows of the class), over the training part: every class weighs alike in all.
    Balanced,
    /// As given, in the order of the classes.
    Each(Vec<f32>),
}

/// By what the best model is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// The lowest loss.
    #[default]
    Loss,
    /// The highest share of right answers.
    Accuracy,
}

impl Measure {
    /// Of an evaluation; NaN where its answers are neither right nor wrong.
    pub fn of(self, evaluation: &Evaluation) -> f64 {
        match self {
            Self::Loss => evaluation.loss,
            Self::Accuracy => evaluation.accuracy().unwrap_or(f64::NAN),
        }
    }

    /// Whether one value is better than another.
    pub fn is_better(self, value: f64, than: f64) -> bool {
        if self == Self::Loss { value < than } else { value > than }
    }
}

/// Rows of a batch where none are named.
const BATCH: usize = 64;

/// The network of a run that names none and learns classes.
const CLASS_LAYERS: [&str; 9] =
    ["linear 256", "batch_norm", "relu", "dropout 0.5", "linear 128", "batch_norm", "relu", "dropout 0.5", "linear"];

/// The network of a run that names none and learns numbers, for which dropout's noise is mostly harm.
const NUMBER_LAYERS: [&str; 5] = ["linear 64", "relu", "linear 32", "relu", "linear"];

impl Recipe {
    /// Fills in the defaults; `given` says whether there is a recipe file, which changes what is held out.
    ///
    /// # Errors
    /// Names the key and what it may be.
    pub fn settings(&self, given: bool) -> Result<Settings, Error> {
        let (data, train) = (&self.data, &self.train);
        ensure(data.source.is_some() || data.target.is_none(), || {
            "source is missing: a target is a column of a table, so name the file".into()
        })?;
        let shapeless = data.shape.as_ref().is_some_and(|shape| shape.is_empty() || shape.contains(&0));
        ensure(!shapeless, || "shape must be sizes of at least 1".into())?;
        ensure(train.batch != Some(0), || "batch must be at least 1".into())?;
        ensure(train.early_stopping != Some(0), || "early_stopping must be at least 1 epoch".into())?;
        let normalize: Option<Normalize> = parsed("normalize", data.normalize.as_deref())?;
        let plain = given || normalize == Some(Normalize::None);
        Ok(Settings {
            source: data.source.clone().unwrap_or_else(|| "digits".into()),
            target: data.target.clone(),
            task: parsed("task", data.task.as_deref())?,
            ignore: data.ignore.clone().unwrap_or_default(),
            shape: data.shape.clone(),
            normalize,
            standardize_target: match one_of(
                "normalize_target",
                data.normalize_target.as_deref(),
                &["none", "standardize"],
            )? {
                Some(kind) => kind == "standardize",
                None => !plain,
            },
            standardize_target_is_default: data.normalize_target.is_none(),
            shuffle: data.shuffle.unwrap_or(true),
            fractions: self.fractions(given)?,
            test_is_default: data.test.is_none(),
            layers: self.model.layers.clone(),
            init: parsed("init", self.model.init.as_deref())?,
            loss: parsed("loss", train.loss.as_deref())?,
            class_weights: train.class_weights.as_deref().map(class_weights).transpose()?,
            label_smoothing: range("label_smoothing", train.label_smoothing.unwrap_or(0.0), 0.0..1.0)?,
            lr: train.lr.map(|lr| range("lr", lr, 0.0..f64::INFINITY)).transpose()?,
            schedule: parsed("schedule", train.schedule.as_deref())?.unwrap_or_default(),
            optimizer: self.optimizer(given)?,
            early_stopping: train.early_stopping,
            measure: match one_of("measure", train.measure.as_deref(), &["loss", "accuracy"])? {
                Some("accuracy") => Measure::Accuracy,
                _ => Measure::Loss,
            },
            precision: self.precision()?,
            batch: train.batch.unwrap_or(BATCH),
            batch_is_default: train.batch.is_none(),
            length: self.length()?,
            seed: train.seed.unwrap_or(0),
        })
    }

    fn precision(&self) -> Result<Precision, Error> {
        Ok(parsed("precision", self.train.precision.as_deref())?.unwrap_or_default())
    }

    fn length(&self) -> Result<Length, Error> {
        let length = match (self.train.epochs, self.train.steps) {
            (Some(_), Some(_)) => return Err(Error::Setting("epochs and steps cannot both be given".into())),
            (None, Some(steps)) => Length::Steps(steps),
            (epochs, None) => Length::Epochs(epochs.unwrap_or(20)),
        };
        ensure(length != Length::Epochs(0), || "epochs must be at least 1".into())?;
        ensure(length != Length::Steps(0), || "steps must be at least 1".into())?;
        Ok(length)
    }

    fn fractions(&self, given: bool) -> Result<Fractions, Error> {
        let data = &self.data;
        let held_out = |share: Option<f64>, default: f64| share.unwrap_or(if given { 0.0 } else { default });
        let fractions = Fractions {
            validation: range("validation", held_out(data.validation, 0.1), 0.0..1.0)?,
            test: range("test", held_out(data.test, 0.2), 0.0..1.0)?,
        };
        let both = fractions.validation + fractions.test;
        ensure(data.test.is_none() || both < 1.0, || {
            format!("validation and test must leave rows to train on: their sum is {both}, make it less than 1")
        })?;
        Ok(fractions)
    }

    fn optimizer(&self, given: bool) -> Result<nn::Settings, Error> {
        let train = &self.train;
        let default = |value: f64| if given { 0.0 } else { value };
        let (rule, decay) = match one_of("optimizer", train.optimizer.as_deref(), &["sgd", "adam", "adamw"])? {
            Some("adam") => (self.adam(Rule::ADAM)?, 0.0),
            Some("adamw") => (self.adam(Rule::ADAMW)?, default(0.01)),
            _ => (self.sgd(default(0.9))?, default(1e-4)),
        };
        let weight_decay = range("weight_decay", train.weight_decay.unwrap_or(decay), 0.0..f64::INFINITY)?;
        let decay_only = one_of("decay_only", train.decay_only.as_deref(), &["all", "weights"])?;
        let (clip, max_norm) = (positive("clip", train.clip)?, positive("max_norm", train.max_norm)?);
        let (decay_weights_only, scale_loss) = (decay_only == Some("weights"), self.precision()? == Precision::F16);
        Ok(nn::Settings { rule, weight_decay, decay_weights_only, scale_loss, clip, max_norm })
    }

    fn sgd(&self, default_momentum: f64) -> Result<Rule, Error> {
        let train = &self.train;
        let adams = [("beta1", train.beta1), ("beta2", train.beta2), ("eps", train.eps)];
        if let Some((key, _)) = adams.iter().find(|(_, value)| value.is_some()) {
            return Err(Error::Setting(format!("{key} is adam's and means nothing with sgd: leave it out")));
        }
        let momentum = range("momentum", train.momentum.unwrap_or(default_momentum), 0.0..1.0)?;
        let nesterov = train.nesterov.unwrap_or(false);
        ensure(!nesterov || momentum > 0.0, || "nesterov needs a momentum of more than 0".into())?;
        let decay = one_of("decay", train.decay.as_deref(), &["l2", "decoupled"])?;
        let decay = if decay == Some("decoupled") { Decay::Decoupled } else { Decay::L2 };
        Ok(Rule::Sgd { momentum, nesterov, decay })
    }

    /// Adam or AdamW with the numbers given, if no setting is given that belongs to sgd alone.
    fn adam(&self, rule: Rule) -> Result<Rule, Error> {
        let (train, name) = (&self.train, rule.name());
        let leave_out = |key: &str| format!("{key} is sgd's and means nothing with {name}: leave it out");
        ensure(train.momentum.is_none(), || leave_out("momentum"))?;
        ensure(train.nesterov.is_none(), || leave_out("nesterov"))?;
        ensure(train.decay.is_none(), || {
            format!(
                "decay cannot be chosen with {name}, for adam decays by l2 and adamw beside the gradient: leave it out"
            )
        })?;
        let beta = |key, value: Option<f64>, default| range(key, value.unwrap_or(default), 0.0..1.0);
        let (beta1, beta2) = (beta("beta1", train.beta1, 0.9)?, beta("beta2", train.beta2, 0.999)?);
        let eps = positive("eps", train.eps)?.unwrap_or(1e-8);
        Ok(if rule == Rule::ADAM { Rule::Adam { beta1, beta2, eps } } else { Rule::AdamW { beta1, beta2, eps } })
    }
}

impl Settings {
    /// The layers, or those that fit the task.
    pub(super) fn layers(&self, learns_numbers: bool) -> Vec<String> {
        let default = if learns_numbers { &NUMBER_LAYERS[..] } else { &CLASS_LAYERS[..] };
        self.layers.clone().unwrap_or_else(|| default.iter().map(|&layer| layer.to_owned()).collect())
    }

    /// The rate, or one that suits optimiser and task.
    pub(super) fn lr(&self, learns_numbers: bool) -> f64 {
        let default = match self.optimizer.rule {
            Rule::Adam { .. } | Rule::AdamW { .. } => 1e-3,
            Rule::Sgd { .. } if learns_numbers => 1e-2,
            Rule::Sgd { .. } => 0.1,
        };
        self.lr.unwrap_or(default)
    }
}

/// `balanced`, or as many numbers as there are classes.
fn class_weights(text: &str) -> Result<ClassWeights, Error> {
    if text == "balanced" {
        return Ok(ClassWeights::Balanced);
    }
    let weight = |text: &str| text.trim().parse::<f32>().ok().filter(|weight| weight.is_finite() && *weight >= 0.0);
    let weights: Option<Vec<f32>> = text.split(',').map(weight).collect();
    let what = || {
        format!("class_weights must be balanced, or a number of at least 0 for each class as in 1,2.5, not {text:?}")
    };
    // If nothing weighs anything, nothing is learnt.
    let nothing = weights.as_ref().is_some_and(|weights| weights.iter().all(|weight| *weight == 0.0));
    ensure(!nothing, || format!("class_weights must be more than 0 for some class, which {text:?} are not"))?;
    weights.map(ClassWeights::Each).ok_or_else(|| Error::Setting(what()))
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

/// A number of more than 0 that 32 bits can hold.
fn positive(key: &str, value: Option<f64>) -> Result<Option<f64>, Error> {
    let what = || format!("{key} must be more than 0 as a 32-bit number, not {}", value.unwrap_or_default());
    ensure(value.is_none_or(|value| value > 0.0 && (value as f32).is_normal()), what)?;
    Ok(value)
}

fn one_of<'a>(key: &str, value: Option<&'a str>, known: &[&str]) -> Result<Option<&'a str>, Error> {
    match value {
        Some(value) if !known.contains(&value) => {
            Err(Error::Setting(format!("{key} cannot be {value:?}; {}", nearest(value, known))))
        }
        _ => Ok(value),
    }
}

/// A value that has a notation of its own.
fn parsed<T: FromStr>(key: &str, value: Option<&str>) -> Result<Option<T>, Error>
where
    T::Err: Display,
{
    value.map(str::parse).transpose().map_err(|error| Error::Setting(format!("{key}: {error}")))
}
