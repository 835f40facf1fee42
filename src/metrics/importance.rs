//! Permutation importance: how much worse a model does where one column says nothing.
//!
//! Source: Breiman 2001, "Random forests", section 10; the same as scikit-learn's `permutation_importance`. The values of a
//! column are permuted over the rows; all features that come from it move together. A row's goodness is the share of its right
//! answers, and of numbers minus its mean squared error, so that a drop is one of the accuracy, or a rise of the mean squared
//! error. Columns that say the same share their importance: each may seem to matter little.

use super::numbers::{Z, mean_and_error, squared_errors};
use crate::data::Targets;
use crate::nn::{Answer, Problem, TargetScale};
use crate::random::{Domain, Stream};
use rand::seq::SliceRandom;
use std::ops::Range;

/// How much one column matters.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// The number of the column.
    pub column: usize,
    /// The drop in each repeat: of the accuracy, or the rise of the mean squared error in the data's units.
    pub drops: Vec<f64>,
    /// Their mean over the repeats.
    pub mean: f64,
    /// 95 % interval of the mean over other rows of the same kind: mean ± 1.96 s/√n. Here s is the deviation of a + b over the n
    /// rows, where a is a row's mean drop over the repeats, and b the mean drop of the rows that received its value. Each row
    /// takes part in the mean in both ways (Hoeffding 1948, "A class of statistics with asymptotically normal distribution").
    /// Few repeats make the interval somewhat wider than need be. NaN of a single row.
    pub interval: [f64; 2],
}

/// The goodness of each row: the share of its right answers, or minus its mean squared error.
fn goodness(problem: &Problem, scale: &TargetScale, outputs: &[f32], targets: &Targets, rows: &[u32]) -> Vec<f64> {
    let width = problem.head().outputs;
    let each = outputs.chunks(width).zip(rows.iter().map(|&row| row as usize));
    let share = |right: usize, of: usize| right as f64 / of as f64;
    match (problem.answer, targets) {
        (Answer::Class | Answer::Binary, Targets::Classes { labels, .. }) => {
            each.map(|(outputs, row)| share(usize::from(problem.class(outputs) as u32 == labels[row]), 1)).collect()
        }
        (Answer::Labels, Targets::Labels { values, .. }) => {
            let right = |(outputs, row): (&[f32], usize)| {
                let of_row = outputs.iter().zip(&values[row * width..]);
                share(of_row.filter(|&(&z, &t)| problem.is_yes(z) == (t > 0.5)).count(), width)
            };
            each.map(right).collect()
        }
        (Answer::Numbers, Targets::Numbers { values, .. }) => {
            squared_errors(scale, outputs, values, rows).into_iter().map(|error| -error).collect()
        }
        _ => panic!("a problem of {:?} cannot be judged by other targets", problem.answer),
    }
}

/// The importance of columns, the largest first. `values` are the features `[rows, features]` of the rows that are judged,
/// `columns` the features of each column, and `outputs` gives the network's outputs for such values.
///
/// # Panics
/// The targets are of another kind than the problem: a fault of ours.
///
/// # Errors
/// What `outputs` gives.
pub fn importance<E>(
    (problem, scale, targets, rows): (&Problem, &TargetScale, &Targets, &[u32]),
    (values, columns): (&[f32], &[Range<usize>]),
    (repeats, seed): (u32, u64),
    mut outputs: impl FnMut(Vec<f32>) -> Result<Vec<f32>, E>,
) -> Result<Vec<Importance>, E> {
    let (n, features) = (rows.len(), values.len() / rows.len().max(1));
    let mut good = |values: Vec<f32>| Ok(goodness(problem, scale, &outputs(values)?, targets, rows));
    let whole = good(values.to_vec())?;
    let orders: Vec<Vec<usize>> = (0..repeats).map(|repeat| order(n, seed, repeat)).collect();
    let mut found = vec![];
    for (column, range) in columns.iter().enumerate() {
        let (mut drops, mut of_rows, mut both) = (vec![], vec![0.0; n], vec![0.0; n]);
        for order in &orders {
            let mut permuted = values.to_vec();
            for (row, &from) in order.iter().enumerate() {
                let place = |row: usize| row * features + range.start..row * features + range.end;
                permuted[place(row)].copy_from_slice(&values[place(from)]);
            }
            let dropped: Vec<f64> = whole.iter().zip(good(permuted)?).map(|(whole, left)| whole - left).collect();
            drops.push(dropped.iter().sum::<f64>() / n as f64);
            for (row, (&from, drop)) in order.iter().zip(&dropped).enumerate() {
                let share = drop / f64::from(repeats);
                of_rows[row] += share;
                both[row] += share;
                both[from] += share;
            }
        }
        let ([mean, _], [_, error]) = (mean_and_error(&of_rows), mean_and_error(&both));
        let half = Z * error;
        found.push(Importance { column, drops, mean, interval: [mean - half, mean + half] });
    }
    found.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    Ok(found)
}

/// The rows in the order of a repeat.
fn order(rows: usize, seed: u64, repeat: u32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut Stream::new(seed, Domain::Permute, repeat));
    order
}

#[cfg(test)]
#[path = "importance_tests.rs"]
mod tests;
