//! What looks wrong with data before anything is trained on them. Each finding names a figure and what to do; data that are
//! as they should be have none. The time is linear in rows and columns.

mod alone;
mod copies;

use super::{Dataset, Split, Targets};
use crate::names::{listed, quoted};
use std::fmt;

/// Features for each row to train on, from which on they are far more.
const MANY_FEATURES: usize = 5;

/// A part of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The rows to train on.
    Train,
    /// The rows that choose the best model.
    Validation,
    /// The rows of the last measurement.
    Test,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Train => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

/// Something that looks wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// Rows of one part that also stand in another, with all features and targets.
    Copies {
        /// The part whose rows they are.
        part: Part,
        /// The part in which they stand too.
        other: Part,
        /// The number of rows that have a copy.
        count: usize,
        /// All rows of `part`.
        of: usize,
        /// A row of `part` and its copy in `other`, each by its number in its file, from 1.
        example: (usize, usize),
    },
    /// A column that predicts the target without the others.
    Alone {
        /// The name of the column.
        column: String,
        /// How well it does.
        figure: Figure,
    },
    /// Classes of which a part has no row.
    NoRows {
        /// The part that lacks the class.
        part: Part,
        /// The names of the classes.
        classes: Vec<String>,
    },
    /// Far more features than rows.
    ManyFeatures {
        /// The number of features.
        features: usize,
        /// The rows to train on.
        rows: usize,
    },
}

/// How well one column predicts the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// For classes: how often a rule of the column alone is right.
    Right {
        /// The share of rows for which a rule of that column alone names the class.
        share: f64,
        /// The share of the largest class.
        largest: f64,
        /// The rows that were looked at, held out from those that gave the rule if some are.
        rows: usize,
    },
    /// Of numbers: the rank correlation (Spearman's ρ).
    Rank(f64),
}

/// Looks through rows of numbers and their parts. Rows of each source are numbered from 1.
pub fn audit(dataset: &Dataset, split: &Split) -> Vec<Finding> {
    let mut findings = copies::find(dataset, split, split.first);
    findings.extend(alone::find(dataset, split));
    findings.extend(missing_classes(dataset, split));
    let (features, rows) = (dataset.features(), split.train.len());
    if !dataset.is_image() && features > MANY_FEATURES * rows {
        findings.push(Finding::ManyFeatures { features, rows });
    }
    findings
}

/// Classes, or labels that hold for no row, by part.
fn missing_classes(dataset: &Dataset, split: &Split) -> Vec<Finding> {
    let names = dataset.targets.names();
    let has = |rows: &[u32]| {
        let mut seen = vec![false; names.len()];
        match &dataset.targets {
            Targets::Classes { labels, .. } => rows.iter().for_each(|&row| seen[labels[row as usize] as usize] = true),
            Targets::Labels { values, .. } => rows.iter().for_each(|&row| {
                let row = &values[row as usize * names.len()..][..names.len()];
                seen.iter_mut().zip(row).for_each(|(seen, value)| *seen |= *value != 0.0);
            }),
            Targets::Numbers { .. } => seen.fill(true),
        }
        seen
    };
    let parts = [(Part::Train, &split.train), (Part::Validation, &split.validation), (Part::Test, &split.test)];
    let mut findings = vec![];
    for (part, rows) in parts.into_iter().filter(|(_, rows)| !rows.is_empty()) {
        let seen = has(rows);
        let classes: Vec<String> =
            names.iter().zip(&seen).filter(|(_, seen)| !**seen).map(|(n, _)| n.clone()).collect();
        if !classes.is_empty() {
            findings.push(Finding::NoRows { part, classes });
        }
    }
    findings
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copies { part, other, count, of, example: (row, copy) } => write!(
                f,
                "{count} of {of} {part} rows stand in the {other} part too, such as row {row} (row {copy} there): they \
                 make the {part} result look better than it is, so remove the copies, or keep rows that belong together \
                 in one part (`group = COLUMN`)"
            ),
            Self::Alone { column, figure } => {
                let column = quoted(column);
                write!(
                    f,
                    "the column {column} alone predicts the target ({figure}): if it is known only when the target "
                )?;
                write!(f, "is, leave it out (`ignore = {column}`)")
            }
            Self::NoRows { part: Part::Train, classes } => write!(
                f,
                "no training row has the class {}, so it cannot be learned: add rows, or hold out fewer",
                listed(classes)
            ),
            Self::NoRows { part, classes } => write!(
                f,
                "no {part} row has the class {}, so the {part} result does not speak of it: add rows, or hold out more",
                listed(classes)
            ),
            Self::ManyFeatures { features, rows } => write!(
                f,
                "there are {features} features for {rows} training rows: a network can learn such rows by heart, so \
                 look at held-out rows only, leave out columns, and use few units and more weight decay"
            ),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right { share, largest, rows } => write!(
                f,
                "right in {:.1} % of {rows} rows, the largest class has {:.1} %",
                100.0 * share,
                100.0 * largest
            ),
            Self::Rank(rho) => write!(f, "rank correlation {rho:.4}"),
        }
    }
}

#[cfg(test)]
mod tests;
