//! A column that alone predicts the target: by the rule 1R (Holte 1993, "Very simple classification rules perform well on
//! most commonly used datasets") for classes, by rank correlation for numbers.

use super::{Figure, Finding};
use crate::data::{Dataset, Split, Targets, Values};
use std::collections::HashMap;

/// Rows that are looked at of the training part, and of those held out.
const ROWS: usize = 2000;
/// Rows below which a rule says nothing.
const FEW_ROWS: usize = 20;
/// Errors of the largest class below which a rule's are no evidence.
const FEW_ERRORS: f64 = 5.0;
/// The share of the largest class's errors that such a column does not make.
const BETTER: f64 = 0.97;
/// The rank correlation from which on a column orders the rows as the target does.
const RANK: f64 = 0.999;
/// Rows of its class that an interval of 1R needs, as in the paper.
const BUCKET: usize = 6;
/// Labels that are looked at, of several a row.
const LABELS: usize = 16;

/// The columns that alone predict a target.
pub(super) fn find(dataset: &Dataset, split: &Split) -> Vec<Finding> {
    let Values::Floats(values) = &dataset.values else { return vec![] };
    let columns = &dataset.encoding.columns;
    if columns.len() < 2 || dataset.is_image() {
        return vec![];
    }
    let features = dataset.features();
    let mut train = sample(&split.train);
    let mut held_out = sample(&split.validation);
    held_out.extend(sample(&split.test));
    if held_out.len() < FEW_ROWS {
        // What a rule is worth must show on other rows than those that gave it.
        held_out = train.split_off(train.len() / 2);
    }
    let targets = targets(&dataset.targets);
    let mut findings = vec![];
    let mut first = 0;
    for column in columns {
        let places = first..first + column.width();
        first = places.end;
        let read = |rows: &[u32]| Keys::of(values, features, places.clone(), rows);
        let (keys, held_keys) = (read(&train), read(&held_out));
        let figure = |target: &Target| {
            let mut both = keys.iter().zip(&held_keys);
            both.find_map(|(keys, held_keys)| target.figure((&train[..], keys), (&held_out[..], held_keys)))
        };
        if let Some(figure) = targets.iter().find_map(figure) {
            findings.push(Finding::Alone { column: column.name.clone(), figure });
        }
    }
    findings
}

/// Evenly many of the rows.
fn sample(rows: &[u32]) -> Vec<u32> {
    rows.iter().copied().step_by(rows.len().div_ceil(ROWS).max(1)).collect()
}

/// What a column holds in some rows: a number, or which of its values that is.
enum Keys {
    Numbers(Vec<f32>),
    Texts(Vec<u64>),
}

impl Keys {
    /// The keys by which a column may predict the target. A column of one feature has its numbers. One of several has a hash of
    /// all its features, which tells its values apart, and the numbers of the first two: of a number that may be missing,
    /// the second says where it is.
    fn of(values: &[f32], features: usize, places: std::ops::Range<usize>, rows: &[u32]) -> Vec<Self> {
        let row = |&row: &u32| &values[row as usize * features..][places.clone()];
        let numbers = |place: usize| Self::Numbers(rows.iter().map(|index| row(index)[place]).collect());
        if places.len() == 1 {
            return vec![numbers(0)];
        }
        let mix = |hash: u64, value: &f32| {
            (hash ^ u64::from(value.to_bits())).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        };
        let texts = Self::Texts(rows.iter().map(|index| row(index).iter().fold(1, mix)).collect());
        vec![texts, numbers(0), numbers(1)]
    }
}

/// One target of all rows.
enum Target {
    Classes(Vec<u32>, usize),
    Numbers(Vec<f64>),
}

fn targets(targets: &Targets) -> Vec<Target> {
    match targets {
        Targets::Classes { labels, names } => vec![Target::Classes(labels.clone(), names.len())],
        Targets::Labels { values, names } => {
            let label = |place| values.iter().skip(place).step_by(names.len()).map(|value| *value as u32).collect();
            (0..names.len().min(LABELS)).map(|place| Target::Classes(label(place), 2)).collect()
        }
        Targets::Numbers { values, names } => {
            let number = |place| values.iter().skip(place).step_by(names.len()).copied().collect();
            (0..names.len().min(LABELS)).map(|place| Target::Numbers(number(place))).collect()
        }
    }
}

impl Target {
    /// How well the column predicts it, if it nearly does: for the rows that give the rule and for those held out.
    fn figure(&self, (train, keys): (&[u32], &Keys), (held_out, held_keys): (&[u32], &Keys)) -> Option<Figure> {
        if train.len() < FEW_ROWS {
            return None;
        }
        match self {
            Self::Classes(labels, classes) => {
                let of = |rows: &[u32]| rows.iter().map(|&row| labels[row as usize]).collect::<Vec<u32>>();
                let (labels, held_labels) = (of(train), of(held_out));
                let rule = Rule::learn(keys, &labels, *classes);
                let shares = [(keys, &labels), (held_keys, &held_labels)].map(|(keys, labels)| {
                    let (right, rows) = (rule.right(keys, labels), labels.len() as f64);
                    let largest = labels.iter().filter(|&&label| label == rule.largest).count() as f64;
                    let better = 1.0 - (rows - right) / (rows - largest).max(1.0);
                    (right / rows, largest / rows, better >= BETTER && rows - largest >= FEW_ERRORS)
                });
                let (share, largest, _) = shares[1];
                let figure = Figure::Right { share, largest, rows: held_labels.len() };
                shares.iter().all(|(.., good)| *good).then_some(figure)
            }
            Self::Numbers(numbers) => {
                let (Keys::Numbers(keys), Keys::Numbers(held_keys)) = (keys, held_keys) else { return None };
                let rank = |rows: &[u32], keys: &[f32]| {
                    let targets: Vec<f64> = rows.iter().map(|&row| numbers[row as usize]).collect();
                    correlation(&ranks(keys), &ranks(&targets))
                };
                let found = [rank(train, keys), rank(held_out, held_keys)];
                found.iter().all(|rho| rho.abs() >= RANK).then_some(Figure::Rank(found[1]))
            }
        }
    }
}

/// A class for each interval of a number, or for each value.
struct Rule {
    largest: u32,
    /// The end of each interval, which it includes, and its class; the last goes on.
    intervals: Vec<(f32, u32)>,
    values: HashMap<u64, u32>,
}

impl Rule {
    fn learn(keys: &Keys, labels: &[u32], classes: usize) -> Self {
        let mut counts = vec![0; classes];
        let all: Vec<usize> = (0..labels.len()).collect();
        let largest = most(&all, labels, &mut counts);
        let mut rule = Self { largest, intervals: vec![], values: HashMap::new() };
        match keys {
            Keys::Numbers(values) => rule.intervals = intervals(values, labels, &mut counts),
            Keys::Texts(texts) => {
                let mut order = all;
                order.sort_unstable_by_key(|&row| texts[row]);
                let runs = order.chunk_by(|&a, &b| texts[a] == texts[b]);
                rule.values = runs.map(|run| (texts[run[0]], most(run, labels, &mut counts))).collect();
            }
        }
        rule
    }

    /// The number of rows for which it is right.
    fn right(&self, keys: &Keys, labels: &[u32]) -> f64 {
        let of_number = |value: &f32| {
            let place = self.intervals.partition_point(|(end, _)| end < value).min(self.intervals.len() - 1);
            self.intervals[place].1
        };
        let right = match keys {
            Keys::Numbers(values) => {
                values.iter().zip(labels).filter(|(value, label)| of_number(value) == **label).count()
            }
            Keys::Texts(texts) => {
                let class = |text: &u64| *self.values.get(text).unwrap_or(&self.largest);
                texts.iter().zip(labels).filter(|(text, label)| class(text) == **label).count()
            }
        };
        right as f64
    }
}

/// The most frequent label of some rows; `counts` has a zero for each class, before and after.
fn most(rows: &[usize], labels: &[u32], counts: &mut [usize]) -> u32 {
    let mut best = labels[rows[0]];
    for &row in rows {
        let label = labels[row];
        counts[label as usize] += 1;
        if counts[label as usize] > counts[best as usize] {
            best = label;
        }
    }
    rows.iter().for_each(|&row| counts[labels[row] as usize] = 0);
    best
}

/// The intervals of 1R: one ends where its most frequent class has enough rows and the next row, of another value, is of
/// another class. Neighbours of one class are joined.
fn intervals(values: &[f32], labels: &[u32], counts: &mut [usize]) -> Vec<(f32, u32)> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut found: Vec<(f32, u32)> = vec![];
    let (mut first, mut best) = (0, labels[order[0]]);
    for (place, &row) in order.iter().enumerate() {
        let (label, value) = (labels[row], values[row]);
        counts[label as usize] += 1;
        if counts[label as usize] > counts[best as usize] {
            best = label;
        }
        let next = order.get(place + 1);
        let enough = counts[best as usize] >= BUCKET;
        if next.is_none_or(|&next| enough && values[next] != value && labels[next] != best) {
            // Between two intervals the middle decides.
            let end = next.map_or(value, |&next| value + (values[next] - value) / 2.0);
            match found.last_mut() {
                Some((last, class)) if *class == best => *last = end,
                _ => found.push((end, best)),
            }
            order[first..=place].iter().for_each(|&row| counts[labels[row] as usize] = 0);
            first = place + 1;
            best = next.map_or(best, |&next| labels[next]);
        }
    }
    found
}

/// The rank of each value, from 1; equal values have the mean of theirs.
fn ranks<T: Copy + Into<f64>>(values: &[T]) -> Vec<f64> {
    let values: Vec<f64> = values.iter().map(|&value| value.into()).collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for run in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (run.len() + 1) as f64 / 2.0;
        run.iter().for_each(|&row| ranks[row] = rank);
        before += run.len();
    }
    ranks
}

/// Pearson's correlation; 0 where one of them does not vary.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |of: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| of(a - mean_a, b - mean_b)).sum::<f64>();
    let (both, square_a, square_b) = (sum(&|a, b| a * b), sum(&|a, _| a * a), sum(&|_, b| b * b));
    if square_a == 0.0 || square_b == 0.0 { 0.0 } else { both / (square_a * square_b).sqrt() }
}
