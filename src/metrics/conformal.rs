//! Split conformal prediction: sets of classes, and intervals of numbers, that hold the right answer with a given probability.
//!
//! Source: Angelopoulos & Bates 2021, "A gentle introduction to conformal prediction", section 1. Of n rows that the model was
//! not trained on, each gives a score: 1 − p of the right class (the least ambiguous sets of Sadinle, Lei & Wasserman 2019),
//! and of a number |prediction − target|. Let q be the ⌈(n + 1) c⌉-th smallest score. The set of a new row are all classes
//! with 1 − p ≤ q, and its interval is the prediction ± q. Over new rows of the same source the right answer is among them
//! with a probability of at least c. A set may be empty: no class is likely enough.

use crate::data::Targets;
use crate::nn::{Answer, Problem, TargetScale};
use serde::{Deserialize, Serialize};

/// Most rows whose scores are kept: with so many, a coverage of 0.9 is within 0.6 points of what is asked, 19 times in 20.
pub const MOST_SCORES: usize = 10_000;

/// The scores of rows, sorted: one list for classes, one for each number of a regression; none for labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scores(Vec<Vec<f64>>);

impl Scores {
    /// The scores of outputs `[rows, outputs]` for these rows of a data set; of more than [`MOST_SCORES`] rows, those of rows
    /// spread evenly over them.
    pub fn of(problem: &Problem, scale: &TargetScale, outputs: &[f32], targets: &Targets, rows: &[u32]) -> Self {
        let width = problem.head().outputs;
        let count = rows.len().min(MOST_SCORES);
        let picked: Vec<usize> = (0..count).map(|i| i * rows.len() / count).collect();
        let of_row = |i: usize| (&outputs[i * width..][..width], rows[i] as usize);
        let mut lists = match targets {
            Targets::Classes { labels, .. } => {
                let score = |&i: &usize| {
                    let (outputs, row) = of_row(i);
                    1.0 - problem.probabilities(outputs)[labels[row] as usize]
                };
                vec![picked.iter().map(score).collect::<Vec<f64>>()]
            }
            Targets::Numbers { values, .. } => {
                let score = |i: usize, j: usize| {
                    let (outputs, row) = of_row(i);
                    (scale.original(j, outputs[j]) - values[row * width + j]).abs()
                };
                (0..width).map(|j| picked.iter().map(|&i| score(i, j)).collect()).collect()
            }
            Targets::Labels { .. } => vec![],
        };
        lists.iter_mut().for_each(|list| list.sort_unstable_by(f64::total_cmp));
        Self(lists)
    }

    /// Number of rows that gave a score.
    pub fn rows(&self) -> usize {
        self.0.first().map_or(0, Vec::len)
    }

    /// Whether there are as many lists as the answer needs, all as long, sorted and finite: for files that anyone may have
    /// written.
    pub fn fit(&self, answer: Answer, numbers: usize) -> bool {
        let lists = match answer {
            Answer::Class | Answer::Binary => 1,
            Answer::Numbers => numbers,
            Answer::Labels => 0,
        };
        let whole = |list: &Vec<f64>| list.is_sorted() && list.iter().all(|score| score.is_finite() && *score >= 0.0);
        self.0.len() == lists && self.0.iter().all(|list| list.len() == self.rows() && whole(list))
    }

    /// The largest score that a class may have to be in a set, or the half width of each number's interval, for a coverage
    /// in (0, 1). Infinite where the rows are too few, so that every class is in the set.
    pub fn bounds(&self, coverage: f64) -> Vec<f64> {
        let bound = |list: &Vec<f64>| {
            let rank = rank(list.len(), coverage);
            list.get(rank - 1).copied().unwrap_or(f64::INFINITY)
        };
        self.0.iter().map(bound).collect()
    }
}

/// ⌈(n + 1) c⌉, at least 1. A product that is a whole number but for rounding is that number.
fn rank(n: usize, coverage: f64) -> usize {
    (((n + 1) as f64 * coverage - 1e-9).ceil() as usize).max(1)
}

/// The fewest scores with which a coverage can be had.
pub fn scores_needed(coverage: f64) -> usize {
    let near = (coverage / (1.0 - coverage)) as usize;
    (near.saturating_sub(1).max(1)..).find(|&n| rank(n, coverage) <= n).unwrap_or(usize::MAX)
}

/// The classes, by their numbers, whose probability is high enough for a bound of [`Scores::bounds`].
pub fn prediction_set(probabilities: &[f64], bound: f64) -> Vec<usize> {
    (0..probabilities.len()).filter(|&class| 1.0 - probabilities[class] <= bound).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Loss;

    fn scores(all: &[f64]) -> Scores {
        Scores(vec![all.to_vec()])
    }

    #[test]
    fn the_bound_is_the_score_of_the_rank() {
        let of_nine = scores(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
        // ⌈10 · 0.9⌉ = 9, ⌈10 · 0.5⌉ = 5, ⌈10 · 0.55⌉ = 6, ⌈10 · 0.91⌉ = 10 > 9.
        assert_eq!([0.9, 0.5, 0.55, 0.01].map(|c| of_nine.bounds(c)[0]), [0.9, 0.5, 0.6, 0.1]);
        assert_eq!(of_nine.bounds(0.91), [f64::INFINITY]);
        assert_eq!([0.9, 0.95, 0.5, 0.99, 0.91, 0.9999].map(scores_needed), [9, 19, 1, 99, 11, 9999]);
        for coverage in [0.5, 0.55, 0.8, 0.9, 0.95, 0.99] {
            let enough = scores(&vec![0.5; scores_needed(coverage)]);
            let few = scores(&vec![0.5; scores_needed(coverage) - 1]);
            assert!(enough.bounds(coverage)[0] == 0.5 && few.bounds(coverage)[0] == f64::INFINITY, "{coverage}");
        }
    }

    #[test]
    fn a_set_has_all_classes_that_are_likely_enough() {
        assert_eq!(prediction_set(&[0.5, 0.3, 0.2], 0.5), [0]);
        assert_eq!(prediction_set(&[0.5, 0.25, 0.25], 0.75), [0, 1, 2]);
        assert_eq!(prediction_set(&[0.5, 0.3, 0.2], 0.4), [0; 0]);
        assert_eq!(prediction_set(&[1.0, 0.0], f64::INFINITY), [0, 1]);
    }

    #[test]
    fn scores_are_those_of_the_right_answers() {
        let class = Problem { answer: Answer::Class, loss: Loss::CROSS_ENTROPY, names: vec!["a".into(), "b".into()] };
        let outputs = [0.0, 3f32.ln(), 0.0, 3f32.ln()];
        let targets = Targets::Classes { labels: vec![9, 1, 0], names: vec![] };
        let found = Scores::of(&class, &TargetScale::none(2), &outputs, &targets, &[1, 2]);
        assert!((found.0[0][0] - 0.25).abs() < 1e-7 && (found.0[0][1] - 0.75).abs() < 1e-7, "{found:?}");
        assert!(found.fit(Answer::Class, 2) && found.fit(Answer::Numbers, 1) && !found.fit(Answer::Numbers, 2));
        assert!(!scores(&[0.3, 0.2]).fit(Answer::Class, 2) && !scores(&[f64::NAN]).fit(Answer::Class, 2));
        let numbers = Problem { answer: Answer::Numbers, loss: Loss::MSE, names: class.names };
        let targets = Targets::Numbers { values: vec![1.0, 10.0, 4.0, 20.0], names: vec![] };
        let found = Scores::of(&numbers, &TargetScale::none(2), &[3.0, 9.5, 4.5, 23.0], &targets, &[0, 1]);
        assert_eq!(found, Scores(vec![vec![0.5, 2.0], vec![0.5, 3.0]]));
        assert_eq!((found.rows(), found.bounds(0.5)), (2, vec![2.0, 3.0]));
    }

    #[test]
    fn of_many_rows_some_spread_evenly_are_kept() {
        let numbers = Problem { answer: Answer::Numbers, loss: Loss::MSE, names: vec!["y".into()] };
        let count = 3 * MOST_SCORES;
        let values: Vec<f64> = (0..count).map(|row| row as f64).collect();
        let targets = Targets::Numbers { values, names: vec![] };
        let rows: Vec<u32> = (0..count as u32).collect();
        let found = Scores::of(&numbers, &TargetScale::none(1), &vec![0.0; count], &targets, &rows);
        assert_eq!((found.rows(), found.0[0][1]), (MOST_SCORES, 3.0));
        assert!(found.0[0][MOST_SCORES - 1] == (count - 3) as f64);
    }
}
