//! The normalisation that a model file keeps.

use crate::data::Affine;
use serde::{Deserialize, Serialize};

/// One number for all features, or one each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Numbers {
    /// The same for all.
    All(f64),
    /// A number for each feature.
    Each(Vec<f64>),
}

impl Numbers {
    fn of(values: &[f64]) -> Self {
        match values {
            [first, rest @ ..] if rest.iter().all(|v| v == first) => Self::All(*first),
            _ => Self::Each(values.to_vec()),
        }
    }

    /// Whether they are numbers for so many features.
    fn fit(&self, features: usize) -> bool {
        match self {
            Self::All(value) => value.is_finite(),
            Self::Each(values) => values.len() == features && values.iter().all(|value| value.is_finite()),
        }
    }

    fn has(&self, wanted: f64) -> bool {
        match self {
            Self::All(value) => *value == wanted,
            Self::Each(values) => values.contains(&wanted),
        }
    }

    fn expand(&self, features: usize) -> Vec<f64> {
        match self {
            Self::All(value) => vec![*value; features],
            Self::Each(values) => values.clone(),
        }
    }
}

/// x = (value − offset) · factor, per feature, in float64; x is rounded to float32. The features of a table that say which
/// text a field holds, or that it is missing, have offset 0 and factor 1 where `kind` is `standardize`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalization {
    /// As in the recipe.
    pub kind: String,
    /// The largest value that the data can have (255 for bytes); 0 where it is not known.
    pub largest: f32,
    offset: Numbers,
    factor: Numbers,
}

impl Normalization {
    /// Refuses numbers that are not those of `features` features.
    pub(super) fn check(&self, features: usize) -> Result<(), String> {
        if !self.offset.fit(features) || !self.factor.fit(features) {
            return Err(format!("its normalisation has not one finite number for each of {features} values"));
        }
        if self.factor.has(0.0) {
            return Err("its normalisation has a factor of 0".into());
        }
        Ok(())
    }

    /// Numbers for each feature.
    pub fn new(kind: String, largest: f32, affine: &Affine) -> Self {
        Self { kind, largest, offset: Numbers::of(&affine.offset), factor: Numbers::of(&affine.factor) }
    }

    /// Offset and factor of each of `features` features.
    pub fn affine(&self, features: usize) -> Affine {
        Affine { offset: self.offset.expand(features), factor: self.factor.expand(features) }
    }
}
