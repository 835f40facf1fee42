//! Initial weights: all normal with mean 0; biases start at 0, γ at 1, β at 0.

use super::nearest;
use crate::random::{Domain, Stream};
use rand_distr::{Distribution, StandardNormal};
use std::fmt;
use std::str::FromStr;

/// How the weights of a layer with n_in inputs and n_out outputs start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    /// Variance 1/n_in (Glorot & Bengio 2010, in the form of the courses).
    Xavier,
    /// Variance 2/n_in (He et al. 2015, eq. 10).
    He,
    /// Variance 2/(n_in + n_out) (Glorot & Bengio 2010, eq. 12).
    Glorot,
    /// Deviation 0.01.
    Small,
    /// Deviation 1.
    Large,
}

const NAMES: [(&str, Init); 5] = [
    ("xavier", Init::Xavier),
    ("he", Init::He),
    ("glorot", Init::Glorot),
    ("small", Init::Small),
    ("large", Init::Large),
];

impl FromStr for Init {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = NAMES.iter().find(|(known, _)| *known == name).map(|&(_, init)| init);
        found.ok_or_else(|| format!("there is no init {name:?}; {}", nearest(name, &NAMES.map(|(known, _)| known))))
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(_, init)| init == self).map_or("", |(name, _)| name))
    }
}

impl Init {
    /// Standard deviation of the weights.
    pub fn deviation(self, inputs: usize, outputs: usize) -> f64 {
        match self {
            Self::Xavier => (1.0 / inputs as f64).sqrt(),
            Self::He => (2.0 / inputs as f64).sqrt(),
            Self::Glorot => (2.0 / (inputs + outputs) as f64).sqrt(),
            Self::Small => 0.01,
            Self::Large => 1.0,
        }
    }

    /// Weights `[outputs, inputs]` of tensor number `index` of a network.
    pub fn weights(self, inputs: usize, outputs: usize, seed: u64, index: u32) -> Vec<f32> {
        let mut stream = Stream::new(seed, Domain::Init, index);
        let deviation = self.deviation(inputs, outputs);
        let draw = |_| -> f64 { StandardNormal.sample(&mut stream) };
        (0..inputs * outputs).map(draw).map(|z| (z * deviation) as f32).collect()
    }
}
