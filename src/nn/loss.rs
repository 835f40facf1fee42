//! The losses, by name.

use crate::names::nearest;
use std::fmt;
use std::str::FromStr;

/// What training makes small; the last step of it is the network's output function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Softmax over the outputs, one for each class, and the negative logarithm of the right one's probability.
    CrossEntropy,
    /// A sigmoid for each output, and the negative logarithm of the right answer's probability.
    BinaryCrossEntropy,
    /// Mean squared error of the outputs as they are.
    Mse,
}

const NAMES: [(&str, Loss); 3] =
    [("cross_entropy", Loss::CrossEntropy), ("binary_cross_entropy", Loss::BinaryCrossEntropy), ("mse", Loss::Mse)];

impl FromStr for Loss {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = NAMES.iter().find(|(known, _)| *known == name).map(|&(_, loss)| loss);
        found.ok_or_else(|| format!("there is no loss {name:?}; {}", nearest(name, &NAMES.map(|(known, _)| known))))
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(_, loss)| loss == self).map_or("", |(name, _)| name))
    }
}
