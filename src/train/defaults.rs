//! The default recipe: what a setting is that the user leaves out.
//!
//! For pictures see [`picture_recipe`]. For tables the rule was chosen on public tables (`benches/tables.md`): AdamW (Loshchilov & Hutter 2019) at rate 0.01 with a cosine schedule; the width, the depth,
//! batch normalisation, dropout, the batch and the number of epochs follow from the number of rows.

use super::picture_recipe;
use super::rare::{FEWEST, Rare};
use super::schedule::Schedule;
use super::settings::{ADAPTIVE, DecayOnly, HeldOut, NormalizeTarget, Recipe, given_to_optimizer};
use crate::data::Normalize;
use crate::error::Error;
use crate::nn;
use crate::op::Value;

/// What the targets of a data set are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learns {
    /// One of this many classes.
    Classes(usize),
    /// So many yes-or-no labels.
    Labels(usize),
    /// The numbers of a regression.
    Numbers,
}

/// What the default recipe depends on.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Rows to learn from: those to train on and to validate on.
    pub(super) rows: usize,
    /// Rows to train on.
    pub(super) train: usize,
    /// Features of a row.
    pub(super) features: usize,
    pub(super) learns: Learns,
    /// The shape of pictures `[channels, height, width]`, where rows are pictures.
    pub(super) picture: Option<Vec<usize>>,
    /// The rarest class, under balanced class weights.
    pub(super) rare: Option<Rare>,
}

/// A table's number of rows in three steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Small,
    Medium,
    Large,
}

impl Size {
    fn of(rows: usize) -> Self {
        match rows {
            0..2000 => Self::Small,
            2000..10_000 => Self::Medium,
            _ => Self::Large,
        }
    }

    fn pick<T>(self, small: T, medium: T, large: T) -> T {
        match self {
            Self::Small => small,
            Self::Medium => medium,
            Self::Large => large,
        }
    }
}

impl Recipe {
    /// Plain gradient descent on all rows: no momentum, no weight decay, a constant rate, nothing held out. Experiments
    /// begin here, so that they contain nothing that they do not name.
    pub fn plain() -> Self {
        Self {
            validation: Some(HeldOut::Share(0.0)),
            test: Some(HeldOut::Share(0.0)),
            optimizer: Some("sgd".into()),
            weight_decay: Some(0.0),
            schedule: Some(Schedule::default()),
            health: Some(0),
            ..Self::default()
        }
        .with("momentum", Value::Number(0.0))
    }
}

/// How inputs are scaled.
pub(super) fn normalize(pictures: bool) -> Normalize {
    if pictures { Normalize::Scale } else { Normalize::Standardize }
}

/// The share of the rows that tests where the data set has no test part of its own.
pub(super) const TEST: f64 = 0.2;

/// The share of all rows that validates, where the share `test` of `rows` rows tests. Few rows need a larger share to choose
/// the best epoch by.
pub(super) fn validation(rows: usize, test: f64, pictures: bool, rare: Option<Rare>) -> f64 {
    if pictures {
        return 0.1;
    }
    if rare.is_some_and(|rare| rare.of_share(1.0 - test).rows < FEWEST) {
        return 0.0;
    }
    let rows = rare.map_or(rows, |rare| rare.effective(rows));
    let rest = 1.0 - test;
    let share = Size::of((rows as f64 * rest).round() as usize).pick(0.2, 0.15, 0.1);
    // Shares of whole thousandths read better in the run's recipe.
    (share * rest * 1000.0).round() / 1000.0
}

/// The shape of a table's default network and of its training.
struct TableRecipe {
    width: usize,
    depth: usize,
    batch_norm: bool,
    dropout: f64,
    weight_decay: f64,
    decay_only: DecayOnly,
    /// Rows that training passes over in all its epochs.
    rows_seen: usize,
}

impl TableRecipe {
    fn of(facts: &Facts) -> Self {
        let size = Size::of(facts.effective(facts.rows));
        let (width, dropout) = (size.pick(128, 128, 256), size.pick(0.1, 0.25, 0.1));
        let rule = Self {
            width,
            depth: 2,
            batch_norm: false,
            dropout,
            weight_decay: 0.1,
            decay_only: DecayOnly::All,
            rows_seen: 3_000_000,
        };
        match facts.learns {
            // The fewer rows a rare class has for each feature, the simpler must be what is learnt (benches/rare.md).
            Learns::Classes(_) if facts.rare.is_some_and(|rare| rare.rows < FEWEST.max(5 * facts.features)) => {
                Self { width: 0, depth: 0, ..rule }
            }
            Learns::Classes(_) if facts.rare.is_some_and(|rare| rare.rows < 20 * facts.features) => {
                Self {
                    width: 128,
                    dropout: 0.5,
                    weight_decay: 3.0,
                    // A bias that decays moves the border between the classes.
                    decay_only: DecayOnly::Weights,
                    rows_seen: 1_000_000,
                    ..rule
                }
            }
            Learns::Numbers => Self { batch_norm: size == Size::Medium, ..rule },
            // Two classes in many rows overfit sooner: more decay and fewer passes were better.
            Learns::Classes(..=2) | Learns::Labels(..=2) if size == Size::Large => {
                Self { batch_norm: true, dropout: 0.25, weight_decay: 1.0, rows_seen: 1_000_000, ..rule }
            }
            // Of two classes in fewer rows, more dropout was better on five tables of six; of many classes it is worse
            // (benches/tables.md).
            Learns::Classes(..=2) | Learns::Labels(..=2) if facts.rare.is_none() => {
                Self { batch_norm: size != Size::Small, dropout: 0.5, ..rule }
            }
            Learns::Classes(_) | Learns::Labels(_) => {
                Self { depth: size.pick(2, 2, 3), batch_norm: size != Size::Small, ..rule }
            }
        }
    }

    /// Passes over the training rows: so many that `rows_seen` rows pass, as far as two cores take about a minute.
    fn epochs(&self, facts: &Facts) -> u64 {
        let rows = facts.train.max(1);
        let wanted = (self.rows_seen as f64 / rows as f64).round().clamp(20.0, 300.0);
        let products = facts.features * self.width
            + self.depth.saturating_sub(1) * self.width * self.width
            + self.width.max(facts.features * usize::from(self.depth == 0)) * facts.outputs();
        let affordable = MOST_PRODUCTS / (3 * products * rows) as f64;
        wanted.min(affordable.floor()).max(1.0) as u64
    }
}

/// Multiply-adds that two cores do in about 45 seconds.
const MOST_PRODUCTS: f64 = 1.3e12;

impl Facts {
    /// So many rows, as the weights of their classes count them.
    fn effective(&self, rows: usize) -> usize {
        self.rare.map_or(rows, |rare| rare.effective(rows))
    }

    fn is_of_small_pictures(&self) -> bool {
        self.picture.is_some() && self.features <= picture_recipe::SMALL
    }

    /// Rows of a batch: more where a class of a table is rare, so that a batch holds some rows of it.
    fn batch(&self) -> usize {
        if self.is_of_small_pictures() {
            return 64;
        }
        let power = (self.effective(self.train) as f64 / 64.0).log2().round().clamp(5.0, 8.0);
        if let Some(shape) = &self.picture {
            return picture_recipe::batch(shape, 1 << power as u32);
        }
        let larger = self.rare.map_or(0.0, |rare| (1.0 / rare.share).log2().round().clamp(0.0, 7.0));
        1 << (power + larger) as u32
    }

    fn outputs(&self) -> usize {
        match self.learns {
            Learns::Classes(count) | Learns::Labels(count) => count,
            Learns::Numbers => 1,
        }
    }

    fn describe(&self) -> String {
        let counted = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        let learns = match self.learns {
            Learns::Classes(count) => format!("{count} classes"),
            Learns::Labels(count) => counted(count, "label"),
            Learns::Numbers => "a regression".into(),
        };
        let what = if self.picture.is_some() { "pictures" } else { "a table" };
        let rare = self.rare.map_or_else(String::new, |rare| format!(" ({} rows of the rarest)", rare.rows));
        let (rows, features) = (counted(self.rows, "row"), counted(self.features, "feature"));
        format!("{what} of {rows} with {features}, {learns}{rare}")
    }
}

/// Fills in every setting that is left out, but for those that are decided with the split, and says in a sentence which.
///
/// # Errors
/// A setting that is given has no effect on the default optimiser.
pub(super) fn fill(recipe: &mut Recipe, facts: &Facts) -> Result<Option<String>, Error> {
    let before = recipe.clone();
    let rule = TableRecipe::of(facts);
    let (numbers, small) = (facts.learns == Learns::Numbers, facts.is_of_small_pictures());
    let optimizer = recipe.optimizer.get_or_insert(if small { "sgd" } else { ADAPTIVE }.into()).clone();
    recipe.check()?;
    let update = nn::Rule::read(&optimizer, &given_to_optimizer(&recipe.declared)).map_err(Error::Setting)?;
    let kind = update.kind();
    let (lr, decay) = match kind.name {
        ADAPTIVE if facts.picture.is_none() => (1e-2, rule.weight_decay),
        ADAPTIVE if !small => (1e-2, kind.weight_decay),
        _ => (if numbers { kind.lr_of_numbers } else { kind.lr }, kind.weight_decay),
    };
    if kind.name == ADAPTIVE && facts.picture.is_none() {
        recipe.decay_only.get_or_insert(rule.decay_only);
    }
    recipe.lr.get_or_insert(lr);
    recipe.weight_decay.get_or_insert(decay);
    recipe.declared.extend(update.values().iter().map(|(setting, value)| (setting.name, value.into())));
    recipe.schedule.get_or_insert_with(|| if small { Schedule::default() } else { Schedule::cosine() });
    recipe.batch.get_or_insert(facts.batch().min(facts.train));
    if recipe.epochs.is_none() && recipe.steps.is_none() {
        recipe.epochs = Some(match facts.picture {
            Some(_) if small => 20,
            Some(_) => picture_recipe::epochs(facts.train),
            None => rule.epochs(facts),
        });
    }
    recipe.normalize.get_or_insert(normalize(facts.picture.is_some()));
    if numbers {
        let plain = recipe.normalize == Some(Normalize::None);
        let kind = if plain { NormalizeTarget::None } else { NormalizeTarget::Standardize };
        recipe.normalize_target.get_or_insert(kind);
    }
    fill_layers(recipe, &rule, facts);
    recipe.fill();
    Ok(said(&before, recipe, facts))
}

/// The layers, out of `hidden` and `dropout` where those are given.
fn fill_layers(recipe: &mut Recipe, rule: &TableRecipe, facts: &Facts) {
    let (hidden, dropout) = (recipe.hidden.take(), recipe.dropout.take());
    if recipe.layers.is_some() {
        return;
    }
    // Pictures that a recipe reshapes to rows of numbers are no pictures to a convolution.
    let picture = facts.picture.as_ref().filter(|shape| shape.len() == 3 && !facts.is_of_small_pictures());
    if let (Some(shape), None) = (picture, &hidden) {
        let mut layers = picture_recipe::layers(shape);
        layers.extend(dropout.filter(|&rate| rate > 0.0).map(|rate| format!("dropout {rate}")));
        layers.push("linear".into());
        recipe.layers = Some(layers);
        return;
    }
    let pictures = facts.picture.is_some();
    let batch_norm = hidden.is_none() && (pictures || rule.batch_norm);
    let dropout = dropout.unwrap_or(match (&hidden, pictures) {
        (Some(_), _) => 0.0,
        (None, true) => 0.5,
        (None, false) => rule.dropout,
    });
    let widths = hidden.unwrap_or_else(|| if pictures { vec![256, 128] } else { vec![rule.width; rule.depth] });
    let mut layers = vec![];
    for width in widths {
        layers.push(format!("linear {width}"));
        layers.extend(batch_norm.then(|| "batch_norm".to_owned()));
        layers.push("relu".into());
        layers.extend((dropout > 0.0).then(|| format!("dropout {dropout}")));
    }
    layers.push("linear".into());
    recipe.layers = Some(layers);
}

/// Which settings the default recipe chose, and by what.
fn said(before: &Recipe, after: &Recipe, facts: &Facts) -> Option<String> {
    let mut chosen = vec![];
    let mut add = |was: bool, text: String| chosen.extend((!was).then_some(text));
    add(before.layers.is_some() || before.hidden.is_some(), "layers".into());
    add(before.optimizer.is_some(), after.optimizer.clone().unwrap_or_default());
    add(before.lr.is_some(), format!("lr {}", after.lr.unwrap_or_default()));
    add(before.weight_decay.is_some(), format!("weight decay {}", after.weight_decay.unwrap_or_default()));
    add(before.schedule.is_some(), after.schedule.as_ref().map_or_else(String::new, |s| format!("{s} schedule")));
    add(before.batch.is_some(), format!("batch {}", after.batch.unwrap_or_default()));
    add(before.epochs.is_some() || before.steps.is_some(), format!("{} epochs", after.epochs.unwrap_or_default()));
    let list = chosen.join(", ");
    (!chosen.is_empty()).then(|| format!("default recipe for {}: {list}", facts.describe()))
}
