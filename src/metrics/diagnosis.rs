//! Which error of a classifier is the one to work on: the recipe of bias and variance.
//!
//! A classifier has an error on each of up to five sets: that of a person, that on the rows it is trained on, on rows of the same
//! source that it is not trained on (train-dev), on the validation rows and on the test rows, the last two from the source that
//! counts. The differences of neighbours name what is wrong (Ng, "Machine Learning Yearning", chapters 20 to 22 and 40 to 41).

use std::cmp::Reverse;

/// How far a gap may be below the threshold by rounding alone: 0.06 - 0.04 is less than 0.02 in binary.
const ROUNDING: f64 = 1e-9;

/// The errors of a classifier, as shares from 0 to 1; none where an error is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// The error of a person, or another error that is thought to be the lowest possible.
    pub human: Option<f64>,
    /// The error on the rows that it is trained on.
    pub train: Option<f64>,
    /// The error on rows of the training source that it is not trained on.
    pub train_dev: Option<f64>,
    /// The error on the validation rows.
    pub validation: Option<f64>,
    /// The error on the test rows.
    pub test: Option<f64>,
}

/// A difference of two errors that a recipe exists for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gap {
    /// Avoidable bias: training error minus human error.
    Bias,
    /// Variance: train-dev error minus training error; without a train-dev error, validation error minus training error.
    Variance,
    /// Data mismatch: validation error minus train-dev error.
    Mismatch,
    /// Overfitting of the validation part: test error minus validation error.
    ValidationOverfit,
}

impl Gap {
    /// All gaps, in the order in which they are worked on where they are equally large.
    pub const ALL: [Self; 4] = [Self::Bias, Self::Variance, Self::Mismatch, Self::ValidationOverfit];

    /// The name of the problem, as in `validation_overfit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bias => "bias",
            Self::Variance => "variance",
            Self::Mismatch => "mismatch",
            Self::ValidationOverfit => "validation_overfit",
        }
    }
}

impl Errors {
    /// The two errors that a gap lies between: the one that is taken off, and the one that it is taken off from.
    pub fn ends(&self, gap: Gap) -> [Option<f64>; 2] {
        match gap {
            Gap::Bias => [self.human, self.train],
            Gap::Variance => [self.train, self.train_dev.or(self.validation)],
            Gap::Mismatch => [self.train_dev, self.validation],
            Gap::ValidationOverfit => [self.validation, self.test],
        }
    }

    /// The size of a gap, as a share; none where one of its two errors is not known. It may be negative.
    pub fn gap(&self, gap: Gap) -> Option<f64> {
        let [from, to] = self.ends(gap);
        Some(to? - from?)
    }

    /// The gaps of at least `threshold`, a share above 0: the largest first.
    pub fn problems(&self, threshold: f64) -> Vec<Gap> {
        let sized = Gap::ALL.into_iter().filter_map(|gap| Some((gap, self.gap(gap)?)));
        let mut problems: Vec<(Gap, f64)> = sized.filter(|(_, size)| *size >= threshold - ROUNDING).collect();
        // Gaps that differ by rounding alone count as equal, and equal ones keep their order.
        problems.sort_by_key(|(_, size)| Reverse((size / ROUNDING).round() as i64));
        problems.into_iter().map(|(gap, _)| gap).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors in percent: human, train, train-dev, validation.
    fn errors(human: f64, train: f64, train_dev: Option<f64>, validation: f64) -> Errors {
        let share = |percent: f64| Some(percent / 100.0);
        let train_dev = train_dev.and_then(share);
        Errors { human: share(human), train: share(train), train_dev, validation: share(validation), test: None }
    }

    /// The cases that a course on training networks works through.
    #[test]
    fn the_cases_of_the_course_are_named() {
        use Gap::{Bias, Mismatch, Variance};
        let cases: [(Errors, &[Gap]); 10] = [
            (errors(0.0, 1.0, None, 11.0), &[Variance]),
            (errors(0.0, 15.0, None, 16.0), &[Bias]),
            (errors(0.0, 15.0, None, 30.0), &[Bias, Variance]),
            (errors(0.0, 0.5, None, 1.0), &[]),
            (errors(14.0, 15.0, None, 30.0), &[Variance]),
            (errors(14.0, 15.0, None, 16.0), &[]),
            (errors(0.0, 1.0, Some(5.0), 5.0), &[Variance]),
            (errors(0.0, 10.0, Some(11.0), 12.0), &[Bias]),
            (errors(0.0, 10.0, Some(11.0), 20.0), &[Bias, Mismatch]),
            (errors(0.0, 1.0, Some(1.5), 10.0), &[Mismatch]),
        ];
        for (errors, problems) in cases {
            assert_eq!(errors.problems(0.02), problems, "{errors:?}");
        }
    }

    #[test]
    fn the_largest_comes_first_and_a_gap_of_the_threshold_counts() {
        let errors = Errors { test: Some(0.4), ..errors(0.04, 6.0, None, 15.0) };
        assert_eq!(errors.problems(0.02), [Gap::ValidationOverfit, Gap::Variance, Gap::Bias]);
        assert_eq!(errors.problems(0.2), [Gap::ValidationOverfit]);
        // In binary this gap is a little below 0.02.
        let exactly = Errors { train: Some(0.04), validation: Some(0.06), ..Errors::default() };
        assert_eq!(exactly.problems(0.02), [Gap::Variance]);
        assert_eq!(exactly.problems(0.021), []);
    }

    #[test]
    fn an_error_that_is_not_known_makes_no_gap() {
        let errors = Errors { train: Some(0.3), test: Some(0.9), ..Errors::default() };
        assert!(Gap::ALL.iter().all(|gap| errors.gap(*gap).is_none()) && errors.problems(0.02).is_empty());
        let lower = Errors { train: Some(0.3), validation: Some(0.1), ..Errors::default() };
        assert!(lower.gap(Gap::Variance) < Some(0.0) && lower.problems(0.02).is_empty());
    }
}
