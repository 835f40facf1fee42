//! Whether the probability of the answer is the share of right answers: expected calibration error and reliability table.

use crate::data::Targets;
use crate::nn::{Answer, Problem};

/// Bins of the confidence.
pub const BINS: usize = 15;

/// How confidence and accuracy agree over a set of answers.
///
/// The confidence of an answer is the probability of what was answered: of the predicted class, and of a label that of the
/// yes or the no. Bin m of M = 15 holds the confidences in ((m − 1)/M, m/M]; 0 is in the first. The expected calibration
/// error is Σ |B_m|/n · |accuracy(B_m) − confidence(B_m)| (Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern
/// neural networks", equation 3).
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// The expected calibration error, from 0 to 1.
    pub error: f64,
    /// One for each bin, from the lowest confidence.
    pub bins: Vec<Bin>,
}

/// The answers of one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// Number of answers in it.
    pub rows: usize,
    /// Mean confidence of the answers; NaN where there is none.
    pub confidence: f64,
    /// Share of right answers; NaN where there is none.
    pub accuracy: f64,
}

impl Calibration {
    /// The calibration of answers, each its confidence and whether it is right.
    pub fn of(answers: impl Iterator<Item = (f64, bool)>) -> Self {
        let (mut rows, mut confidence, mut right) = ([0usize; BINS], [0.0; BINS], [0usize; BINS]);
        for (confident, is_right) in answers {
            let bin = ((confident * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            rows[bin] += 1;
            confidence[bin] += confident;
            right[bin] += usize::from(is_right);
        }
        let n = rows.iter().sum::<usize>() as f64;
        let error = (0..BINS).map(|bin| (right[bin] as f64 - confidence[bin]).abs() / n).sum();
        let bin = |bin: usize| {
            let count = rows[bin] as f64;
            Bin { rows: rows[bin], confidence: confidence[bin] / count, accuracy: right[bin] as f64 / count }
        };
        Self { error, bins: (0..BINS).map(bin).collect() }
    }

    /// The lowest and the highest confidence of a bin, counted from 0.
    pub fn edges(bin: usize) -> [f64; 2] {
        [bin, bin + 1].map(|edge| edge as f64 / BINS as f64)
    }
}

/// The calibration of outputs `[rows, outputs]` for these rows of a data set; none where outputs stand for no
/// probabilities, as numbers do and classes that were learnt by squared error.
pub(super) fn calibration(problem: &Problem, outputs: &[f32], targets: &Targets, rows: &[u32]) -> Option<Calibration> {
    if !problem.loss.kind().link.gives_probabilities {
        return None;
    }
    let width = problem.head().outputs;
    let each = outputs.chunks(width).zip(rows.iter().map(|&row| row as usize));
    match (problem.answer, targets) {
        (Answer::Class | Answer::Binary, Targets::Classes { labels, .. }) => {
            Some(Calibration::of(each.map(|(outputs, row)| {
                let class = problem.class(outputs);
                (problem.probabilities(outputs)[class], class == labels[row] as usize)
            })))
        }
        (Answer::Labels, Targets::Labels { values, .. }) => Some(Calibration::of(each.flat_map(|(outputs, row)| {
            let answer = |j: usize, yes: f64| {
                let says = problem.is_yes(outputs[j]);
                (if says { yes } else { 1.0 - yes }, says == (values[row * width + j] > 0.5))
            };
            let all = problem.probabilities(outputs);
            all.into_iter().enumerate().map(|(j, yes)| answer(j, yes)).collect::<Vec<_>>()
        }))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn four_certain_answers_three_right_are_a_quarter_off() {
        let found = Calibration::of([true, true, false, true].into_iter().map(|right| (1.0, right)));
        assert_eq!(found.error, 0.25);
        assert_eq!(found.bins[BINS - 1], Bin { rows: 4, confidence: 1.0, accuracy: 0.75 });
        assert!(found.bins[..BINS - 1].iter().all(|bin| bin.rows == 0 && bin.confidence.is_nan()));
    }

    /// By hand: bins (0, 1/15], (8/15, 9/15] and (9/15, 10/15]; an edge belongs to the bin below it.
    #[test]
    fn bins_are_open_below_and_closed_above() {
        let answers = [(0.0, false), (0.6, true), (0.55, false), (0.61, true), (0.66, true)];
        let found = Calibration::of(answers.into_iter());
        assert_eq!([0, 8, 9].map(|bin| found.bins[bin].rows), [1, 2, 2]);
        assert!(near(found.bins[8].confidence, 0.575) && found.bins[8].accuracy == 0.5);
        assert!(near(found.error, (0.0 + 0.15 + 0.73) / 5.0), "{}", found.error);
        assert_eq!(Calibration::edges(8), [8.0 / 15.0, 0.6]);
    }

    #[test]
    fn every_kind_of_answer_has_its_own_confidence() {
        let problem = |answer, loss: &str, names: usize| Problem {
            answer,
            loss: loss.parse().unwrap_or_else(|what| panic!("{what}")),
            names: (0..names).map(|i| i.to_string()).collect(),
        };
        let names = |count: usize| (0..count).map(|i: usize| i.to_string()).collect::<Vec<_>>();
        let logit = |p: f64| (p / (1.0 - p)).ln() as f32;
        // Probabilities 0.8 and 0.3 of the second of two classes: confidences 0.8, right, and 0.7, wrong.
        let classes = Targets::Classes { labels: vec![9, 1, 9, 1], names: names(2) };
        let binary = problem(Answer::Binary, "binary_cross_entropy", 2);
        let found = calibration(&binary, &[logit(0.8), logit(0.3)], &classes, &[1, 3]);
        assert!(found.as_ref().is_some_and(|found| (found.error - 0.45).abs() < 1e-6), "{found:?}");
        let softmax = problem(Answer::Class, "cross_entropy", 2);
        let found = calibration(&softmax, &[0.0, logit(0.8), 0.0, logit(0.3)], &classes, &[1, 3]);
        assert!(found.as_ref().is_some_and(|found| (found.error - 0.45).abs() < 1e-6), "{found:?}");
        let labels = Targets::Labels { values: vec![1.0, 1.0], names: names(2) };
        let several = problem(Answer::Labels, "binary_cross_entropy", 2);
        let found = calibration(&several, &[logit(0.8), logit(0.3)], &labels, &[0]);
        assert!(found.as_ref().is_some_and(|found| (found.error - 0.45).abs() < 1e-6), "{found:?}");
        assert_eq!(calibration(&problem(Answer::Binary, "mse", 2), &[0.8, 0.3], &classes, &[1, 3]), None);
        let numbers = Targets::Numbers { values: vec![1.0, 2.0], names: names(1) };
        assert_eq!(calibration(&problem(Answer::Numbers, "mse", 1), &[0.8, 0.3], &numbers, &[0, 1]), None);
    }
}
