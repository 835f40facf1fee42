//! Fitting the normalisation of inputs to the training rows.

use super::{DataError, Values};
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
    /// `standardize`: each feature less its mean and divided by its standard deviation; features of a table that say which
    /// text a field holds, or that it is missing, stay 0 and 1.
    Standardize,
    /// `imagenet`: scaled, then less the mean of each of three channels over ImageNet and divided by its deviation, as the
    /// networks of torchvision take pictures. Nothing is fitted.
    ImageNet,
}

/// Mean of red, green and blue over ImageNet, of values from 0 to 1 (`torchvision.transforms`).
const IMAGENET_MEAN: [f64; 3] = [0.485, 0.456, 0.406];
/// Their standard deviation over ImageNet.
const IMAGENET_DEVIATION: [f64; 3] = [0.229, 0.224, 0.225];

impl Normalize {
    const ALL: [Self; 6] =
        [Self::None, Self::Scale, Self::MeanImage, Self::ChannelMean, Self::Standardize, Self::ImageNet];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Scale => "scale",
            Self::MeanImage => "mean_image",
            Self::ChannelMean => "channel_mean",
            Self::Standardize => "standardize",
            Self::ImageNet => "imagenet",
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

/// Relative difference up to which two maps are the same but for rounding.
const SAME_MAP: f64 = 1e-9;

/// The map `y = (v - offset) * factor` of raw values, with one entry a feature.
///
/// It is taken in float64. The features of a table are mapped as they are encoded, and rounded to float32 afterwards; the
/// bytes of pictures are mapped on the device.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// Subtracted first, in units of the raw values.
    pub offset: Vec<f64>,
    /// Multiplied then; finite and not 0.
    pub factor: Vec<f64>,
}

impl Affine {
    /// The map of [`Normalize::ImageNet`] for pictures of three channels of so many pixels, with values up to `largest`.
    pub fn imagenet(pixels: usize, largest: f64) -> Self {
        Self::by_channel(&IMAGENET_MEAN, &IMAGENET_DEVIATION, pixels, largest)
    }

    /// The map `(v / largest - mean) / deviation` for pictures with so many pixels in each channel, as torchvision's
    /// `Normalize` of its `ToTensor`. Mean and deviation have one entry a channel; no deviation is 0.
    pub fn by_channel(mean: &[f64], deviation: &[f64], pixels: usize, largest: f64) -> Self {
        let each = |numbers: &[f64], of: fn(f64, f64) -> f64| -> Vec<f64> {
            numbers.iter().flat_map(|&number| vec![of(number, largest); pixels]).collect()
        };
        Self {
            offset: each(mean, |mean, largest| mean * largest),
            factor: each(deviation, |deviation, largest| 1.0 / (deviation * largest)),
        }
    }

    /// The map that leaves so many features as they are.
    pub fn none(features: usize) -> Self {
        Self { offset: vec![0.0; features], factor: vec![1.0; features] }
    }

    /// The normalised value of a feature.
    pub fn apply(&self, feature: usize, value: f64) -> f64 {
        (value - self.offset[feature]) * self.factor[feature]
    }

    /// Whether two maps of a feature are the same but for rounding.
    pub fn agrees(&self, other: &Self, feature: usize) -> bool {
        let [factor, offset] = [self.factor[feature], self.offset[feature]];
        let scaled = (factor - other.factor[feature]).abs() <= SAME_MAP * factor.abs();
        // In units of the scaled feature, but no finer than the offset itself is known.
        scaled && (offset - other.offset[feature]).abs() <= SAME_MAP * (1.0 / factor).abs().max(offset.abs())
    }

    /// Offsets and factors that the device has to apply to values: these for bytes, and 0 and 1 for floats, which are
    /// normalised already.
    pub fn on_device(&self, values: &Values) -> (Vec<f32>, Vec<f32>) {
        let rounded = |numbers: &[f64]| numbers.iter().map(|&number| number as f32).collect();
        match values {
            Values::Bytes(_) => (rounded(&self.offset), rounded(&self.factor)),
            Values::Floats(_) => (vec![0.0; self.offset.len()], vec![1.0; self.offset.len()]),
        }
    }
}

/// A normalisation, fitted to the training rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fit {
    /// The map from raw to normalised values.
    pub(super) affine: Affine,
    /// The features that do not vary over the training rows, whatever the kind. [`Normalize::Standardize`] gives them the
    /// factor 1, so that they become 0.
    pub(super) constant: Vec<usize>,
}

/// What a normalisation is fitted to beside the moments of the features.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form<'a> {
    /// The largest value that the kind of data can have; 0 if that is not known.
    pub(super) largest: f64,
    /// Neighbouring features that share one mean under [`Normalize::ChannelMean`].
    pub(super) channel: usize,
    /// The features that are 0 or 1 because they say which text a field holds, or that it is missing.
    pub(super) indicators: &'a [bool],
}

/// Fits a normalisation to the moments of the training rows, in float64.
///
/// A scale is 1 over the largest value, or over the largest magnitude in the rows where that is not known, and 1 if that
/// magnitude is 0. The standard deviation is the biased one, over n. [`Normalize::Standardize`] leaves indicators as they
/// are: a rare category would become a value of 20 to 50 deviations.
pub(super) fn fit(kind: Normalize, moments: &FeatureMoments, form: Form<'_>) -> Fit {
    let features = moments.mean.len();
    let scale = reciprocal(if form.largest > 0.0 { form.largest } else { moments.largest }).unwrap_or(1.0);
    let divisors: Vec<Option<f64>> = (0..features).map(|feature| moments.divisor(feature)).collect();
    let kept = |feature: usize| form.indicators.get(feature).copied().unwrap_or(false);
    let affine = match kind {
        Normalize::None => Affine::none(features),
        Normalize::Scale => Affine { offset: vec![0.0; features], factor: vec![scale; features] },
        Normalize::MeanImage => Affine { offset: moments.mean.clone(), factor: vec![scale; features] },
        Normalize::ChannelMean => {
            Affine { offset: channel_means(&moments.mean, form.channel), factor: vec![scale; features] }
        }
        // The data floor refuses it for other rows than pictures of three channels.
        Normalize::ImageNet => Affine::imagenet(features / 3, 1.0 / scale),
        Normalize::Standardize => Affine {
            offset: (0..features).map(|i| if kept(i) { 0.0 } else { moments.mean[i] }).collect(),
            factor: (0..features).map(|i| divisors[i].filter(|_| !kept(i)).unwrap_or(1.0)).collect(),
        },
    };
    Fit { affine, constant: (0..features).filter(|&feature| divisors[feature].is_none()).collect() }
}

/// For each feature, the mean of all of its channel, each of which has so many features.
fn channel_means(means: &[f64], channel: usize) -> Vec<f64> {
    let mean = |means: &[f64]| means.iter().sum::<f64>() / means.len() as f64;
    means.chunks(channel).flat_map(|channel| vec![mean(channel); channel.len()]).collect()
}

/// `1 / value` if that is a finite number.
fn reciprocal(value: f64) -> Option<f64> {
    Some(value.recip()).filter(|reciprocal| reciprocal.is_finite())
}

/// Rounding steps of the mean within which values count as equal.
const EQUAL: f64 = 4.0;

/// What the normalisations need to know of rows; means and deviations are one a feature.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FeatureMoments {
    /// The largest magnitude of all features.
    pub(super) largest: f64,
    pub(super) mean: Vec<f64>,
    /// The biased standard deviation.
    pub(super) deviation: Vec<f64>,
}

impl FeatureMoments {
    /// Of some rows of values `[rows, features]`, at least one. Two passes are made, as differences of large sums would lose
    /// the deviation of features far from 0. A feature of equal values gets that value as its mean, which the rounded sum
    /// may miss.
    pub(super) fn of_rows<T: Copy + Into<f64>>(values: &[T], features: usize, rows: &[u32]) -> Self {
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

    /// Adds a feature by its values in the training rows, of which there is at least one; as [`FeatureMoments::of_rows`].
    pub(super) fn add<I: Iterator<Item = f64>>(&mut self, values: impl Fn() -> I) {
        let first = values().next().unwrap_or(0.0);
        let (mut sum, mut count, mut varies) = (0.0, 0.0, false);
        for value in values() {
            self.largest = self.largest.max(value.abs());
            sum += value;
            count += 1.0;
            varies |= value != first;
        }
        let mean = if varies { sum / count } else { first };
        let squares: f64 = values().map(|value| (value - mean).powi(2)).sum();
        self.mean.push(mean);
        self.deviation.push((squares / count).sqrt());
    }

    /// Adds a feature that is 1 in a share of the training rows, and else 0.
    pub(super) fn add_share(&mut self, share: f64) {
        self.largest = self.largest.max(if share > 0.0 { 1.0 } else { 0.0 });
        self.mean.push(share);
        self.deviation.push((share * (1.0 - share)).sqrt());
    }

    /// 1 over the deviation of a feature, unless it varies by no more than the rounding of its values.
    fn divisor(&self, feature: usize) -> Option<f64> {
        let deviation = self.deviation[feature];
        let varies = deviation > EQUAL * f64::EPSILON * self.mean[feature].abs();
        reciprocal(deviation).filter(|_| varies)
    }
}

/// Half a rounding step of float32, relative to the value.
const HALF_STEP: f64 = 1.0 / 16_777_216.0;
/// Share of a deviation from which on rounding to float32 is worth a word.
const COARSE: f64 = 1e-3;

/// Whether float32 rounds numbers of this largest magnitude by a part worth a word of how much they vary.
pub fn is_coarse(largest: f64, deviation: f64) -> bool {
    largest * HALF_STEP > COARSE * deviation
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    /// Rows of two features, the last of which is not fitted to.
    fn fitted<T: Copy + Into<f64>>(kind: Normalize, values: &[T], largest: f64) -> Fit {
        let form = Form { largest, channel: 1, indicators: &[] };
        fit(kind, &FeatureMoments::of_rows(values, 2, &[0, 1]), form)
    }

    fn floats(kind: Normalize, values: [f64; 4]) -> Fit {
        fitted(kind, &[values.as_slice(), &[1e6, -1e6]].concat(), 0.0)
    }

    fn map(offset: [f64; 2], factor: [f64; 2]) -> Affine {
        Affine { offset: offset.to_vec(), factor: factor.to_vec() }
    }

    #[test]
    fn none_changes_nothing() {
        let fit = floats(Normalize::None, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!((fit.affine, fit.constant), (map([0.0; 2], [1.0; 2]), vec![]));
    }

    #[test]
    fn scale_divides_by_the_known_or_the_largest_training_value() {
        let bytes = [1u8, 2, 3, 8, 255, 255];
        assert_eq!(fitted(Normalize::Scale, &bytes, 16.0).affine, map([0.0; 2], [1.0 / 16.0; 2]));
        assert_eq!(fitted(Normalize::Scale, &bytes, 255.0).affine, map([0.0; 2], [1.0 / 255.0; 2]));
        assert_eq!(floats(Normalize::Scale, [1.0, -8.0, 3.0, 4.0]).affine, map([0.0; 2], [0.125; 2]));
        assert_eq!(floats(Normalize::Scale, [0.0; 4]).affine, map([0.0; 2], [1.0; 2]));
    }

    #[test]
    fn mean_image_subtracts_the_mean_of_each_feature() {
        let fit = fitted(Normalize::MeanImage, &[1u8, 2, 4, 8, 255, 255], 16.0);
        assert_eq!((fit.affine, fit.constant), (map([2.5, 5.0], [1.0 / 16.0; 2]), vec![]));
        let fit = floats(Normalize::MeanImage, [1.0, -8.0, 3.0, 4.0]);
        assert_eq!(fit.affine, map([2.0, -2.0], [0.125; 2]));
    }

    #[test]
    fn channel_mean_subtracts_the_mean_of_each_channel() {
        // Two images of two channels of 1x2 pixels, and one that is not fitted to.
        let values = [1u8, 3, 10, 10, 5, 7, 0, 4, 255, 255, 255, 255];
        let form = Form { largest: 16.0, channel: 2, indicators: &[] };
        let fit = fit(Normalize::ChannelMean, &FeatureMoments::of_rows(&values, 4, &[0, 1]), form);
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
            assert_eq!(fitted(kind, &[0u8, 2, 0, 8, 255, 255], 16.0).constant, [0], "{kind}");
        }
    }

    #[test]
    fn standardize_divides_by_the_biased_deviation() {
        let fit = floats(Normalize::Standardize, [1.0, 10.0, 5.0, 18.0]);
        assert_eq!((fit.affine, fit.constant), (map([3.0, 14.0], [0.5, 0.25]), vec![]));
        // Far from 0 the deviation is that of the values, not of the rounding: a clock in milliseconds.
        let fit = floats(Normalize::Standardize, [1_700_000_000_000.0, 0.0, 1_700_000_000_001.0, 1.0]);
        assert_eq!(fit.affine, map([1_700_000_000_000.5, 0.5], [2.0, 2.0]));
    }

    #[test]
    fn standardize_leaves_indicators_as_they_are() {
        let moments = FeatureMoments::of_rows(&[0.0, 0.0, 1.0, 4.0], 2, &[0, 1]);
        let form = |indicators| Form { largest: 0.0, channel: 1, indicators };
        let affine = |kind| fit(kind, &moments, form(&[true, false])).affine;
        assert_eq!(affine(Normalize::Standardize), map([0.0, 2.0], [1.0, 0.5]));
        assert_eq!(affine(Normalize::MeanImage), map([0.5, 2.0], [0.25; 2]));
    }

    #[test]
    fn a_constant_feature_becomes_zero_and_is_named() {
        let fit = floats(Normalize::Standardize, [1.0, 0.1, 3.0, 0.1]);
        assert_eq!((fit.affine, fit.constant), (map([2.0, 0.1], [1.0, 1.0]), vec![1]));
        // What differs by the rounding of sums alone is constant: 0.1 + 0.2 is not 0.3.
        let fit = floats(Normalize::Standardize, [0.1 + 0.2, 1.0, 0.3, 3.0]);
        assert_eq!((fit.affine.factor, fit.constant), (vec![1.0, 1.0], vec![0]));
        let fit = floats(Normalize::Standardize, [0.0, 1.0, 1e-40, 3.0]);
        assert_eq!((fit.affine.factor, fit.constant), (vec![2e40, 1.0], vec![]));
        // A sum of seven times 0.1 is not 0.7, so its mean would not be 0.1.
        let moments = FeatureMoments::of_rows(&[0.1; 7], 1, &[0, 1, 2, 3, 4, 5, 6]);
        let fit = super::fit(Normalize::Standardize, &moments, Form { largest: 0.0, channel: 1, indicators: &[] });
        assert_eq!((fit.affine.offset, fit.affine.factor, fit.constant), (vec![0.1], vec![1.0], vec![0]));
    }

    #[test]
    fn the_device_normalises_bytes_alone() {
        let affine = map([0.5, 2.0], [0.1, 4.0]);
        assert_eq!(affine.on_device(&Values::Bytes(vec![])), (vec![0.5, 2.0], vec![0.1, 4.0]));
        assert_eq!(affine.on_device(&Values::Floats(vec![])), (vec![0.0; 2], vec![1.0; 2]));
        assert_eq!((affine.apply(1, 5.0), Affine::none(2).apply(0, 0.1)), (12.0, 0.1));
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
