//! Bias and variance from counted answers: each error and each gap with its interval.

use super::diagnosis::{Errors, Gap};
use super::evaluation::wilson;

/// Wrong answers, and of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The number of wrong answers.
    pub wrong: usize,
    /// The number of all answers, at least 1.
    pub of: usize,
}

impl Tally {
    /// The share of wrong answers, from 0 to 1.
    pub fn error(self) -> f64 {
        self.wrong as f64 / self.of as f64
    }

    /// The 95 % interval of the error by Wilson's formula: its lower and upper end.
    pub fn interval(self) -> [f64; 2] {
        wilson(self.wrong, self.of)
    }

    /// The 95 % interval of the error of `self` minus that of `other`, for answers to different rows: Newcombe's from the two
    /// Wilson intervals (Newcombe 1998, "Interval estimation for the difference between independent proportions: comparison of
    /// eleven methods", method 10).
    pub fn minus(self, other: Self) -> [f64; 2] {
        let ([p, q], [[low, high], [other_low, other_high]]) =
            ([self, other].map(Self::error), [self, other].map(Self::interval));
        let size = p - q;
        [size - (p - low).hypot(other_high - q), size + (high - p).hypot(q - other_low)]
    }
}

/// The answers of a classifier, part by part; none where there are no rows or no error is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tallies {
    /// The error of a person as a share, which is taken as exact.
    pub human: Option<f64>,
    /// The answers on the rows that it is trained on.
    pub train: Option<Tally>,
    /// The answers on rows of the training source that it is not trained on.
    pub train_dev: Option<Tally>,
    /// The answers on the validation rows.
    pub validation: Option<Tally>,
    /// The answers on the test rows.
    pub test: Option<Tally>,
}

impl Tallies {
    /// The errors, without their intervals.
    pub fn errors(&self) -> Errors {
        let [train, train_dev, validation, test] =
            [self.train, self.train_dev, self.validation, self.test].map(|tally| tally.map(Tally::error));
        Errors { human: self.human, train, train_dev, validation, test }
    }

    /// The tally that a gap is taken of, and the one that is taken off; that of [`Gap::Bias`] has only the first.
    pub fn ends(&self, gap: Gap) -> [Option<Tally>; 2] {
        match gap {
            Gap::Bias => [self.train, None],
            Gap::Variance => [self.train_dev.or(self.validation), self.train],
            Gap::Mismatch => [self.validation, self.train_dev],
            Gap::ValidationOverfit => [self.test, self.validation],
        }
    }

    /// The 95 % interval of a gap, a share; none where one of its two errors is not known.
    pub fn interval(&self, gap: Gap) -> Option<[f64; 2]> {
        match (gap, self.ends(gap)) {
            (Gap::Bias, [Some(train), _]) => {
                let human = self.human?;
                Some(train.interval().map(|end| end - human))
            }
            (_, [Some(of), Some(from)]) => Some(of.minus(from)),
            _ => None,
        }
    }

    /// The gaps of at least `threshold`, a share above 0, whose interval excludes 0: the largest first.
    pub fn problems(&self, threshold: f64) -> Vec<Gap> {
        let mut problems = self.errors().problems(threshold);
        problems.retain(|gap| self.interval(*gap).is_some_and(|[low, _]| low > 0.0));
        problems
    }

    /// The gaps for which there are too few rows: they are no problem so far, and their intervals reach above `threshold`.
    pub fn undecided(&self, threshold: f64) -> Vec<Gap> {
        let problems = self.problems(threshold);
        let is_open = |gap: &Gap| self.interval(*gap).is_some_and(|[_, high]| high > threshold);
        Gap::ALL.into_iter().filter(|gap| !problems.contains(gap) && is_open(gap)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(wrong: usize, of: usize) -> Tally {
        Tally { wrong, of }
    }

    /// The examples that Newcombe works through, to the four digits that he prints (table II, method 10).
    #[test]
    fn differences_have_the_published_intervals() {
        for (of, from, wanted) in [
            ((56, 70), (48, 80), [0.0524, 0.3339]),
            ((9, 10), (3, 10), [0.1705, 0.8090]),
            ((5, 56), (0, 29), [-0.0381, 0.1926]),
            ((0, 10), (0, 20), [-0.1611, 0.2775]),
            ((0, 10), (0, 10), [-0.2775, 0.2775]),
            ((10, 10), (0, 20), [0.6791, 1.0]),
            ((10, 10), (0, 10), [0.6075, 1.0]),
        ] {
            let found = tally(of.0, of.1).minus(tally(from.0, from.1));
            let close = found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 5.1e-5);
            assert!(close, "{of:?} {from:?}: {found:?}, not {wanted:?}");
        }
    }

    #[test]
    fn a_gap_that_chance_may_have_made_is_no_problem() {
        let few = Tallies {
            human: Some(0.0),
            train: Some(tally(0, 100)),
            validation: Some(tally(3, 30)),
            ..Tallies::default()
        };
        // 10 points. By Wilson's formula 0 of 100 may be up to 0.03699, and 3 of 30 at least 0.03460.
        let [low, high] = few.interval(Gap::Variance).unwrap_or_default();
        assert!((low - (0.1 - (0.1f64 - 0.034_60).hypot(0.036_99))).abs() < 1e-4 && high > 0.1, "{low} {high}");
        assert_eq!(few.problems(0.01), [Gap::Variance]);
        let fewer = Tallies { train: Some(tally(0, 20)), validation: Some(tally(1, 10)), ..few };
        assert_eq!((fewer.problems(0.01), fewer.undecided(0.01)), (vec![], vec![Gap::Bias, Gap::Variance]));
        let many = Tallies { train: Some(tally(10, 10_000)), validation: Some(tally(50, 5000)), ..few };
        // Nine tenths of a point, which the interval sets apart from 0, and which is too little to work on.
        assert!(many.interval(Gap::Variance).is_some_and(|[low, _]| low > 0.0));
        assert_eq!((many.problems(0.01), many.problems(0.005)), (vec![], vec![Gap::Variance]));
    }

    #[test]
    fn gaps_are_those_of_the_errors() {
        let all = Tallies {
            human: Some(0.02),
            train: Some(tally(500, 10_000)),
            train_dev: Some(tally(80, 1000)),
            validation: Some(tally(300, 1000)),
            test: Some(tally(310, 1000)),
        };
        for gap in Gap::ALL {
            let size = all.errors().gap(gap);
            let within = all.interval(gap).zip(size).is_some_and(|([low, high], size)| low < size && size < high);
            assert!(within, "{gap:?}");
        }
        assert_eq!(all.problems(0.01), [Gap::Mismatch, Gap::Bias, Gap::Variance]);
        assert_eq!(all.undecided(0.01), [Gap::ValidationOverfit]);
        let [low, _] = all.interval(Gap::Bias).unwrap_or_default();
        assert!((low - (wilson(500, 10_000)[0] - 0.02)).abs() < 1e-12);
        let no_human = Tallies { human: None, train_dev: None, ..all };
        assert!(no_human.interval(Gap::Bias).is_none() && no_human.interval(Gap::Mismatch).is_none());
        assert_eq!(no_human.interval(Gap::Variance), Some(tally(300, 1000).minus(tally(500, 10_000))));
    }
}
