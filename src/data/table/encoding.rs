//! From columns to features: what stands for missing numbers, which texts there are, and what of a date varies.

use super::cells::{Cells, RawColumn, is_missing_number, missing_words};
use super::dates::{self, DatePart};
use super::left_out::{Reason, reason};
use super::written::Notation;
use crate::data::DataError;
use crate::data::decimal::Name;
use crate::names::short;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::Path;

/// Different texts that a column may have.
pub(super) const MOST_TEXTS: usize = 100;
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
    /// The kind of feature that it becomes.
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
        mean: f64,
        /// How the numbers are written.
        #[serde(flatten)]
        notation: Notation,
    },
    /// A column of numbers of which some rows to train on lack one: the number, and 1 where it is missing, else 0.
    Imputed {
        /// Of the rows to train on that have a number; it stands for a missing one.
        mean: f64,
        /// How the numbers are written.
        #[serde(flatten)]
        notation: Notation,
    },
    /// A column of dates or times of day: a number, then the parts that vary, then, where rows to train on lack one, 1
    /// where it is missing, else 0. The number is that of days since 1970 in UTC, or of hours since midnight.
    Date {
        /// How the dates are written, in the language of `strftime`; a time of day and an offset from UTC may follow.
        format: String,
        /// The parts that vary in the rows to train on.
        parts: Vec<DatePart>,
        /// Means of the number and of each part in the rows to train on that have a date; they stand for a missing one.
        means: Vec<f64>,
        /// Whether a feature says where a date is missing.
        missing: bool,
        /// Texts that stand for a missing date, beside the usual ones.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing_words: Vec<String>,
    },
    /// A column of texts: for each value 1 where the field is that, else 0.
    Text {
        /// The texts of the rows to train on, sorted.
        values: Vec<String>,
        /// Whether a missing text is a value too, after the others.
        missing: bool,
        /// Texts that stand for a missing one, beside an empty field.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing_words: Vec<String>,
    },
}

impl Column {
    /// The number of features that it becomes.
    pub(in crate::data) fn width(&self) -> usize {
        match &self.kind {
            Kind::Number { .. } => 1,
            Kind::Imputed { .. } => 2,
            Kind::Date { means, missing, .. } => means.len() + usize::from(*missing),
            Kind::Text { values, missing, .. } => values.len() + usize::from(*missing),
        }
    }

    fn features(&self) -> Vec<String> {
        let name = &self.name;
        let is_missing = || format!("{name} is missing");
        match &self.kind {
            Kind::Number { .. } => vec![name.clone()],
            Kind::Imputed { .. } => vec![name.clone(), is_missing()],
            Kind::Date { parts, missing, .. } => {
                let parts = parts.iter().map(|part| format!("{name} {part}"));
                std::iter::once(name.clone()).chain(parts).chain(missing.then(is_missing)).collect()
            }
            Kind::Text { values, missing, .. } => {
                let missing = missing.then_some("(missing)");
                values.iter().map(String::as_str).chain(missing).map(|value| format!("{name}={value}")).collect()
            }
        }
    }

    /// What a column becomes, or why it is left out.
    fn fit(column: &RawColumn, train: &[u32], given: &[String]) -> Result<Self, Reason> {
        let kind = match &column.cells {
            Cells::Numbers { values, notation, .. } => {
                let there = || train.iter().map(|&row| values[row as usize]).filter(|value| !value.is_nan());
                let (count, notation) = (there().count(), notation.clone());
                let mean = there().sum::<f64>() / count as f64;
                match count {
                    0 => return Err(Reason::Empty),
                    count if count == train.len() => Kind::Number { mean, notation },
                    _ => Kind::Imputed { mean, notation },
                }
            }
            Cells::Dates { seconds, format, words, .. } => {
                let there: Vec<f64> =
                    train.iter().map(|&row| seconds[row as usize]).filter(|second| !second.is_nan()).collect();
                let Some(&first) = there.first() else { return Err(Reason::Empty) };
                let varies = |part: &DatePart| there.iter().any(|&second| part.of(second) != part.of(first));
                let parts: Vec<DatePart> = dates::parts(format).iter().copied().filter(varies).collect();
                let mean = |of: &dyn Fn(f64) -> f64| there.iter().map(|&s| of(s)).sum::<f64>() / there.len() as f64;
                let mut means = vec![mean(&|second| dates::number(format, second))];
                means.extend(parts.iter().map(|part| mean(&|second| part.of(second))));
                let missing = there.len() < train.len();
                Kind::Date { format: format.clone(), parts, means, missing, missing_words: missing_words(given, words) }
            }
            Cells::Texts { rows, texts } => Self::fit_texts(column, (rows, texts), train, given)?,
        };
        Ok(Self { name: column.name.clone(), kind })
    }

    fn fit_texts(
        column: &RawColumn,
        (rows, texts): (&[u32], &[String]),
        train: &[u32],
        words: &[String],
    ) -> Result<Kind, Reason> {
        let (mut seen, mut missing) = (vec![false; texts.len()], false);
        for &row in train {
            match rows[row as usize] {
                number if is_missing_number(number) => missing = true,
                number => seen[number as usize] = true,
            }
        }
        let there = texts.iter().zip(&seen).filter(|(_, seen)| **seen).map(|(text, _)| text);
        let mut values: Vec<String> = match column.asked {
            // Numbers that are to be categories are the same however they are written.
            true => {
                let mut names = HashSet::new();
                there.filter(|text| names.insert(Name::of(text))).cloned().collect()
            }
            false => there.cloned().collect(),
        };
        values.sort_unstable();
        let (count, rows) = (values.len(), train.len());
        if count == 0 {
            return Err(Reason::Empty);
        }
        if !column.asked && (count > MOST_TEXTS || count > ALWAYS_TEXTS && count * 2 > rows) {
            return Err(Reason::Texts { values: count, rows });
        }
        Ok(Kind::Text { values, missing, missing_words: words.to_vec() })
    }
}

/// A column that is left out, and why.
pub(in crate::data) type LeftOut = (String, Reason);

impl Encoding {
    /// What the rows `train` of the columns make of them. Columns that name or count rows, free text, and columns without a
    /// value are left out, and come along; the columns that are not, by their places, as well.
    pub(in crate::data) fn fit(
        path: &Path,
        columns: &[RawColumn],
        train: &[u32],
        missing: &[String],
    ) -> Result<(Self, Vec<usize>, Vec<LeftOut>), DataError> {
        assert!(!train.is_empty(), "a table is encoded for at least one row to train on");
        let (mut kept, mut places, mut left) = (vec![], vec![], vec![]);
        let mut counters = vec![];
        for (place, column) in columns.iter().enumerate() {
            match Column::fit(column, train, missing) {
                Ok(fitted) => {
                    let counter = (!column.asked).then(|| reason(place, column)).flatten();
                    counters.push(counter);
                    kept.push(fitted);
                    places.push(place);
                }
                Err(why) => left.push((place, why)),
            }
        }
        // A counter that is all there is may be a clock.
        if counters.iter().any(Option::is_none) {
            let mut counted = counters.into_iter();
            let mut next = || counted.next().flatten();
            let whys: Vec<Option<Reason>> = places.iter().map(|_| next()).collect();
            left.extend(places.iter().zip(&whys).filter_map(|(&place, why)| Some((place, why.clone()?))));
            let mut keep = whys.iter().map(Option::is_none);
            kept.retain(|_| keep.next().unwrap_or(true));
            let mut keep = whys.iter().map(Option::is_none);
            places.retain(|_| keep.next().unwrap_or(true));
        }
        left.sort_unstable_by_key(|(place, _)| *place);
        let left: Vec<LeftOut> = left.into_iter().map(|(place, why)| (columns[place].name.clone(), why)).collect();
        if kept.is_empty() {
            let left = left.iter().map(|(name, why)| format!("{} ({why})", short(name))).collect();
            return Err(DataError::AllLeftOut { path: path.to_owned(), left });
        }
        Ok((Self { columns: kept }, places, left))
    }

    /// That of columns of numbers none of which is missing, with their means in the rows to train on.
    pub(in crate::data) fn of_numbers(names: &[String], means: &[f64]) -> Self {
        let column = |(name, &mean): (&String, &f64)| Column {
            name: name.clone(),
            kind: Kind::Number { mean, notation: Notation::default() },
        };
        Self { columns: names.iter().zip(means).map(column).collect() }
    }

    /// The names of the features in order: `NAME`, `NAME month` and the like, `NAME is missing` and `NAME=VALUE`.
    pub fn features(&self) -> Vec<String> {
        self.columns.iter().flat_map(Column::features).collect()
    }

    /// The features of each column, by their places in a row.
    pub fn places(&self) -> Vec<std::ops::Range<usize>> {
        let mut start = 0;
        let place = |column: &Column| {
            start += column.width();
            start - column.width()..start
        };
        self.columns.iter().map(place).collect()
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
            Kind::Number { mean, .. } | Kind::Imputed { mean, .. } => mean.is_finite(),
            Kind::Date { format, parts, means, .. } => {
                let known = dates::is_known(format) && parts.iter().all(|part| dates::parts(format).contains(part));
                let whole = means.len() == parts.len() + 1 && means.iter().all(|mean| mean.is_finite());
                known && whole && parts.is_sorted_by(|a, b| a < b)
            }
            Kind::Text { values, .. } => !values.is_empty() && values.is_sorted_by(|a, b| a < b),
        };
        self.width() == features && self.columns.iter().all(|column| names.insert(&column.name) && whole(column))
    }
}

#[cfg(test)]
#[path = "encoding_tests.rs"]
mod tests;
