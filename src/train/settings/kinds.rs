//! Settings that are a choice between a few words.

use crate::metrics::Evaluation;
use crate::names::nearest;
use std::fmt;
use std::str::FromStr;

/// An enum whose values are words of a recipe.
macro_rules! choices {
    ($(#[$meta:meta])* $name:ident { $( #[doc = $doc:literal] $(#[$attribute:meta])* $value:ident = $word:literal ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name { $( #[doc = $doc] $(#[$attribute])* $value ),* }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                match word {
                    $( $word => Ok(Self::$value), )*
                    _ => Err(format!("{word:?} is not known; {}", nearest(word, &[$($word),*]))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $( Self::$value => $word ),* })
            }
        }
    };
}

choices! {
    /// The measure on the validation part by which the best model is chosen.
    Measure {
        /// The lowest mean loss.
        #[default]
        Loss = "loss",
        /// The highest share of right answers.
        Accuracy = "accuracy",
    }
}

impl Measure {
    /// The measure of an evaluation. It is NaN where answers are numbers, which are neither right nor wrong.
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

choices! {
    /// The tensors that weight decay acts on.
    DecayOnly {
        /// All trainable tensors, as in PyTorch.
        #[default]
        All = "all",
        /// Weights of two or more sizes; not biases, γ, β or slopes.
        Weights = "weights",
    }
}

choices! {
    /// The scale on which the numbers of a regression are trained on.
    NormalizeTarget {
        /// The numbers as they are.
        None = "none",
        /// Mean 0 and deviation 1 over the training part.
        #[default]
        Standardize = "standardize",
    }
}

choices! {
    /// What else a run writes into its folder as it goes, beside its tables.
    Log {
        /// Nothing but the tables of the run.
        #[default]
        None = "none",
        /// An event file that TensorBoard reads: losses, accuracies and the learning rate.
        Tensorboard = "tensorboard",
    }
}

/// How much each class weighs in the training loss.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeights {
    /// rows / (classes · rows of the class) over the training part: all classes weigh the same in total.
    Balanced,
    /// One weight for each class, in the order of the classes.
    Each(Vec<f32>),
}

impl FromStr for ClassWeights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "balanced" {
            return Ok(Self::Balanced);
        }
        let weight = |text: &str| text.trim().parse::<f32>().ok().filter(|weight| weight.is_finite() && *weight >= 0.0);
        match text.split(',').map(weight).collect::<Option<Vec<f32>>>() {
            Some(weights) if weights.iter().all(|weight| *weight == 0.0) => {
                Err(format!("{text:?} gives every class the weight 0: at least one must be more than 0"))
            }
            Some(weights) => Ok(Self::Each(weights)),
            None => Err(format!("{text:?} is neither balanced nor a number of at least 0 for each class, as in 1,2.5")),
        }
    }
}

impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balanced => f.write_str("balanced"),
            Self::Each(weights) => f.write_str(&weights.iter().map(f32::to_string).collect::<Vec<_>>().join(",")),
        }
    }
}

/// Rows that are held out.
#[derive(Clone, Debug, PartialEq)]
pub enum HeldOut {
    /// This share of the data set's rows.
    Share(f64),
    /// The rows of another file, or of a folder of images.
    File(String),
}

impl HeldOut {
    /// The share of the data set's rows, which is 0 where they come from a file.
    pub fn share(&self) -> f64 {
        match self {
            Self::Share(share) => *share,
            Self::File(_) => 0.0,
        }
    }

    /// The file that they come from.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Share(_) => None,
            Self::File(file) => Some(file),
        }
    }
}

impl From<f64> for HeldOut {
    fn from(share: f64) -> Self {
        Self::Share(share)
    }
}

/// A number is a share, everything else is a path.
impl FromStr for HeldOut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().parse() {
            Ok(share) => Ok(Self::Share(share)),
            Err(_) if text.trim().is_empty() => Err("a share of the rows or a file is wanted".to_owned()),
            Err(_) => Ok(Self::File(text.to_owned())),
        }
    }
}
