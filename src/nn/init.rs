//! Initial weights, of mean 0; biases start at 0, γ at 1, β at 0.
//!
//! A name says the deviation; alone the weights are normal, with `_uniform` they are uniform of the same deviation, that is
//! between ±√3 deviations.

use crate::names::{nearest, quoted};
use crate::random::{Domain, Stream};
use rand_distr::{Distribution, StandardNormal, StandardUniform};
use std::fmt;
use std::str::FromStr;

/// How the weights of a layer with n_in inputs and n_out outputs start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Variance 1/n_in (Glorot & Bengio 2010, in the form of the courses).
    Xavier,
    /// Variance 2/n_in (He et al. 2015, eq. 10).
    He,
    /// Variance 2/(n_in + n_out) (Glorot & Bengio 2010, eq. 12).
    Glorot,
    /// Normal values of standard deviation 0.01.
    Small,
    /// Normal values of standard deviation 1.
    Large,
    /// A deviation of its own.
    Normal(f64),
    /// Uniform values with the variance of [`Init::Xavier`].
    XavierUniform,
    /// Uniform values with the variance of [`Init::He`].
    HeUniform,
    /// As [`Init::Glorot`], uniform (Glorot & Bengio 2010, eq. 16).
    GlorotUniform,
    /// Uniform values with the variance of [`Init::Small`].
    SmallUniform,
    /// Uniform values with the variance of [`Init::Large`].
    LargeUniform,
    /// Uniform values of this standard deviation.
    Uniform(f64),
}

const NAMES: [(&str, Init); 10] = [
    ("xavier", Init::Xavier),
    ("he", Init::He),
    ("glorot", Init::Glorot),
    ("small", Init::Small),
    ("large", Init::Large),
    ("xavier_uniform", Init::XavierUniform),
    ("he_uniform", Init::HeUniform),
    ("glorot_uniform", Init::GlorotUniform),
    ("small_uniform", Init::SmallUniform),
    ("large_uniform", Init::LargeUniform),
];

impl FromStr for Init {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if let Some((kind @ ("normal" | "uniform"), value)) = name.split_once(':') {
            let of_a_deviation = |d: &f64| (*d as f32).is_normal() && *d > 0.0;
            let deviation = value.parse().ok().filter(of_a_deviation).ok_or_else(|| {
                format!("{name} must end in a deviation, a 32-bit number of more than 0, as in {kind}:0.05")
            })?;
            return Ok(if kind == "normal" { Self::Normal(deviation) } else { Self::Uniform(deviation) });
        }
        let found = NAMES.iter().find(|(known, _)| *known == name).map(|&(_, init)| init);
        found.ok_or_else(|| {
            let known: Vec<&str> =
                NAMES.iter().map(|(known, _)| *known).chain(["normal:0.05", "uniform:0.05"]).collect();
            format!("there is no init {}; {}", quoted(name), nearest(name, &known))
        })
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal(deviation) => write!(f, "normal:{deviation}"),
            Self::Uniform(deviation) => write!(f, "uniform:{deviation}"),
            _ => f.write_str(NAMES.iter().find(|(_, init)| init == self).map_or("", |(name, _)| name)),
        }
    }
}

impl Init {
    /// Standard deviation of the weights.
    pub fn deviation(self, inputs: usize, outputs: usize) -> f64 {
        match self {
            Self::Xavier | Self::XavierUniform => (1.0 / inputs as f64).sqrt(),
            Self::He | Self::HeUniform => (2.0 / inputs as f64).sqrt(),
            Self::Glorot | Self::GlorotUniform => (2.0 / (inputs + outputs) as f64).sqrt(),
            Self::Small | Self::SmallUniform => 0.01,
            Self::Large | Self::LargeUniform => 1.0,
            Self::Normal(deviation) | Self::Uniform(deviation) => deviation,
        }
    }

    fn is_uniform(self) -> bool {
        matches!(
            self,
            Self::XavierUniform
                | Self::HeUniform
                | Self::GlorotUniform
                | Self::SmallUniform
                | Self::LargeUniform
                | Self::Uniform(_)
        )
    }

    /// `count` weights of tensor number `index` of a network, each output of which adds up `inputs` terms, and each input of which
    /// is a term of `outputs`.
    pub fn weights(self, count: usize, [inputs, outputs]: [usize; 2], seed: u64, index: u32) -> Vec<f32> {
        let mut stream = Stream::new(seed, Domain::Init, index);
        let deviation = self.deviation(inputs, outputs);
        if self.is_uniform() {
            let bound = 3f64.sqrt() * deviation;
            let draw = |_| -> f64 { StandardUniform.sample(&mut stream) };
            return (0..count).map(draw).map(|u| ((2.0 * u - 1.0) * bound) as f32).collect();
        }
        let draw = |_| -> f64 { StandardNormal.sample(&mut stream) };
        (0..count).map(draw).map(|z| (z * deviation) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    fn all() -> impl Iterator<Item = Init> {
        NAMES.iter().map(|(_, init)| *init).chain([Init::Normal(0.05), Init::Uniform(2.5e-7)])
    }

    #[test]
    fn names_read_and_print_alike() {
        for init in all() {
            assert_eq!(init.to_string().parse(), Ok(init));
        }
        assert_eq!("normal:5e-2".parse(), Ok(Init::Normal(0.05)));
        for wrong in
            ["", "hee", "normal", "normal:", "normal:x", "normal:0", "uniform:-1", "uniform:nan", "normal:1e40"]
        {
            assert!(wrong.parse::<Init>().is_err(), "{wrong}");
        }
        assert!("he_unifrom".parse::<Init>().unwrap_err().contains("mean he_uniform?"));
    }

    /// Mean and deviation of 200 × 300 weights: within five deviations of what such means have; and of a uniform the
    /// largest, which is within its bound and near it.
    #[test]
    fn weights_have_the_deviation_that_the_name_says() {
        let (inputs, outputs) = (200, 300);
        let n = (inputs * outputs) as f64;
        for init in all() {
            let weights = init.weights(inputs * outputs, [inputs, outputs], 9, 3);
            let deviation = init.deviation(inputs, outputs);
            let mean = weights.iter().map(|w| f64::from(*w)).sum::<f64>() / n;
            let moment = |k| weights.iter().map(|w| (f64::from(*w) / deviation).powi(k)).sum::<f64>() / n;
            assert!(mean.abs() < 5.0 * deviation / n.sqrt(), "{init}: mean {mean}");
            // The mean of squares deviates by √((kurtosis - 1) / n).
            let kurtosis = if init.is_uniform() { 1.8 } else { 3.0 };
            assert!((moment(2) - 1.0).abs() < 5.0 * ((kurtosis - 1.0) / n).sqrt(), "{init}: variance {}", moment(2));
            assert!((moment(4) - kurtosis).abs() < 0.1, "{init}: kurtosis {}", moment(4));
            let (largest, bound) = (weights.iter().fold(0f32, |m, w| m.max(w.abs())), 3f64.sqrt() * deviation);
            // Rounding to 32 bits may reach the bound.
            let near = largest <= bound as f32 && f64::from(largest) > 0.999 * bound;
            assert_eq!(near, init.is_uniform(), "{init}: {largest}, bound {bound}");
        }
        assert!((Init::HeUniform.deviation(200, 300) - 0.1).abs() < 1e-12);
        assert!((Init::Glorot.deviation(200, 300) - 0.004f64.sqrt()).abs() < 1e-12);
    }
}
