//! How far off the numbers of a regression are, in the data's own units.

use crate::nn::TargetScale;

/// The 97.5 % quantile of the normal distribution.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// Of numbers, in the data's own units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberMetrics {
    /// Square root of the mean squared error over rows and numbers.
    pub rmse: f64,
    /// Mean absolute error over rows and numbers.
    pub mae: f64,
    /// The root mean squared and the mean absolute error of a model that gives every row the mean of the rows' targets.
    pub baseline: [f64; 2],
}

impl NumberMetrics {
    /// Judges outputs `[rows, numbers]`, of which the mean squared error is known, by the targets of these rows.
    pub(super) fn of(mse: f64, scale: &TargetScale, outputs: &[f32], values: &[f64], rows: &[u32]) -> Self {
        let width = scale.offset.len();
        let (mut square, mut distance) = (0.0, 0.0);
        for j in 0..width {
            let target = |row: &u32| values[*row as usize * width + j];
            let mean = rows.iter().map(target).sum::<f64>() / rows.len() as f64;
            for row in rows {
                square += (target(row) - mean).powi(2);
                distance += (target(row) - mean).abs();
            }
        }
        let count = (rows.len() * width) as f64;
        Self {
            rmse: mse.sqrt(),
            mae: mean(&row_errors((scale, outputs), (values, rows), f64::abs)),
            baseline: [(square / count).sqrt(), distance / count],
        }
    }
}

/// The mean over rows.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The squared error of each row, the mean over its numbers.
pub(crate) fn squared_errors(scale: &TargetScale, outputs: &[f32], values: &[f64], rows: &[u32]) -> Vec<f64> {
    row_errors((scale, outputs), (values, rows), |error| error * error)
}

/// For each row the mean, over its numbers, of what `of` makes of the distance of output and target.
fn row_errors(
    (scale, outputs): (&TargetScale, &[f32]),
    (values, rows): (&[f64], &[u32]),
    of: impl Fn(f64) -> f64,
) -> Vec<f64> {
    let width = scale.offset.len();
    let error = |(outputs, &row): (&[f32], &u32)| {
        let targets = &values[row as usize * width..][..width];
        let each = outputs.iter().zip(targets).enumerate();
        each.map(|(j, (&output, target))| of(scale.original(j, output) - target)).sum::<f64>() / width as f64
    };
    outputs.chunks(width).zip(rows).map(error).collect()
}

/// The mean of values, one for each row, and its standard error; NaN of a single row.
pub(super) fn mean_and_error(values: &[f64]) -> [f64; 2] {
    let (n, mean) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    [mean, (squares / (n - 1.0) / n).sqrt()]
}

/// The 95 % interval of the root of the mean of squared errors, one for each row, as [`Score::Numbers`](super::Score) says.
pub(super) fn root_interval(squares: &[f64]) -> Option<[f64; 2]> {
    let [mean, error] = mean_and_error(squares);
    // Where no row is wrong, the deviation is 0 too.
    let of_logarithm = if mean == 0.0 { error } else { error / (2.0 * mean) };
    let ends = [-1.0, 1.0].map(|side| mean.sqrt() * (side * Z * of_logarithm).exp());
    ends.iter().all(|end| end.is_finite()).then_some(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Domain, Stream};
    use rand_distr::{Distribution, StandardNormal};

    /// NumPy: `e = np.sin(1.7 * np.arange(40)) ** 2; m = e.mean(); h = 1.959963984540054 * e.std(ddof=1) / (2 * m * 40 ** 0.5)`
    /// and `m ** 0.5 * np.exp([-h, h])`. With n in place of n − 1 the ends are 0.001 nearer to the middle.
    #[test]
    fn the_interval_of_the_root_is_that_of_its_logarithm() {
        let squares: Vec<f64> = (0..40).map(|i| (f64::from(i) * 1.7).sin().powi(2)).collect();
        let found = root_interval(&squares).unwrap_or_default();
        assert!(
            found
                .iter()
                .zip([0.622_393_786_963_684_4, 0.786_125_625_146_156_7])
                .all(|(found, wanted)| (found - wanted).abs() < 1e-12),
            "{found:?}"
        );
        assert_eq!((root_interval(&[0.0; 5]), root_interval(&[4.0; 5])), (Some([0.0; 2]), Some([2.0; 2])));
        let none = [&[4.0][..], &[], &[1.0, f64::NAN], &[1.0, f64::INFINITY], &[1e308, 1e308]];
        none.iter().for_each(|squares| assert_eq!(root_interval(squares), None, "{squares:?}"));
    }

    /// The share of samples of 200 normal errors whose interval holds the true 1. A share of 4,000 has a standard error of 0.0034:
    /// three of them are allowed. NumPy's share of 100,000 such samples is 0.9447.
    #[test]
    fn nineteen_intervals_of_twenty_hold_the_true_error() {
        const SAMPLES: u32 = 4000;
        let mut held = 0;
        for sample in 0..SAMPLES {
            let mut words = Stream::new(3, Domain::Resample, sample);
            let mut square = || -> f64 {
                let error: f64 = StandardNormal.sample(&mut words);
                error * error
            };
            let squares: Vec<f64> = (0..200).map(|_| square()).collect();
            held += u32::from(root_interval(&squares).is_some_and(|[low, high]| low <= 1.0 && 1.0 <= high));
        }
        let share = f64::from(held) / f64::from(SAMPLES);
        assert!((share - 0.9447).abs() < 0.0105, "{share}");
    }
}
