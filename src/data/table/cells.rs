//! Columns as they are read, held compactly.

use super::dates;
use super::sheet::Sheet;
use super::written::{Notation, fits, is_missing, is_one_of, is_rounded, plain};
use crate::data::DataError;
use crate::data::classes::{MISSING, Texts};
use crate::data::faults::Faults;
use crate::names::short;
use csv::StringRecord;
use std::collections::BTreeMap;

/// Texts that count as missing, and how many rows have each.
pub(in crate::data) type Words = BTreeMap<String, usize>;

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) enum Cells {
    /// Numbers of float64's range; NaN is a missing one.
    Numbers { values: Vec<f64>, notation: Notation, words: Words },
    /// Dates in seconds since 1970, or times of day in seconds; NaN is a missing one.
    Dates { seconds: Vec<f64>, format: String, ambiguous: bool, words: Words },
    /// The number of each row's text, `MISSING` for a missing one, and the texts by number.
    Texts { rows: Vec<u32>, texts: Vec<String> },
}

impl Cells {
    /// Cells of numbers in plain notation.
    pub(super) fn numbers(values: Vec<f64>) -> Self {
        Self::Numbers { values, notation: Notation::default(), words: Words::new() }
    }
}

/// A column of a table to train on, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) struct RawColumn {
    /// The name in the header.
    pub(in crate::data) name: String,
    /// Its fields, in the order of the rows.
    pub(in crate::data) cells: Cells,
    /// Whether the user asked for this kind of it, so that it is never left out.
    pub(in crate::data) asked: bool,
}

/// What a user wants a column to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::data) enum Wanted {
    /// What its fields say.
    #[default]
    Any,
    /// Numbers or dates; other texts count as missing.
    Numbers,
    /// Texts, each different one a category.
    Texts,
}

/// A column of texts as it is read: each different text once, with the line on which it first stands.
#[derive(Debug, Default)]
pub(super) struct TextColumn {
    texts: Texts,
    lines: Vec<usize>,
}

/// The texts of one column.
#[derive(Debug)]
pub(super) struct Column {
    /// The name of the column.
    pub(super) name: String,
    /// The number of each row's text, `MISSING` for a missing one.
    pub(super) rows: Vec<u32>,
    /// The texts by number.
    pub(super) texts: Vec<String>,
    /// The line on which each text first stands.
    pub(super) lines: Vec<usize>,
}

impl TextColumn {
    fn push(&mut self, line: usize, field: &str) {
        if self.texts.push(field) {
            self.lines.push(line);
        }
    }

    /// The column, once all rows are read.
    pub(super) fn finish(self, name: &str) -> Column {
        let (rows, texts) = self.texts.finish();
        Column { name: name.to_owned(), rows, texts, lines: self.lines }
    }
}

impl Column {
    /// The rows that have each text.
    pub(super) fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.texts.len()];
        self.rows.iter().filter(|&&row| row != MISSING).for_each(|&row| counts[row as usize] += 1);
        counts
    }
}

/// Takes the fields of one column.
#[derive(Debug)]
pub(super) enum Reader<'a> {
    /// A column of numbers, read in a known way.
    Numbers(Vec<f64>, Notation),
    /// A column of dates, read in a known way.
    Dates(Vec<f64>, &'a str, &'a [String]),
    /// A column of texts; of these words each stands for a missing field.
    Texts(TextColumn, &'a [String]),
    /// Nobody said what the column holds: its fields decide.
    Guess(Guess<'a>),
    /// A target: an empty field is a fault.
    Target(TextColumn),
}

/// What is known so far of a column whose fields decide: numbers, as long as all fields are plain ones or missing.
#[derive(Debug, Default)]
pub(super) struct Guess<'a> {
    values: Vec<f64>,
    words: Words,
    /// Kept where something else stands before the first number.
    texts: Option<TextColumn>,
    /// Whether something else stood among numbers, whose texts are not kept: the column has to be read again.
    again: bool,
    /// Words that stand for a missing field, beside the usual ones.
    missing: &'a [String],
}

/// What a [`Reader`] came to.
pub(super) enum Found {
    /// The column, read to its end.
    Cells(Cells),
    /// The texts of a column, whose kind is to be decided.
    Texts(TextColumn),
    /// The column has to be read again, as texts.
    Again,
}

impl<'a> Reader<'a> {
    /// For a column of a table to train on.
    pub(super) fn for_training(wanted: Wanted, missing: &'a [String]) -> Self {
        match wanted {
            Wanted::Texts => Self::Texts(TextColumn::default(), missing),
            Wanted::Any | Wanted::Numbers => Self::Guess(Guess { missing, ..Guess::default() }),
        }
    }

    /// Takes the field of the next row; gives the fault of one that the column cannot have.
    fn push(&mut self, sheet: &Sheet<'_>, (line, place): (usize, usize), field: &str) -> Option<DataError> {
        let fault = || (sheet.path.to_owned(), line, sheet.header[place].clone());
        match self {
            Self::Numbers(values, notation) if notation.is_missing(field) => values.push(f64::NAN),
            Self::Numbers(values, notation) => match notation.number(field) {
                Some(number) if fits(number) => values.push(number),
                found => {
                    let ((path, line, column), text) = (fault(), short(field));
                    return Some(match found {
                        Some(_) => DataError::NotFinite { path, line, column, text },
                        None => DataError::NotNumber { path, line, column, text },
                    });
                }
            },
            Self::Dates(values, _, missing) if is_missing(field) || is_one_of(missing, field) => values.push(f64::NAN),
            Self::Dates(values, format, _) => match dates::seconds(format, field) {
                Some(seconds) => values.push(seconds),
                None => {
                    let ((path, line, column), text) = (fault(), short(field));
                    return Some(DataError::NotDate { path, line, column, text, format: (*format).to_owned() });
                }
            },
            Self::Texts(texts, missing) if field.is_empty() || is_one_of(missing, field) => {
                texts.texts.push_missing();
            }
            Self::Target(_) if field.is_empty() => {
                let (path, line, column) = fault();
                return Some(DataError::EmptyField { path, line, column });
            }
            Self::Texts(texts, _) | Self::Target(texts) => texts.push(line, field),
            Self::Guess(guess) => guess.push(line, field),
        }
        None
    }

    /// The column, once all rows are read.
    pub(super) fn finish(self) -> Found {
        match self {
            Self::Numbers(values, notation) => Found::Cells(Cells::Numbers { values, notation, words: Words::new() }),
            Self::Dates(seconds, format, _) => {
                let (format, words) = (format.to_owned(), Words::new());
                Found::Cells(Cells::Dates { seconds, format, ambiguous: false, words })
            }
            Self::Texts(texts, _) | Self::Target(texts) => Found::Texts(texts),
            Self::Guess(Guess { again: true, .. }) => Found::Again,
            Self::Guess(Guess { texts: Some(texts), .. }) => Found::Texts(texts),
            Self::Guess(Guess { values, words, missing, .. }) => {
                let no_number = values.iter().all(|value| value.is_nan());
                if no_number && !words.is_empty() {
                    return Found::Again;
                }
                let notation = Notation { missing_words: missing_words(missing, &words), ..Notation::default() };
                Found::Cells(Cells::Numbers { values, notation, words })
            }
        }
    }
}

impl Guess<'_> {
    fn push(&mut self, line: usize, field: &str) {
        if self.again {
            return;
        }
        if let Some(texts) = &mut self.texts {
            match field.is_empty() {
                true => texts.texts.push_missing(),
                false => texts.push(line, field),
            }
            return;
        }
        let given = is_one_of(self.missing, field);
        match plain(field).filter(|_| !given) {
            Some(number) if fits(number) && !is_rounded(field, number) => self.values.push(number),
            None if field.is_empty() => self.values.push(f64::NAN),
            None if given || is_missing(field) => {
                self.values.push(f64::NAN);
                match self.words.get_mut(field) {
                    Some(count) => *count += 1,
                    None => _ = self.words.insert(field.to_owned(), 1),
                }
            }
            _ if self.words.is_empty() && self.values.iter().all(|value| value.is_nan()) => {
                let mut texts = TextColumn::default();
                self.values.iter().for_each(|_| texts.texts.push_missing());
                texts.push(line, field);
                (self.texts, self.values) = (Some(texts), vec![]);
            }
            _ => (self.again, self.values) = (true, vec![]),
        }
    }
}

/// The texts that a column is to know for missing fields, beside the usual ones: those that were given, whether or not it has
/// them, and those that it has.
pub(super) fn missing_words(given: &[String], met: &Words) -> Vec<String> {
    let met = met.keys().filter(|word| !is_missing(word) && !is_one_of(given, word));
    given.iter().chain(met).cloned().collect()
}

/// Reads all rows into the columns at the given places, and says how many there are. The first fault of each column is put
/// down, and how many more of its rows are as bad.
pub(super) fn read(
    sheet: &mut Sheet<'_>,
    columns: &mut [(usize, Reader<'_>)],
    faults: &mut Faults,
) -> Result<usize, DataError> {
    let (mut rows, mut record) = (0, StringRecord::new());
    let mut bad: Vec<Option<(DataError, usize)>> = columns.iter().map(|_| None).collect();
    let decimal = sheet.decimal;
    while let Some(line) = sheet.next(&mut record)? {
        for ((place, reader), bad) in columns.iter_mut().zip(&mut bad) {
            let field = decimal.with_point(record.get(*place).unwrap_or_default().trim());
            if let Some(fault) = reader.push(sheet, (line, *place), &field) {
                bad.get_or_insert((fault, 0)).1 += 1;
            }
        }
        rows += 1;
    }
    if rows == 0 {
        return Err(DataError::NoRows { path: sheet.path.to_owned() });
    }
    for (fault, count) in bad.into_iter().flatten() {
        faults.push(fault, count - 1);
    }
    Ok(rows)
}

/// Whether a number of a text is that of a missing one.
pub(super) fn is_missing_number(number: u32) -> bool {
    number == MISSING
}
