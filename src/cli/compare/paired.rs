//! Runs ranked on the same test rows, and whether the best is better than each other by more than chance.

use super::super::runs::Tested;
use crate::data::Targets;
use crate::metrics::{holm, mcnemar, resample, squared_errors};

/// The seed of the paired bootstrap.
const SEED: u64 = 0;

/// How each test row was answered.
pub(super) enum Rows {
    /// Whether it was answered rightly; of several labels whether all were.
    Right(Vec<bool>),
    /// Its squared error, the mean over its numbers.
    Error(Vec<f64>),
}

/// What is different on the rows between a run and the best.
pub(super) enum Difference {
    /// Rows that only the run answers rightly, and rows that only the best does.
    Answers { only_run: usize, only_best: usize },
    /// The mean squared error of the run minus the best's, with its 95 % interval.
    Errors { mean: f64, interval: [f64; 2] },
}

/// A run against the best.
pub(super) struct Against {
    /// Its place among the runs.
    pub(super) run: usize,
    pub(super) difference: Difference,
    pub(super) p: f64,
    /// The same corrected for the number of runs (Holm).
    pub(super) corrected: f64,
}

/// The best run and the others against it.
pub(super) struct Ranking {
    pub(super) best: usize,
    pub(super) others: Vec<Against>,
}

/// How a run answered its test rows.
pub(super) fn rows(tested: &Tested) -> Rows {
    let (job, width) = (&tested.job, tested.job.problem.head().outputs);
    let each = tested.outputs.chunks(width).zip(&job.split.test);
    let is_number = |outputs: &[f32]| !outputs.iter().any(|value| value.is_nan());
    match &job.dataset.targets {
        Targets::Classes { labels, .. } => Rows::Right(
            each.map(|(row, &at)| is_number(row) && job.problem.class(row) == labels[at as usize] as usize).collect(),
        ),
        Targets::Labels { values, .. } => {
            let right = |(row, &at): (&[f32], &u32)| {
                let wanted = values[at as usize * width..][..width].iter().map(|&target| target > 0.5);
                is_number(row) && row.iter().zip(wanted).all(|(&output, wanted)| job.problem.is_yes(output) == wanted)
            };
            Rows::Right(each.map(right).collect())
        }
        Targets::Numbers { values, .. } => {
            Rows::Error(squared_errors(&job.scale, &tested.outputs, values, &job.split.test))
        }
    }
}

/// How badly the rows were answered: less is better.
fn badness(rows: &Rows) -> f64 {
    match rows {
        Rows::Right(right) => right.iter().filter(|right| !**right).count() as f64,
        Rows::Error(errors) => errors.iter().sum::<f64>() / errors.len() as f64,
    }
}

/// Why a run cannot be ranked by its answers, in a clause.
pub(super) fn not_finite(rows: &Rows) -> Option<&'static str> {
    (!badness(rows).is_finite()).then_some("its squared error on the test rows is not finite")
}

/// Ranks runs, each by its place and its answers to the same rows, of which none is [`not_finite`]. The first of equally good
/// ones is the best. There is no ranking of fewer than two runs.
pub(super) fn ranking(runs: &[(usize, Rows)]) -> Option<Ranking> {
    if runs.len() < 2 {
        return None;
    }
    let (best, best_rows) = runs.iter().min_by(|(_, a), (_, b)| badness(a).total_cmp(&badness(b)))?;
    let against = |(run, rows): &(usize, Rows)| {
        let (difference, p) = difference(rows, best_rows)?;
        Some(Against { run: *run, difference, p, corrected: p })
    };
    let mut others: Vec<Against> = runs.iter().filter(|(run, _)| run != best).filter_map(against).collect();
    let corrected = holm(&others.iter().map(|other| other.p).collect::<Vec<_>>());
    others.iter_mut().zip(corrected).for_each(|(other, p)| other.corrected = p);
    Some(Ranking { best: *best, others })
}

/// The difference of two runs on the same rows and its p-value.
fn difference(run: &Rows, best: &Rows) -> Option<(Difference, f64)> {
    match (run, best) {
        (Rows::Right(run), Rows::Right(best)) => {
            let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count();
            let (only_run, only_best) = (only(run, best), only(best, run));
            Some((Difference::Answers { only_run, only_best }, mcnemar(only_run, only_best)))
        }
        (Rows::Error(run), Rows::Error(best)) => {
            let differences: Vec<f64> = run.iter().zip(best).map(|(run, best)| run - best).collect();
            let found = resample(&differences, SEED)?;
            Some((Difference::Errors { mean: found.mean, interval: found.interval }, found.p))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(rows: &str) -> Rows {
        Rows::Right(rows.chars().map(|c| c == '1').collect())
    }

    /// By hand: 5 of 8 rows only by the best and 0 only by the other give 2 · 2⁻⁵; Holm doubles the smaller of two.
    #[test]
    fn runs_are_ranked_by_rows_that_one_alone_answers() {
        let runs = [(0, right("00000111")), (2, right("11111111")), (3, right("11111110"))];
        let ranking = ranking(&runs).unwrap_or_else(|| panic!("three runs"));
        assert_eq!((ranking.best, ranking.others.len()), (2, 2));
        let [first, second] = &ranking.others[..] else { panic!("two others") };
        assert!(matches!(first.difference, Difference::Answers { only_run: 0, only_best: 5 }));
        assert!((first.p - 0.0625).abs() < 1e-9 && (first.corrected - 0.125).abs() < 1e-9);
        assert_eq!((second.run, second.p, second.corrected), (3, 1.0, 1.0));
    }

    #[test]
    fn errors_are_ranked_by_their_mean() {
        let runs = [(0, Rows::Error(vec![1.0; 50])), (1, Rows::Error(vec![0.5; 50]))];
        let ranking = ranking(&runs).unwrap_or_else(|| panic!("two runs"));
        assert_eq!(ranking.best, 1);
        assert!(matches!(ranking.others[0].difference, Difference::Errors { mean: 0.5, interval: [0.5, 0.5] }));
        assert!(ranking.others[0].p < 0.001);
        assert!(super::ranking(&runs[..1]).is_none());
        let none = [f64::NAN, f64::INFINITY].map(|error| not_finite(&Rows::Error(vec![0.5, error])).is_some());
        assert!(none == [true; 2] && runs.iter().all(|(_, rows)| not_finite(rows).is_none()));
    }
}
