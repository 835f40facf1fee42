//! How single rows were answered, by a model that answers classes.

use crate::nn::{Problem, Weighing};

/// How one row was answered.
pub(super) struct Row {
    /// Its number in the data set, from 0.
    pub(super) at: usize,
    pub(super) truth: usize,
    pub(super) said: usize,
    /// That of the class that was said.
    pub(super) probability: f64,
    pub(super) loss: f64,
}

/// All rows that the outputs `[rows, outputs]` are of. `truths` gives each row's number and its class.
pub(super) fn rows(problem: &Problem, outputs: &[f32], truths: impl Iterator<Item = (usize, u32)>) -> Vec<Row> {
    let row = |(outputs, (at, truth)): (&[f32], (usize, u32))| {
        let (truth, said) = (truth as usize, problem.class(outputs));
        let probability = problem.probabilities(outputs)[said];
        let loss = problem.loss_of_class(outputs, truth, &Weighing::default());
        Row { at, truth, said, probability, loss }
    };
    outputs.chunks(problem.head().outputs).zip(truths).map(row).collect()
}

/// Leaves at most so many of the rows that were taken for another class, those of the largest loss first.
pub(super) fn keep_worst(rows: &mut Vec<Row>, most: usize) {
    rows.retain(|row| row.truth != row.said);
    rows.sort_by(|a, b| b.loss.total_cmp(&a.loss));
    rows.truncate(most);
}
