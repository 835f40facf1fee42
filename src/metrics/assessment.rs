//! What a result says beside its accuracy: by class, by rank, and what would be reached without looking at the inputs.
//!
//! The numbers are those of scikit-learn's functions of the same names (`tests/metrics.rs`).

use super::calibration::{Calibration, calibration};
use super::evaluation::{Evaluation, Score, evaluate};
use super::numbers::NumberMetrics;
use super::ranking::{Ranking, ranking};
use crate::data::Targets;
use crate::nn::{Problem, TargetScale};

/// How a model did on rows, in full.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Loss and right answers.
    pub evaluation: Evaluation,
    /// What is measured beside them.
    pub metrics: Metrics,
}

/// What is measured, by the kind of answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Metrics {
    /// Of classes or labels.
    Classes(ClassMetrics),
    /// For a regression's numbers.
    Numbers(NumberMetrics),
}

/// How one class, or one label, is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ByClass {
    /// Rows that are of it.
    pub rows: usize,
    /// Of the rows that were said to be of it, the share that are; 0 where none was.
    pub precision: f64,
    /// Of the rows that are of it, the share that was said to be; 0 where none is.
    pub recall: f64,
    /// Harmonic mean of the two: 2 · right / (rows of it + rows said to be of it); 0 where there are neither.
    pub f1: f64,
}

/// Rows of one class that were given one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confused {
    /// The class that they are of.
    pub truth: u32,
    /// The class that they were given.
    pub said: u32,
    /// Number of such rows.
    pub rows: usize,
}

/// Of classes or labels.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassMetrics {
    /// One for each class or label, in the order of the outputs.
    pub by_class: Vec<ByClass>,
    /// Mean recall over the classes that the rows have; none of labels.
    pub balanced_accuracy: Option<f64>,
    /// Area under the ROC curve. Of two classes that of the second; of more classes, or of labels, the mean over each
    /// against the rest, of those that some rows are of and some are not. None where there is no such class.
    pub roc_auc: Option<f64>,
    /// Average precision, of the same classes.
    pub average_precision: Option<f64>,
    /// The largest class of the rows; none of labels.
    pub largest: Option<usize>,
    /// The share of right answers of a model that gives every row that class, or every label its more common answer.
    pub baseline: f64,
    /// The pairs of classes that rows have, sorted; empty of labels.
    pub confused: Vec<Confused>,
    /// How confidence and accuracy agree; none where the outputs stand for no probabilities.
    pub calibration: Option<Calibration>,
}

/// That a model does no better than one that does not look at the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Every row was given this class, though others are there.
    OneClass(usize),
    /// No more answers are right than the largest class has rows, but the classes are told apart: those that are few are
    /// found at the expense of the largest.
    BelowLargest(usize),
    /// No more answers are right than the largest class has rows, and no class is told from the others.
    NoBetterThanLargest(usize),
    /// No more answers are right than if every label got its more common answer.
    NoBetterThanCommon,
    /// The squared error is no smaller than that of the mean of the targets.
    NoBetterThanMean,
}

/// Balanced accuracy beyond that of a guess, from which on classes may count as told apart.
const TOLD_APART: f64 = 0.05;

/// Deviations of a guess that its balanced accuracy must also be beyond it.
const DEVIATIONS: f64 = 2.0;

impl Assessment {
    /// What the user should be told of it, if it is no better than a model that does not look at the inputs.
    pub fn weakness(&self) -> Option<Weakness> {
        match (&self.metrics, &self.evaluation.score) {
            (Metrics::Numbers(_), Score::Numbers { r2, .. }) => (*r2 <= 0.0).then_some(Weakness::NoBetterThanMean),
            (Metrics::Classes(metrics), _) => {
                let accuracy = self.evaluation.accuracy()?;
                let none_better = accuracy <= metrics.baseline;
                let Some(largest) = metrics.largest else {
                    return none_better.then_some(Weakness::NoBetterThanCommon);
                };
                let there = metrics.by_class.iter().filter(|class| class.rows > 0).count();
                let said = metrics.confused.iter().map(|pair| pair.said);
                let first = metrics.confused.first()?.said;
                if there < 2 {
                    None
                } else if said.clone().all(|said| said == first) {
                    Some(Weakness::OneClass(first as usize))
                } else if !none_better {
                    None
                } else if metrics.tells_apart()? {
                    Some(Weakness::BelowLargest(largest))
                } else {
                    Some(Weakness::NoBetterThanLargest(largest))
                }
            }
            _ => None,
        }
    }
}

impl ClassMetrics {
    /// Whether its balanced accuracy is more than a guess reaches by chance. A recall over n rows has a deviation of at
    /// most 1/2 over √n.
    fn tells_apart(&self) -> Option<bool> {
        let rows: Vec<f64> = self.by_class.iter().map(|class| class.rows as f64).filter(|&rows| rows > 0.0).collect();
        let deviation = rows.iter().map(|rows| 0.25 / rows).sum::<f64>().sqrt() / rows.len() as f64;
        let above = self.balanced_accuracy? - 1.0 / rows.len() as f64;
        Some(above > TOLD_APART.max(DEVIATIONS * deviation))
    }

    /// All rows counted, as `confusion[true][predicted]`.
    pub fn confusion(&self) -> Vec<Vec<usize>> {
        let classes = self.by_class.len();
        let mut matrix = vec![vec![0; classes]; classes];
        self.confused.iter().for_each(|pair| matrix[pair.truth as usize][pair.said as usize] = pair.rows);
        matrix
    }
}

/// Judges outputs `[rows, outputs]` by the targets of these rows of a data set, as [`evaluate`], and measures what else is
/// said of them. The time is that of reading the outputs a few times and sorting the rows.
///
/// # Panics
/// The targets are of another kind than the problem: a fault of ours.
pub fn assess(problem: &Problem, scale: &TargetScale, outputs: &[f32], targets: &Targets, rows: &[u32]) -> Assessment {
    let evaluation = evaluate(problem, scale, outputs, targets, rows);
    let width = problem.head().outputs;
    let mut metrics = match (targets, &evaluation.score) {
        (Targets::Classes { labels, .. }, Score::Classes { predictions, .. }) => {
            let truth: Vec<u32> = rows.iter().map(|&row| labels[row as usize]).collect();
            Metrics::Classes(of_classes(problem, outputs, &truth, predictions))
        }
        (Targets::Labels { values, .. }, _) => {
            let yes: Vec<bool> =
                rows.iter().flat_map(|&row| &values[row as usize * width..][..width]).map(|&t| t > 0.5).collect();
            Metrics::Classes(of_labels(problem, outputs, &yes))
        }
        (Targets::Numbers { values, .. }, &Score::Numbers { mse, .. }) => {
            Metrics::Numbers(NumberMetrics::of(mse, scale, outputs, values, rows))
        }
        _ => panic!("a problem of {:?} has been judged by other targets", problem.answer),
    };
    if let Metrics::Classes(metrics) = &mut metrics {
        metrics.calibration = calibration(problem, outputs, targets, rows);
    }
    Assessment { evaluation, metrics }
}

fn of_classes(problem: &Problem, outputs: &[f32], truth: &[u32], predictions: &[u32]) -> ClassMetrics {
    let classes = problem.names.len();
    let mut pairs: Vec<(u32, u32)> = truth.iter().copied().zip(predictions.iter().copied()).collect();
    pairs.sort_unstable();
    let confused: Vec<Confused> = pairs
        .chunk_by(|a, b| a == b)
        .map(|same| Confused { truth: same[0].0, said: same[0].1, rows: same.len() })
        .collect();
    let (mut counted, mut said, mut right) = (vec![0; classes], vec![0; classes], vec![0; classes]);
    for pair in &confused {
        counted[pair.truth as usize] += pair.rows;
        said[pair.said as usize] += pair.rows;
        if pair.truth == pair.said {
            right[pair.truth as usize] += pair.rows;
        }
    }
    let by_class: Vec<ByClass> =
        (0..classes).map(|class| by_class(counted[class], said[class], right[class])).collect();
    let there: Vec<usize> = (0..classes).filter(|&class| counted[class] > 0).collect();
    let balanced = there.iter().map(|&class| by_class[class].recall).sum::<f64>() / there.len() as f64;
    let ranked: Vec<usize> = if classes == 2 { vec![1] } else { there };
    let rankings = rankings(problem, outputs, &ranked, |row, class| truth[row] == class as u32);
    let (roc_auc, average_precision) = means(&rankings);
    // The first of the largest.
    let largest = (0..classes).rev().max_by_key(|&class| counted[class]).unwrap_or(0);
    let baseline = counted[largest] as f64 / truth.len() as f64;
    let (balanced_accuracy, largest) = (Some(balanced), Some(largest));
    ClassMetrics {
        by_class,
        balanced_accuracy,
        roc_auc,
        average_precision,
        largest,
        baseline,
        confused,
        calibration: None,
    }
}

fn of_labels(problem: &Problem, outputs: &[f32], truth: &[bool]) -> ClassMetrics {
    let labels = problem.names.len();
    let rows = truth.len() / labels;
    let (mut all, mut common) = (vec![], 0.0);
    for label in 0..labels {
        let is = |row: usize| truth[row * labels + label];
        let says = |row: usize| problem.is_yes(outputs[row * labels + label]);
        let count = |holds: &dyn Fn(usize) -> bool| (0..rows).filter(|&row| holds(row)).count();
        let counted = count(&is);
        all.push(by_class(counted, count(&says), count(&|row| is(row) && says(row))));
        common += counted.max(rows - counted) as f64 / truth.len() as f64;
    }
    let each: Vec<usize> = (0..labels).collect();
    let rankings = rankings(problem, outputs, &each, |row, label| truth[row * labels + label]);
    let (roc_auc, average_precision) = means(&rankings);
    ClassMetrics {
        by_class: all,
        balanced_accuracy: None,
        roc_auc,
        average_precision,
        largest: None,
        baseline: common,
        confused: vec![],
        calibration: None,
    }
}

fn by_class(rows: usize, said: usize, right: usize) -> ByClass {
    let share = |of: usize| if of == 0 { 0.0 } else { right as f64 / of as f64 };
    ByClass { rows, precision: share(said), recall: share(rows), f1: 2.0 * share(rows + said) }
}

/// Most scores that are kept at once: 64 MiB.
const SCORES: usize = 1 << 23;

/// Ranks the rows by the probability of each of these classes or labels, or by its output where that stands for none. `is` tells
/// whether a row is of a class.
fn rankings(
    problem: &Problem,
    outputs: &[f32],
    classes: &[usize],
    is: impl Fn(usize, usize) -> bool,
) -> Vec<Option<Ranking>> {
    let width = problem.head().outputs;
    let at_once = (SCORES / (outputs.len() / width).max(1)).max(1);
    let of_some = |classes: &[usize]| {
        let mut scores = vec![vec![]; classes.len()];
        for row in outputs.chunks(width) {
            let all = problem.probabilities(row);
            scores.iter_mut().zip(classes).for_each(|(scores, &class)| scores.push(all[class]));
        }
        let of_class = |(&class, scores): (&usize, &Vec<f64>)| ranking(scores, |row| is(row, class));
        classes.iter().zip(&scores).map(of_class).collect::<Vec<_>>()
    };
    classes.chunks(at_once).flat_map(of_some).collect()
}

/// Means over what could be ranked.
fn means(rankings: &[Option<Ranking>]) -> (Option<f64>, Option<f64>) {
    let ranked: Vec<&Ranking> = rankings.iter().flatten().collect();
    let mean = |of: fn(&Ranking) -> f64| {
        (!ranked.is_empty()).then(|| ranked.iter().map(|ranking| of(ranking)).sum::<f64>() / ranked.len() as f64)
    };
    (mean(|ranking| ranking.roc_auc), mean(|ranking| ranking.average_precision))
}
