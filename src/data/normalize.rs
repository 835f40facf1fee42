//! Fitting the normalisation of inputs to the training rows.

use super::{DataError, Dataset, Values};
use std::fmt;
use std::str::FromStr;

/// How inputs are normalised; every kind is an [`Affine`] map fitted to the training rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Normalize {
    /// `none`: values as they are.
    #[default]
    None,
    /// `scale`: divided by the largest value of the kind of data, so that bytes come to 0..1.
    Scale,
    /// `mean_image`: scaled, then less the mean of each feature.
    MeanImage,
    /// `channel_mean`: scaled, then less the mean of each channel of images `[channels, height, width]`, or of each
    /// feature of a table.
    ChannelMean,
    /// `standardize`: each feature less its mean and divided by its standard deviation.
    Standardize,
}

impl Normalize {
    const ALL: [Self; 5] = [Self::None, Self::Scale, Self::MeanImage, Self::ChannelMean, Self::Standardize];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Scale => "scale",
            Self::MeanImage => "mean_image",
            Self::ChannelMean => "channel_mean",
            Self::Standardize => "standardize",
        }
    }
}

impl fmt::Display for Normalize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Normalize {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| DataError::UnknownNormalize {
            name: name.to_owned(),
            known: Self::ALL.map(Self::name).to_vec(),
        })
    }
}

/// The map `y = (v - offset) * factor` of raw values, with one entry a feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// Subtracted first, in units of the raw values.
    pub offset: Vec<f32>,
    /// Multiplied then; finite and not 0.
    pub factor: Vec<f32>,
}

/// A fitted normalisation.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The map.
    pub affine: Affine,
    /// The features that do not vary over the training rows (or less than 32-bit numbers can divide by), whatever the
    /// kind. [`Normalize::Standardize`] gives them the factor 1, so that they become 0.
    pub constant: Vec<usize>,
}

/// Fits a normalisation to the given rows of a data set alone, in 64-bit arithmetic.
///
/// A scale is 1 over `dataset.largest`, or over the largest magnitude in the rows where that is not known (0), and 1 if
/// that magnitude is 0. The standard deviation is the biased one, over n.
///
/// # Panics
///
/// When there are no rows, or one is not in the data set.
pub fn fit(kind: Normalize, dataset: &Dataset, rows: &[u32]) -> Fit {
    assert!(!rows.is_empty(), "a normalisation is fitted to at least one row");
    let features = dataset.features();
    let moments = match &dataset.values {
        Values::Bytes(values) => Moments::of(values, features, rows),
        Values::Floats(values) => Moments::of(values, features, rows),
    };
    let known = f64::from(dataset.largest);
    let scale = reciprocal(if known > 0.0 { known } else { moments.largest }).unwrap_or(1.0);
    let means = || moments.mean.iter().map(|&mean| mean as f32).collect();
    let divisors: Vec<Option<f32>> = moments.deviation.iter().map(|&deviation| reciprocal(deviation)).collect();
    let affine = match kind {
        Normalize::None => Affine { offset: vec![0.0; features], factor: vec![1.0; features] },
        Normalize::Scale => Affine { offset: vec![0.0; features], factor: vec![scale; features] },
        Normalize::MeanImage => Affine { offset: means(), factor: vec![scale; features] },
        Normalize::ChannelMean => {
            let channel = if dataset.is_image() { dataset.shape[1..].iter().product() } else { 1 };
            Affine { offset: channel_means(&moments.mean, channel), factor: vec![scale; features] }
        }
        Normalize::Standardize => {
            Affine { offset: means(), factor: divisors.iter().map(|divisor| divisor.unwrap_or(1.0)).collect() }
        }
    };
    Fit { affine, constant: (0..features).filter(|&feature| divisors[feature].is_none()).collect() }
}

/// For each feature, the mean of all of its channel, each of which has so many features.
fn channel_means(means: &[f64], channel: usize) -> Vec<f32> {
    let mean = |means: &[f64]| means.iter().sum::<f64>() / means.len() as f64;
    means.chunks(channel).flat_map(|channel| vec![mean(channel) as f32; channel.len()]).collect()
}

/// `1 / value` if that is a finite 32-bit number.
fn reciprocal(value: f64) -> Option<f32> {
    let reciprocal = value.recip() as f32;
    reciprocal.is_finite().then_some(reciprocal)
}

/// What the normalisations need to know of rows; means and deviations are one a feature.
struct Moments {
    largest: f64,
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Moments {
    /// In two passes, as differences of large sums would lose the deviation of features far from 0. A feature of equal
    /// values gets that value as its mean, which the rounded sum may miss.
    fn of<T: Copy + Into<f64>>(values: &[T], features: usize, rows: &[u32]) -> Self {
        let row = |row: u32| values[row as usize * features..][..features].iter().map(|&value| value.into());
        let first: Vec<f64> = row(rows[0]).collect();
        let (mut largest, mut sum, mut varies) = (0.0_f64, vec![0.0; features], vec![false; features]);
        for &index in rows {
            for (feature, value) in row(index).enumerate() {
                largest = largest.max(value.abs());
                sum[feature] += value;
                varies[feature] |= value != first[feature];
            }
        }
        let count = rows.len() as f64;
        let mean = |feature: usize| {
            if varies[feature] { sum[feature] / count } else { first[feature] }
        };
        let mean: Vec<f64> = (0..features).map(mean).collect();
        let mut squares = vec![0.0; features];
        for &index in rows {
            for (feature, value) in row(index).enumerate() {
                squares[feature] += (value - mean[feature]).powi(2);
            }
        }
        Self { largest, mean, deviation: squares.iter().map(|square| (square / count).sqrt()).collect() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::data::fixture::labelled;

    /// Three rows of two features, the last of which is not fitted to.
    fn fitted(kind: Normalize, values: Values, largest: f32) -> Fit {
        let dataset = Dataset { values, shape: vec![2], largest, ..labelled(vec![0, 1, 1]) };
        fit(kind, &dataset, &[0, 1])
    }

    fn floats(kind: Normalize, values: [f32; 4]) -> Fit {
        fitted(kind, Values::Floats([values.as_slice(), &[1e6, -1e6]].concat()), 0.0)
    }

    fn map(offset: [f32; 2], factor: [f32; 2]) -> Affine {
        Affine { offset: offset.to_vec(), factor: factor.to_vec() }
    }

    #[test]
    fn none_changes_nothing() {
        let fit = floats(Normalize::None, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!((fit.affine, fit.constant), (map([0.0; 2], [1.0; 2]), vec![]));
    }

    #[test]
    fn scale_divides_by_the_known_or_the_largest_training_value() {
        let bytes = || Values::Bytes(vec![1, 2, 3, 8, 255, 255]);
        assert_eq!(fitted(Normalize::Scale, bytes(), 16.0).affine, map([0.0; 2], [1.0 / 16.0; 2]));
        assert_eq!(fitted(Normalize::Scale, bytes(), 255.0).affine, map([0.0; 2], [1.0 / 255.0; 2]));
        assert_eq!(floats(Normalize::Scale, [1.0, -8.0, 3.0, 4.0]).affine, map([0.0; 2], [0.125; 2]));
        assert_eq!(floats(Normalize::Scale, [0.0; 4]).affine, map([0.0; 2], [1.0; 2]));
    }

    #[test]
    fn mean_image_subtracts_the_mean_of_each_feature() {
        let fit = fitted(Normalize::MeanImage, Values::Bytes(vec![1, 2, 4, 8, 255, 255]), 16.0);
        assert_eq!((fit.affine, fit.constant), (map([2.5, 5.0], [1.0 / 16.0; 2]), vec![]));
        let fit = floats(Normalize::MeanImage, [1.0, -8.0, 3.0, 4.0]);
        assert_eq!(fit.affine, map([2.0, -2.0], [0.125; 2]));
    }

    #[test]
    fn channel_mean_subtracts_the_mean_of_each_channel() {
        // Two images of two channels of 1x2 pixels, and one that is not fitted to.
        let values = Values::Bytes(vec![1, 3, 10, 10, 5, 7, 0, 4, 255, 255, 255, 255]);
        let dataset = Dataset { values, shape: vec![2, 1, 2], largest: 16.0, ..labelled(vec![0, 1, 1]) };
        let fit = fit(Normalize::ChannelMean, &dataset, &[0, 1]);
        let affine = Affine { offset: vec![4.0, 4.0, 6.0, 6.0], factor: vec![1.0 / 16.0; 4] };
        assert_eq!((fit.affine, fit.constant), (affine, vec![]));
        // On a table it is the mean of each column.
        let fit = |kind| floats(kind, [1.0, -8.0, 3.0, 4.0]).affine;
        assert_eq!(fit(Normalize::ChannelMean), fit(Normalize::MeanImage));
    }

    #[test]
    fn every_kind_names_constant_features() {
        for kind in Normalize::ALL {
            assert_eq!(floats(kind, [1.0, 0.1, 3.0, 0.1]).constant, [1], "{kind}");
            assert_eq!(fitted(kind, Values::Bytes(vec![0, 2, 0, 8, 255, 255]), 16.0).constant, [0], "{kind}");
        }
    }

    #[test]
    fn standardize_divides_by_the_biased_deviation() {
        let fit = floats(Normalize::Standardize, [1.0, 10.0, 5.0, 18.0]);
        assert_eq!((fit.affine, fit.constant), (map([3.0, 14.0], [0.5, 0.25]), vec![]));
        // Far from 0 the deviation is that of the values, not of the rounding.
        let fit = floats(Normalize::Standardize, [1_000_000.0, 0.0, 1_000_000.5, 1.0]);
        assert_eq!(fit.affine.factor, [4.0, 2.0]);
    }

    #[test]
    fn a_constant_feature_becomes_zero_and_is_named() {
        let fit = floats(Normalize::Standardize, [1.0, 0.1, 3.0, 0.1]);
        assert_eq!((fit.affine, fit.constant), (map([2.0, 0.1], [1.0, 1.0]), vec![1]));
        let fit = floats(Normalize::Standardize, [0.0, 1.0, 1e-40, 3.0]);
        assert_eq!((fit.affine.factor, fit.constant), (vec![1.0, 1.0], vec![0]));
        // A sum of seven times 0.1 is not 0.7, so its mean would not be 0.1.
        let dataset = Dataset { values: Values::Floats(vec![0.1; 7]), ..labelled(vec![0, 1, 0, 1, 0, 1, 0]) };
        let fit = super::fit(Normalize::Standardize, &dataset, &[0, 1, 2, 3, 4, 5, 6]);
        assert_eq!((fit.affine.offset, fit.affine.factor, fit.constant), (vec![0.1], vec![1.0], vec![0]));
    }

    #[test]
    fn names_go_both_ways_and_others_are_refused() {
        for kind in Normalize::ALL {
            assert_eq!(kind.to_string().parse::<Normalize>().unwrap(), kind);
        }
        let message = "standardise".parse::<Normalize>().unwrap_err().to_string();
        assert!(message.contains("\"standardise\"; did you mean standardize?"), "{message}");
        let message = "sideways".parse::<Normalize>().unwrap_err().to_string();
        assert!(message.contains("known: none, scale, mean_image, channel_mean, standardize"), "{message}");
    }
}
