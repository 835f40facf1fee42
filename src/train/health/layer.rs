//! What is measured of one layer, and its line in `health.csv`.

use crate::kernel::Step;
use crate::ops::health::{COUNTS, MAGNITUDES};

/// The columns of `health.csv`. A histogram is one field: the numbers of values below the magnitude 10⁻⁸, from there to 10⁻⁷,
/// and so on, the last from 10 on, with blanks between.
pub(in crate::train) const HEADER: &str = "epoch,layer,rows,mean,deviation,deviation_over_rows,saturated,dead,gradient_mean,\
    gradient_deviation,weight_gradient_norm,update_to_weight,one_sign,activations,gradients";

/// How the values of a layer's units lie, over rows and the pixels of images.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Mean over all values.
    pub mean: f64,
    /// Standard deviation of all values, over n.
    pub deviation: f64,
    /// Root of the units' mean variance: how much the values depend on the row.
    pub deviation_over_rows: f64,
    /// Values by magnitude: below 10⁻⁸, from there to 10⁻⁷, and so on; the last are those from 10 on.
    pub histogram: Vec<u64>,
    /// Values of each unit.
    pub values: u64,
    /// Number of units: values of a row, or channels of an image.
    pub units: usize,
}

/// The health of one layer after an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerHealth {
    /// Path of the layer, as in `3.relu`.
    pub path: String,
    /// Training rows that were looked at.
    pub rows: u64,
    /// Number of all training rows.
    pub of_rows: u64,
    /// How its outputs lie.
    pub outputs: Spread,
    /// Share of the outputs at an end of the range, beyond 0.99 of it; none for a function without ends.
    pub saturated: Option<f64>,
    /// Share of the units that gave 0 for every row, after a ReLU; an image's channel is a unit. Other layers have none.
    pub dead: Option<f64>,
    /// The gradient of a batch's mean loss by the outputs, if there is one.
    pub gradients: Option<Spread>,
    /// Norm of the same gradient by the layer's own tensors, if training moves any.
    pub weight_gradient_norm: Option<f64>,
    /// Norm of what the epoch's last update changed, as a share of the norm of what it changed.
    pub update_to_weight: Option<f64>,
    /// Share of the units whose incoming weights have gradients of one sign, zeros left out; a unit whose gradients are all zero
    /// has none.
    pub one_sign: Option<f64>,
}

/// A spread, and what the counts of the units say beside.
pub(super) struct Counted {
    pub(super) spread: Spread,
    /// Whether a unit had a value above 0.
    pub(super) positive: Vec<bool>,
    /// Values at an end of the range.
    pub(super) at_end: u64,
}

impl Counted {
    /// Joins the lines of the steps, each with mean and variance of the units, and their counts. Steps are merged by Chan, Golub &
    /// LeVeque 1983, "Algorithms for computing the sample variance", eq. 2.1.
    pub(super) fn of(steps: &[Step], (units, pixels): (usize, usize), (moments, counts): (&[f32], &[u32])) -> Self {
        let (mut means, mut squares, mut before) = (vec![0.0; units], vec![0.0; units], 0.0);
        let mut sums = vec![0_u64; COUNTS * units];
        for (line, step) in steps.iter().enumerate() {
            let count = step.rows as f64 * pixels as f64;
            let all = before + count;
            for f in 0..units {
                let [mean, variance] = [0, 1].map(|of| f64::from(moments[(2 * line + of) * units + f]));
                let off = mean - means[f];
                squares[f] += count * variance + off * off * before * count / all;
                means[f] += off * count / all;
            }
            let counts = &counts[line * COUNTS * units..];
            sums.iter_mut().zip(counts).for_each(|(sum, &count)| *sum += u64::from(count));
            before = all;
        }
        let of = |count: usize| sums[count * units..(count + 1) * units].iter().sum::<u64>();
        let mean = means.iter().sum::<f64>() / units as f64;
        let within = squares.iter().sum::<f64>() / (before * units as f64);
        let between = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / units as f64;
        let values = before as u64;
        let mut at_least: Vec<u64> = vec![values * units as u64];
        at_least.extend((0..MAGNITUDES.len()).map(|at| of(2 + at)));
        at_least.push(0);
        let histogram = at_least.windows(2).map(|pair| pair[0] - pair[1]).collect();
        let (deviation, deviation_over_rows) = ((within + between).sqrt(), within.sqrt());
        Self {
            spread: Spread { mean, deviation, deviation_over_rows, histogram, values, units },
            positive: sums[..units].iter().map(|&positive| positive > 0).collect(),
            at_end: of(1),
        }
    }
}

/// The kind of a layer by its path, as in `relu`.
pub(super) fn kind(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Share of units without a value above 0.
pub(super) fn never(positive: &[bool]) -> f64 {
    positive.iter().filter(|&&positive| !positive).count() as f64 / positive.len() as f64
}

impl Spread {
    /// Root of the sum of all squares.
    pub fn norm(&self) -> f64 {
        (self.values as f64 * self.units as f64).sqrt() * self.mean.hypot(self.deviation)
    }

    fn histogram(&self) -> String {
        self.histogram.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
    }
}

impl LayerHealth {
    /// Its line in `health.csv`.
    pub(in crate::train) fn csv_line(&self, epoch: u64) -> String {
        let shown = |share: Option<f64>| share.map_or_else(String::new, |share| share.to_string());
        let of = |what: fn(&Spread) -> f64| shown(self.gradients.as_ref().map(what));
        let Self { path, rows, outputs, .. } = self;
        [
            epoch.to_string(),
            path.clone(),
            rows.to_string(),
            outputs.mean.to_string(),
            outputs.deviation.to_string(),
            outputs.deviation_over_rows.to_string(),
            shown(self.saturated),
            shown(self.dead),
            of(|gradients| gradients.mean),
            of(|gradients| gradients.deviation),
            shown(self.weight_gradient_norm),
            shown(self.update_to_weight),
            shown(self.one_sign),
            outputs.histogram(),
            self.gradients.as_ref().map_or_else(String::new, Spread::histogram),
        ]
        .join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_merged_to_the_moments_and_counts_of_all_rows() {
        // Two units over three rows, in a step of two rows and one of one: unit 0 gives 1, 3 and 5, unit 1 gives 0 each time.
        let step = |rows| Step { start: 0, rows, rate: 0.0, step: 0 };
        let moments = [2.0, 0.0, 1.0, 0.0, 5.0, 0.0, 0.0, 0.0];
        let mut counts = vec![];
        for rows in [2_u32, 1] {
            // Above 0; at an end; from 10⁻⁸ on to 1, and from 10 on.
            counts.extend([[rows, 0], [rows - 1, 0]].into_iter().chain([[rows, 0]; 9]).chain([[0, 0]]).flatten());
        }
        let counted = Counted::of(&[step(2), step(1)], (2, 1), (&moments, &counts));
        assert_eq!((&counted.positive[..], counted.at_end), (&[true, false][..], 1));
        let spread = counted.spread;
        assert_eq!((spread.values, spread.units, spread.mean), (3, 2, 1.5));
        // Unit 0 has the variance 8 ÷ 3, unit 1 none; all six values have 35 ÷ 6 − 1.5².
        assert!((spread.deviation_over_rows - (4.0_f64 / 3.0).sqrt()).abs() < 1e-12, "{spread:?}");
        assert!((spread.deviation - (35.0_f64 / 6.0 - 2.25).sqrt()).abs() < 1e-12, "{spread:?}");
        assert_eq!(spread.histogram, [3, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0]);
        assert!((spread.norm() - 35.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_line_has_a_field_for_each_column() {
        let spread = Spread {
            mean: 0.5,
            deviation: 2.0,
            deviation_over_rows: 1.5,
            histogram: vec![7, 0, 3],
            values: 10,
            units: 1,
        };
        let mut layer = LayerHealth {
            path: "3.relu".into(),
            rows: 10,
            of_rows: 10,
            outputs: spread.clone(),
            saturated: None,
            dead: Some(0.25),
            gradients: Some(spread),
            weight_gradient_norm: None,
            update_to_weight: None,
            one_sign: None,
        };
        assert_eq!(layer.csv_line(2), "2,3.relu,10,0.5,2,1.5,,0.25,0.5,2,,,,7 0 3,7 0 3");
        (layer.gradients, layer.weight_gradient_norm, layer.one_sign) = (None, Some(1e-9), Some(1.0));
        assert_eq!(layer.csv_line(2), "2,3.relu,10,0.5,2,1.5,,0.25,,,0.000000001,,1,7 0 3,");
        assert_eq!(layer.csv_line(2).split(',').count(), HEADER.split(',').count());
    }
}
