//! Batch norm's two averages compared: those that training moved, and the population's.

use crate::metrics::{Evaluation, Score};

/// How far the running averages of one layer are from the population statistics.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// The layer, as in `1.batch_norm`.
    pub path: String,
    /// The largest difference of means over the features, in deviations of the population.
    pub mean: f64,
    /// The largest difference of variances, as a share of the population's.
    pub variance: f64,
}

/// How the model does on the validation part with each of batch norm's averages.
#[derive(Clone, Debug, PartialEq)]
pub struct Averaged {
    /// With the running ones.
    pub running: Evaluation,
    /// With those of the population.
    pub population: Evaluation,
    /// Rows, or labels of rows, that are answered rightly with one and wrongly with the other.
    changed: usize,
}

/// By how much the answers differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Difference {
    /// Shares of right answers: with the running averages, and with those of the population.
    Accuracy(f64, f64),
    /// Losses, in the same order.
    Loss(f64, f64),
}

/// A difference of accuracies that matters.
const ACCURACY: f64 = 0.005;

/// Deviations of chance that it must also exceed, where so many answers have changed to right or to wrong.
const DEVIATIONS: f64 = 2.0;

/// A difference of losses that matters, as a share of the smaller one.
const LOSS: f64 = 0.1;

impl Averaged {
    pub(super) fn new(running: Evaluation, population: Evaluation, truth: Option<&[u32]>) -> Self {
        let changed = match (&running.score, &population.score, truth) {
            (Score::Classes { predictions: a, .. }, Score::Classes { predictions: b, .. }, Some(truth)) => {
                (0..truth.len()).filter(|&row| (a[row] == truth[row]) != (b[row] == truth[row])).count()
            }
            _ => running.counted().map_or(0, |(_, of)| of),
        };
        Self { running, population, changed }
    }

    /// Whether the answers are better with the averages of the population, by accuracy where that differs.
    pub fn population_is_better(&self) -> bool {
        match self.difference() {
            Some(Difference::Accuracy(running, population)) => population > running,
            _ => self.population.loss < self.running.loss,
        }
    }

    /// The difference where it matters for the answers, or nothing.
    pub fn difference(&self) -> Option<Difference> {
        let Self { running, population, changed } = self;
        if let (Some(a), Some(b), Some((_, of))) = (running.accuracy(), population.accuracy(), running.counted()) {
            let chance = (*changed as f64).sqrt() / of as f64;
            if (a - b).abs() >= ACCURACY && (a - b).abs() > DEVIATIONS * chance {
                return Some(Difference::Accuracy(a, b));
            }
        }
        let (a, b) = (running.loss, population.loss);
        ((a - b).abs() > LOSS * a.min(b)).then_some(Difference::Loss(a, b))
    }
}

/// Mean and variance of each feature.
pub(super) type Moments = [Vec<f32>; 2];

/// How far running averages are from those of the population.
pub(super) fn gap(path: String, running: &Moments, population: &Moments) -> Gap {
    let mut gap = Gap { path, mean: 0.0, variance: 0.0 };
    for f in 0..population[0].len() {
        let [r, p] = [running, population].map(|m| (f64::from(m[0][f]), f64::from(m[1][f])));
        // A constant feature has no deviation to measure by: what it is off by counts whole.
        let deviation = if p.1 > 0.0 { p.1.sqrt() } else { 1.0 };
        gap.mean = gap.mean.max((r.0 - p.0).abs() / deviation);
        gap.variance = gap.variance.max((r.1 - p.1).abs() / if p.1 > 0.0 { p.1 } else { 1.0 });
    }
    gap
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(loss: f64, predictions: &[u32]) -> Evaluation {
        let correct = predictions.iter().filter(|&&class| class == 0).count();
        let score = Score::Classes { correct, predictions: predictions.to_vec() };
        Evaluation { n: predictions.len(), loss, score }
    }

    #[test]
    fn averages_differ_where_the_answers_do() {
        let wrong = |count: usize| (0..1000).map(|row| u32::from(row < count)).collect::<Vec<u32>>();
        let averaged = |a: (f64, usize), b: (f64, usize)| {
            let [a, b] = [a, b].map(|(loss, count)| evaluation(loss, &wrong(count)));
            Averaged::new(a, b, Some(&[0; 1000])).difference()
        };
        assert_eq!(averaged((0.50, 100), (0.50, 100)), None);
        assert_eq!(averaged((0.50, 100), (0.52, 104)), None);
        assert_eq!(averaged((0.50, 100), (0.52, 150)), Some(Difference::Accuracy(0.9, 0.85)));
        assert_eq!(averaged((0.50, 100), (0.60, 104)), Some(Difference::Loss(0.5, 0.6)));
        // As many answers become wrong as right, but for six: that is chance.
        let mut other = wrong(100);
        (0..100).for_each(|row| other[row] = 0);
        (100..206).for_each(|row| other[row] = 1);
        let averaged = Averaged::new(evaluation(0.5, &wrong(100)), evaluation(0.5, &other), Some(&[0; 1000]));
        assert_eq!(averaged.difference(), None);
    }

    #[test]
    fn a_gap_is_measured_in_the_populations_own_units() {
        let moments = |mean: [f32; 2], variance: [f32; 2]| [mean.to_vec(), variance.to_vec()];
        let found = gap("1.batch_norm".into(), &moments([1.0, 5.0], [4.0, 8.0]), &moments([0.0, 2.0], [4.0, 9.0]));
        assert!((found.mean - 1.0).abs() < 1e-12 && (found.variance - 1.0 / 9.0).abs() < 1e-12, "{found:?}");
    }
}
