//! From columns to features: what stands for missing numbers, and which texts there are.

use super::cells::{Cells, is_missing_number};
use crate::data::DataError;
use crate::names;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Different texts that a column may have.
const MOST_TEXTS: usize = 100;
/// Different texts that a column may have however few its rows are.
const ALWAYS_TEXTS: usize = 20;

/// How the columns of a table become features. All of it comes from the rows that are trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Encoding {
    /// The columns in file order; none for images.
    pub columns: Vec<Column>,
}

/// A column of a table and what it becomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The name in the header.
    pub name: String,
    /// What it becomes.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What a column becomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A column of numbers of which no row to train on lacks one: one feature.
    Number {
        /// Of the rows to train on.
        mean: f32,
    },
    /// A column of numbers of which some rows to train on lack one: the number, and 1 where it is missing, else 0.
    Imputed {
        /// Of the rows to train on that have a number; it stands for a missing one.
        mean: f32,
    },
    /// A column of texts: for each value 1 where the field is that, else 0.
    Text {
        /// The texts of the rows to train on, sorted.
        values: Vec<String>,
        /// Whether a missing text is a value too, after the others.
        missing: bool,
    },
}

impl Column {
    fn width(&self) -> usize {
        match &self.kind {
            Kind::Number { .. } => 1,
            Kind::Imputed { .. } => 2,
            Kind::Text { values, missing } => values.len() + usize::from(*missing),
        }
    }

    fn features(&self) -> Vec<String> {
        let name = &self.name;
        match &self.kind {
            Kind::Number { .. } => vec![name.clone()],
            Kind::Imputed { .. } => vec![name.clone(), format!("{name} is missing")],
            Kind::Text { values, missing } => {
                let missing = missing.then_some("(missing)");
                values.iter().map(String::as_str).chain(missing).map(|value| format!("{name}={value}")).collect()
            }
        }
    }

    fn fit(name: &str, cells: &Cells, train: &[u32], path: &Path) -> Result<Self, DataError> {
        let (path, column) = (|| path.to_owned(), || name.to_owned());
        let kind = match cells {
            Cells::Numbers(values) => {
                let there = || train.iter().map(|&row| f64::from(values[row as usize])).filter(|value| !value.is_nan());
                let mean = |count: usize| (there().sum::<f64>() / count as f64) as f32;
                match there().count() {
                    0 => return Err(DataError::NothingToFit { path: path(), column: column() }),
                    count if count == train.len() => Kind::Number { mean: mean(count) },
                    count => Kind::Imputed { mean: mean(count) },
                }
            }
            Cells::Texts { rows, texts } => {
                let (mut seen, mut missing) = (vec![false; texts.len()], false);
                for &row in train {
                    match rows[row as usize] {
                        number if is_missing_number(number) => missing = true,
                        number => seen[number as usize] = true,
                    }
                }
                let mut values: Vec<String> =
                    texts.iter().zip(&seen).filter(|(_, seen)| **seen).map(|(text, _)| text.clone()).collect();
                values.sort_unstable();
                let (count, rows) = (values.len(), train.len());
                if count == 0 {
                    return Err(DataError::NothingToFit { path: path(), column: column() });
                }
                if count > MOST_TEXTS || count > ALWAYS_TEXTS && count * 2 > rows {
                    return Err(DataError::TooManyTexts { path: path(), column: column(), values: count, rows });
                }
                Kind::Text { values, missing }
            }
        };
        Ok(Self { name: name.to_owned(), kind })
    }
}

impl Encoding {
    /// What the rows `train` of the columns make of them.
    pub(in crate::data) fn fit(path: &Path, columns: &[(String, Cells)], train: &[u32]) -> Result<Self, DataError> {
        assert!(!train.is_empty(), "a table is encoded for at least one row to train on");
        let columns = columns.iter().map(|(name, cells)| Column::fit(name, cells, train, path));
        Ok(Self { columns: columns.collect::<Result<_, _>>()? })
    }

    /// The names of the features in order: `NAME`, `NAME is missing` and `NAME=VALUE`.
    pub fn features(&self) -> Vec<String> {
        self.columns.iter().flat_map(Column::features).collect()
    }

    /// The number of features.
    pub fn width(&self) -> usize {
        self.columns.iter().map(Column::width).sum()
    }

    /// Whether there are no columns, as for images.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Whether it makes so many features, and is one that [`Opened::encode`](crate::data::Opened::encode) can make: for
    /// files that anyone may have written.
    pub fn fits(&self, features: usize) -> bool {
        let mut names = HashSet::new();
        let whole = |column: &Column| match &column.kind {
            Kind::Number { mean } | Kind::Imputed { mean } => mean.is_finite(),
            Kind::Text { values, .. } => !values.is_empty() && values.is_sorted_by(|a, b| a < b),
        };
        self.width() == features && self.columns.iter().all(|column| names.insert(&column.name) && whole(column))
    }

    /// The columns as features, `[rows, features]` row-major, and what was done. The columns are those of this encoding,
    /// in its order, each of its kind.
    pub(in crate::data) fn apply<'a>(
        &'a self,
        columns: impl Iterator<Item = &'a Cells>,
        rows: usize,
    ) -> (Vec<f32>, Done<'a>) {
        let mut parts: Vec<Part<'a>> =
            self.columns.iter().zip(columns).map(|(column, cells)| Part::new(column, cells)).collect();
        let mut values = Vec::with_capacity(rows * self.width());
        for row in 0..rows {
            parts.iter_mut().for_each(|part| part.push(row, &mut values));
        }
        let done = parts.into_iter().map(|part| (part.column, part.missing, part.unseen));
        (values, Done(done.collect()))
    }
}

/// A column that is being made into features.
struct Part<'a> {
    column: &'a Column,
    cells: &'a Cells,
    /// For each text of the column, its feature.
    places: Vec<Option<usize>>,
    width: usize,
    missing: usize,
    unseen: usize,
}

impl<'a> Part<'a> {
    fn new(column: &'a Column, cells: &'a Cells) -> Self {
        let places = match (&column.kind, cells) {
            (Kind::Text { values, .. }, Cells::Texts { texts, .. }) => {
                let known: HashMap<&String, usize> = values.iter().zip(0..).collect();
                texts.iter().map(|text| known.get(text).copied()).collect()
            }
            _ => vec![],
        };
        Self { column, cells, places, width: column.width(), missing: 0, unseen: 0 }
    }

    fn push(&mut self, row: usize, out: &mut Vec<f32>) {
        match (&self.column.kind, self.cells) {
            (&(Kind::Number { mean } | Kind::Imputed { mean }), Cells::Numbers(values)) => {
                let missing = values[row].is_nan();
                self.missing += usize::from(missing);
                out.push(if missing { mean } else { values[row] });
                if self.width == 2 {
                    out.push(if missing { 1.0 } else { 0.0 });
                }
            }
            (Kind::Text { values, missing }, Cells::Texts { rows, .. }) => {
                let feature = if is_missing_number(rows[row]) {
                    self.missing += usize::from(*missing);
                    missing.then_some(values.len())
                } else {
                    self.places[rows[row] as usize]
                };
                let start = out.len();
                out.resize(start + self.width, 0.0);
                match feature {
                    Some(feature) => out[start + feature] = 1.0,
                    None => self.unseen += 1,
                }
            }
            _ => unreachable!("a column is read as its kind"),
        }
    }
}

/// In how many rows of each column a field was missing, and in how many there was a text that was not trained on.
pub(in crate::data) struct Done<'a>(Vec<(&'a Column, usize, usize)>);

impl Done<'_> {
    /// What was done to rows of which some are trained on.
    pub(in crate::data) fn all(&self) -> Vec<String> {
        let texts = self.0.iter().filter_map(|(column, ..)| match &column.kind {
            Kind::Text { values, .. } => Some((column.name.as_str(), values.len(), "value")),
            _ => None,
        });
        let imputed = self.rows(|column, missing, _| (matches!(column.kind, Kind::Imputed { .. }), missing));
        let missing = self.rows(|column, missing, _| (matches!(column.kind, Kind::Text { .. }), missing));
        let mut notes = vec![];
        note(&mut notes, "texts become a feature of 0 or 1 for each value", texts.collect());
        note(&mut notes, "missing numbers become the mean of the training rows, and a feature says where", imputed);
        note(&mut notes, "missing texts are a value of their own", missing);
        notes.extend(self.surprises());
        notes
    }

    /// What was done to fields that the rows to train on gave no reason to expect.
    pub(in crate::data) fn surprises(&self) -> Vec<String> {
        let filled = self.rows(|column, missing, _| (matches!(column.kind, Kind::Number { .. }), missing));
        let unseen = self.rows(|_, _, unseen| (true, unseen));
        let mut notes = vec![];
        note(&mut notes, "missing numbers become the mean of the training rows, which lack none", filled);
        note(&mut notes, "texts that no training row has become zeros", unseen);
        notes
    }

    /// The columns that are meant and have such rows, and their number.
    fn rows(&self, counted: fn(&Column, usize, usize) -> (bool, usize)) -> Vec<(&str, usize, &'static str)> {
        let row = |(column, missing, unseen): &(&'_ Column, usize, usize)| match counted(column, *missing, *unseen) {
            (true, count) => count,
            (false, _) => 0,
        };
        let found = self.0.iter().map(|entry| (entry.0.name.as_str(), row(entry), "row"));
        found.filter(|(_, count, _)| *count > 0).collect()
    }
}

/// Puts down what was done to some columns, if there are any.
fn note(notes: &mut Vec<String>, what: &str, columns: Vec<(&str, usize, &str)>) {
    let shown = |(name, count, noun): (&str, usize, &str)| {
        format!("{name} ({count} {noun}{})", if count == 1 { "" } else { "s" })
    };
    if !columns.is_empty() {
        let columns: Vec<String> = columns.into_iter().map(shown).collect();
        notes.push(format!("{what}: {}", names::few(&columns)));
    }
}

#[cfg(test)]
#[path = "encoding_tests.rs"]
mod tests;
