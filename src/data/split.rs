//! Splitting rows into the training, validation and test part.

use super::{DataError, Opened, Targets};
use crate::random::{Domain, Stream};
use rand::RngExt;
use rand::seq::SliceRandom;
use std::ops::Range;

/// How much of the rows to hold out; each at least 0, and their sum below 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fractions {
    /// For choosing between states of the training.
    pub validation: f64,
    /// For the last measurement. Must be 0 for a set that brings its own test part.
    pub test: f64,
}

/// Row indices of the parts, each ascending; no row is in two parts, and every row is in one, unless the rows come from two
/// sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Rows to train on, at least one.
    pub train: Vec<u32>,
    /// Rows of the training source that are held out of training, where validation and test come from another source; else none.
    pub train_dev: Vec<u32>,
    /// Rows to validate on; empty if the fraction is 0.
    pub validation: Vec<u32>,
    /// Rows to test on: the set's own test part, or those held out.
    pub test: Vec<u32>,
    /// The first rows of the sources of validation and test where these are not the source to train on, else 0. Rows are numbered
    /// from there in a source.
    pub first: [u32; 2],
}

/// Splits a data set, the same way for the same seed; where there is one class a row, by class.
///
/// The fractions are of the rows that are not the set's own test part. Each held-out part has `round(fraction * rows)`
/// rows, half rounded up; each class gives its own fraction of its rows to within one row (largest remainder). A class
/// gives its last row only when no other class can give one.
///
/// # Errors
///
/// When a fraction is not in `0 <= f < 1`, their sum is 1 or more, no row is left to train on, or a test fraction is
/// given for a set that brings its own test part.
pub fn split(opened: &Opened, fractions: Fractions, seed: u64) -> Result<Split, DataError> {
    let own_test = opened.test.clone().unwrap_or_default();
    check(opened, fractions, own_test.len())?;
    let split = share_out(&opened.targets, opened.test.clone(), fractions, seed);
    if split.train.is_empty() {
        let (validation, test) = (split.validation.len(), split.test.len());
        return Err(DataError::NoTrainingRows { name: opened.name.clone(), validation, test });
    }
    Ok(split)
}

/// The same of rows with these targets, `own_test` of which are their own test part, whatever the fractions: these may sum up
/// to 1, which leaves no row to train on. No more than 4294967295 rows are shared out.
pub fn share_out(targets: &Targets, own_test: Option<Range<usize>>, fractions: Fractions, seed: u64) -> Split {
    let own_test = own_test.unwrap_or_default();
    // Rows that have no class are all of one.
    let (labels, classes) = targets.classes().map_or((None, 1), |(labels, names)| (Some(labels), names.len()));
    let mut by_class = vec![Vec::new(); classes];
    let (mut own_rows, mut split) = (Vec::new(), Split::default());
    for row in 0..targets.rows() as u32 {
        let class = labels.map_or(0, |labels| labels[row as usize] as usize);
        let part = if own_test.contains(&(row as usize)) { &mut own_rows } else { &mut by_class[class] };
        part.push(row);
    }
    let sizes: Vec<usize> = by_class.iter().map(Vec::len).collect();
    let [test_counts, validation_counts] = held_out(&sizes, [fractions.test, fractions.validation]);
    let mut stream = Stream::new(seed, Domain::Split, 0);
    for ((mut rows, test_count), validation_count) in by_class.into_iter().zip(test_counts).zip(validation_counts) {
        rows.shuffle(&mut stream);
        let (test, rest) = rows.split_at(test_count);
        let (validation, train) = rest.split_at(validation_count);
        split.test.extend(test);
        split.validation.extend(validation);
        split.train.extend(train);
    }
    split.test.extend(own_rows);
    for part in [&mut split.train, &mut split.validation, &mut split.test] {
        part.sort_unstable();
    }
    split
}

/// As many rows as these, drawn from them with repetition, the same for the same seed (Efron 1979, "Bootstrap methods: another look at
/// the jackknife"). They are ascending.
pub fn bootstrap(rows: &[u32], seed: u64) -> Vec<u32> {
    let mut stream = Stream::new(seed, Domain::Bootstrap, 0);
    let mut drawn: Vec<u32> = rows.iter().map(|_| rows[stream.random_range(0..rows.len() as u32) as usize]).collect();
    drawn.sort_unstable();
    drawn
}

/// Refuses bad fractions, and rows that cannot be numbered.
pub(super) fn check(opened: &Opened, fractions: Fractions, own_test: usize) -> Result<(), DataError> {
    let Fractions { validation, test } = fractions;
    for (part, value) in [("validation", validation), ("test", test)] {
        if !(0.0..1.0).contains(&value) {
            return Err(DataError::Fraction { part, value });
        }
    }
    if validation + test >= 1.0 {
        return Err(DataError::FractionSum { validation, test });
    }
    if test > 0.0 && own_test > 0 {
        return Err(DataError::OwnTestPart { name: opened.name.clone(), rows: own_test });
    }
    let rows = opened.rows();
    let too_many = |_| DataError::TooManyRows { name: opened.name.clone(), rows };
    u32::try_from(rows).map(|_| ()).map_err(too_many)
}

/// How many rows of each class each part holds out, for classes of the given sizes.
fn held_out(sizes: &[usize], fractions: [f64; 2]) -> [Vec<usize>; 2] {
    let quota = |fraction: f64, size: usize| fraction * size as f64;
    let mut counts =
        fractions.map(|fraction| sizes.iter().map(|&size| quota(fraction, size).floor() as usize).collect::<Vec<_>>());
    let mut left: Vec<usize> =
        (0..sizes.len()).map(|class| sizes[class] - counts[0][class] - counts[1][class]).collect();
    let rows = sizes.iter().sum();
    for (counts, fraction) in counts.iter_mut().zip(fractions) {
        let total = quota(fraction, rows).round() as usize;
        let missing = total.saturating_sub(counts.iter().sum());
        let remainder = |class: usize| quota(fraction, sizes[class]).fract();
        let mut order: Vec<usize> = (0..sizes.len()).filter(|&class| left[class] > 0).collect();
        order.sort_by(|&a, &b| (left[b] > 1).cmp(&(left[a] > 1)).then(remainder(b).total_cmp(&remainder(a))));
        for &class in order.iter().take(missing) {
            counts[class] += 1;
            left[class] -= 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::data::{Targets, digits, fixture};

    fn labelled(labels: Vec<u32>) -> Opened {
        fixture::opened(fixture::labelled(labels).targets)
    }

    fn parts(dataset: &Opened, validation: f64, test: f64, seed: u64) -> Split {
        split(dataset, Fractions { validation, test }, seed).unwrap()
    }

    fn refusal(dataset: &Opened, validation: f64, test: f64) -> DataError {
        split(dataset, Fractions { validation, test }, 1).unwrap_err()
    }

    fn class_counts(dataset: &Opened, rows: &[u32]) -> Vec<usize> {
        let (labels, classes) = dataset.targets.classes().unwrap();
        let mut counts = vec![0; classes.len()];
        rows.iter().for_each(|&row| counts[labels[row as usize] as usize] += 1);
        counts
    }

    #[test]
    fn the_parts_are_disjoint_whole_and_ascending() {
        let digits = digits::load();
        let split = parts(&digits, 0.15, 0.2, 42);
        // 1797 times 0.15 and 0.2 are 269.55 and 359.4.
        assert_eq!([split.validation.len(), split.test.len(), split.train.len()], [270, 359, 1797 - 270 - 359]);
        for part in [&split.train, &split.validation, &split.test] {
            assert!(part.is_sorted_by(|a, b| a < b));
        }
        let mut all = [split.train, split.validation, split.test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1797).collect::<Vec<u32>>());
    }

    #[test]
    fn each_class_gives_its_fraction() {
        let digits = digits::load();
        let split = parts(&digits, 0.15, 0.2, 42);
        let all: Vec<u32> = (0..1797).collect();
        let sizes = class_counts(&digits, &all);
        for (part, fraction) in [(&split.validation, 0.15), (&split.test, 0.2)] {
            for (count, &size) in class_counts(&digits, part).into_iter().zip(&sizes) {
                assert!((count as f64 - fraction * size as f64).abs() < 1.0, "{count} of {size}");
            }
        }
    }

    #[test]
    fn the_largest_remainders_fill_up_the_total() {
        // Quotas of 0.75, 1.5 and 2.25 rows make 4.5, rounded up to 5: the floors 0, 1 and 2, and a row more for the
        // first two.
        assert_eq!(held_out(&[3, 6, 9], [0.25, 0.0]), [vec![1, 2, 2], vec![0; 3]]);
        // Half a row is rounded up, and equal remainders go by the order of the classes.
        assert_eq!(held_out(&[2, 2, 2], [0.25, 0.0]), [vec![1, 1, 0], vec![0; 3]]);
        // A class of one row keeps it while others can give one.
        assert_eq!(held_out(&[1, 5], [0.25, 0.25]), [vec![0, 2], vec![0, 2]]);
    }

    #[test]
    fn totals_hold_for_any_sizes() {
        let mut stream = Stream::new(7, Domain::Check, 0);
        for _ in 0..2000 {
            let classes = stream.random_range(2..12);
            let sizes: Vec<usize> = (0..classes).map(|_| stream.random_range(0..40)).collect();
            let first = f64::from(stream.random_range(0..100_u32)) / 100.0;
            let second = f64::from(stream.random_range(0..100_u32)) / 100.0 * (1.0 - first);
            let rows: usize = sizes.iter().sum();
            let counts = held_out(&sizes, [first, second]);
            for (counts, fraction) in counts.iter().zip([first, second]) {
                let total: usize = counts.iter().sum();
                assert_eq!(total, (fraction * rows as f64 + 0.5).floor() as usize, "{fraction} of {sizes:?}");
                for (&count, &size) in counts.iter().zip(&sizes) {
                    assert!((count as f64 - fraction * size as f64).abs() <= 1.0, "{count}, {fraction} of {sizes:?}");
                }
            }
            for ((&size, first), second) in sizes.iter().zip(&counts[0]).zip(&counts[1]) {
                assert!(first + second <= size, "{first} and {second} of {size}");
            }
        }
    }

    #[test]
    fn the_seed_decides() {
        let dataset = labelled((0..40).map(|row| row % 2).collect());
        assert_eq!(parts(&dataset, 0.25, 0.25, 3), parts(&dataset, 0.25, 0.25, 3));
        assert_ne!(parts(&dataset, 0.25, 0.25, 3), parts(&dataset, 0.25, 0.25, 4));
        // Results are compared between versions, so the rows of a seed must stay what they are.
        assert_eq!(parts(&dataset, 0.1, 0.0, 3).validation, [12, 15, 26, 31]);
    }

    #[test]
    fn rows_without_a_class_are_shuffled_together() {
        let names = || vec!["a".to_owned(), "b".to_owned()];
        let numbers = fixture::opened(Targets::Numbers { values: vec![0.5; 80], names: names() });
        let split = parts(&numbers, 0.1, 0.25, 3);
        assert_eq!([split.train.len(), split.validation.len(), split.test.len()], [26, 4, 10]);
        let mut all = [&split.train[..], &split.validation, &split.test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<u32>>());
        assert_ne!(split.test, (0..10).collect::<Vec<u32>>());
        let labels = fixture::opened(Targets::Labels { values: vec![1.0; 80], names: names() });
        assert_eq!(parts(&labels, 0.1, 0.25, 3), split);
        assert_ne!(parts(&labels, 0.1, 0.25, 4), split);
        // As for classes, the rows of a seed must stay what they are.
        assert_eq!(split.validation, [11, 18, 26, 39]);
    }

    #[test]
    fn an_own_test_part_is_never_trained_on() {
        let own = Opened { test: Some(6..10), ..labelled(vec![0, 1, 0, 1, 0, 1, 0, 1, 0, 1]) };
        let split = parts(&own, 0.3, 0.0, 5);
        assert_eq!(split.test, [6, 7, 8, 9]);
        assert_eq!((split.validation.len(), split.train.len()), (2, 4));
        assert!(split.validation.iter().chain(&split.train).all(|&row| row < 6));
        assert!(matches!(refusal(&own, 0.1, 0.1), DataError::OwnTestPart { rows: 4, .. }));
    }

    /// Of n rows a share of about 1/e is left out; of 10,000 rows four deviations of that share are 0.013.
    #[test]
    fn a_bootstrap_sample_repeats_rows_and_leaves_a_third_out() {
        let rows: Vec<u32> = (0..10_000).map(|row| 3 * row).collect();
        let drawn = bootstrap(&rows, 1);
        assert!(
            drawn.len() == rows.len() && drawn.is_sorted() && drawn.iter().all(|row| rows.binary_search(row).is_ok())
        );
        let different = drawn.chunk_by(|a, b| a == b).count();
        assert!((different as f64 / 10_000.0 - (1.0 - (-1f64).exp())).abs() < 0.013, "{different}");
        assert!(drawn == bootstrap(&rows, 1) && drawn != bootstrap(&rows, 2));
        assert_eq!((bootstrap(&[7], 1), bootstrap(&[], 1)), (vec![7], vec![]));
    }

    #[test]
    fn without_fractions_everything_is_trained_on() {
        let split = parts(&labelled(vec![0, 1, 0]), 0.0, 0.0, 1);
        assert_eq!((split.train, split.validation, split.test), (vec![0, 1, 2], vec![], vec![]));
    }

    #[test]
    fn bad_fractions_are_refused() {
        let dataset = labelled(vec![0, 1, 0, 1]);
        for bad in [-0.1, 1.0, 1.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(refusal(&dataset, bad, 0.0), DataError::Fraction { part: "validation", .. }), "{bad}");
            assert!(matches!(refusal(&dataset, 0.0, bad), DataError::Fraction { part: "test", .. }), "{bad}");
        }
        assert!(matches!(refusal(&dataset, 0.5, 0.5), DataError::FractionSum { .. }));
        let error = refusal(&labelled(vec![0, 1]), 0.49, 0.49);
        assert!(matches!(error, DataError::NoTrainingRows { validation: 1, test: 1, .. }), "{error}");
    }
}
