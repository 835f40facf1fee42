//! What a column of texts is: numbers, dates, or texts.

use super::cells::{Cells, Column, Found, Reader, TextColumn, Wanted, Words, is_missing_number, missing_words, read};
use super::dates::{self, Dates};
use super::sheet::Sheet;
use super::written::{Field, Reading, is_missing, is_one_of};
use crate::data::faults::Faults;
use crate::data::{DataError, Options};
use crate::names::short;
use std::collections::HashSet;
use std::path::Path;

/// Of so many rows one may hold a word among numbers, however often that word stands there.
const FEW: usize = 5;
/// Different words that may stand among numbers.
const FEW_WORDS: usize = 10;
/// Different words among numbers that may stand in up to half of the rows, if the numbers are many.
const OFTEN: usize = 3;
/// Different numbers that are no categories any more.
const MANY_NUMBERS: usize = 20;

/// The columns to train on, once their kinds are known; those whose texts were not kept are read again.
pub(super) fn settle(
    sheet: &mut Sheet<'_>,
    readers: Vec<(usize, Wanted, Reader<'_>)>,
    options: &Options<'_>,
    faults: &mut Faults,
) -> Result<Vec<Cells>, DataError> {
    let (mut columns, mut again) = (vec![], vec![]);
    for (place, wanted, reader) in readers {
        let index = columns.len();
        columns.push(Cells::numbers(vec![]));
        match reader.finish() {
            Found::Cells(cells) => columns[index] = cells,
            Found::Texts(texts) => {
                let column = texts.finish(&sheet.header[place]);
                columns[index] = decide(sheet.path, column, wanted, options, faults);
            }
            Found::Again => again.push((index, wanted, (place, Reader::Texts(TextColumn::default(), &[])))),
        }
    }
    if again.is_empty() {
        return Ok(columns);
    }
    sheet.rewind();
    let mut readers = vec![];
    let mut kinds = vec![];
    for (index, wanted, reader) in again {
        kinds.push((index, wanted));
        readers.push(reader);
    }
    read(sheet, &mut readers, faults)?;
    for ((index, wanted), (place, reader)) in kinds.into_iter().zip(readers) {
        if let Found::Texts(texts) = reader.finish() {
            let column = texts.finish(&sheet.header[place]);
            columns[index] = decide(sheet.path, column, wanted, options, faults);
        }
    }
    Ok(columns)
}

/// The column of texts as what it is. A few words among numbers, or among dates, count as missing; otherwise a column of
/// both is one of texts.
fn decide(path: &Path, column: Column, wanted: Wanted, options: &Options<'_>, faults: &mut Faults) -> Cells {
    let missing = options.missing;
    if wanted == Wanted::Texts {
        return texts(path, column, missing, faults);
    }
    let counts = column.counts();
    let broken = Broken::of(&column, &counts);
    let reading = Reading::of(&column.texts, &counts, missing);
    let is_other = |field: &Field| *field == Field::Other;
    let (rows, others) = (reading.rows(&counts), reading.other_rows(&counts));
    let exact = !reading.rounded || wanted == Wanted::Numbers;
    let words = reading.different(is_other);
    if exact && few(rows, reading.fields.len() - words, broken.without((others, words)), wanted) {
        broken.tell(path, &column, faults);
        return as_numbers(path, &column, &counts, (reading, missing), faults);
    }
    // A date may stand for a missing one.
    let read: Vec<String> =
        column.texts.iter().map(|text| if is_one_of(missing, text) { String::new() } else { text.clone() }).collect();
    let found = dates::find(&read, &counts, &column.rows, options.day_first);
    if let Some(found) = found.filter(|found| found.rows > rows) {
        let usual = |text: &&String| is_missing(text);
        let is_word = |text: &&String| !usual(text) && dates::seconds(found.format, text).is_none();
        let words = read.iter().filter(is_word).count();
        let others = read.iter().zip(&counts).filter(|(text, _)| is_word(text)).map(|(_, count)| count).sum();
        if few(found.rows, read.len() - words, broken.without((others, words)), wanted) {
            broken.tell(path, &column, faults);
            return as_dates(&column, &read, &counts, found);
        }
    }
    if wanted == Wanted::Numbers {
        let (path, column) = (path.to_owned(), column.name.clone());
        faults.push(DataError::NoNumbers { path, column }, 0);
    }
    texts(path, column, missing, faults)
}

/// The texts of a column that go on over the end of a line, which is what an open quotation mark leads to: whole rows may be
/// in them. So they are no words that count as missing.
struct Broken {
    /// The place of the first.
    first: Option<usize>,
    /// Rows that have one.
    rows: usize,
    /// Number of different texts among them.
    texts: usize,
}

impl Broken {
    fn of(column: &Column, counts: &[usize]) -> Self {
        let mut broken = Self { first: None, rows: 0, texts: 0 };
        for at in (0..column.texts.len()).filter(|&at| column.texts[at].contains(['\n', '\r'])) {
            broken.first.get_or_insert(at);
            broken.rows += counts[at];
            broken.texts += 1;
        }
        broken
    }

    /// The rows and texts that are words, without these.
    fn without(&self, (rows, texts): (usize, usize)) -> (usize, usize) {
        (rows.saturating_sub(self.rows), texts.saturating_sub(self.texts))
    }

    fn tell(&self, path: &Path, column: &Column, faults: &mut Faults) {
        if let Some(at) = self.first {
            let (path, line, column) = (path.to_owned(), column.lines[at], column.name.clone());
            faults.push(DataError::LineBreak { path, line, column }, self.rows - 1);
        }
    }
}

/// Whether words among numbers count as missing.
fn few(rows: usize, numbers: usize, (others, words): (usize, usize), wanted: Wanted) -> bool {
    let few_rows = others * FEW <= rows + others && words <= FEW_WORDS.max((rows + others) / 100);
    let few_words = words <= OFTEN && others < rows && numbers > MANY_NUMBERS;
    rows > 0 && (others == 0 || wanted == Wanted::Numbers || few_rows || few_words)
}

fn as_numbers(
    path: &Path,
    column: &Column,
    counts: &[usize],
    (reading, missing): (Reading, &[String]),
    faults: &mut Faults,
) -> Cells {
    let Reading { mut notation, fields, .. } = reading;
    let mut words = Words::new();
    for (i, field) in fields.iter().enumerate() {
        let text = &column.texts[i];
        match field {
            Field::Number(_) => {}
            Field::TooLarge => {
                let (path, line, text) = (path.to_owned(), column.lines[i], short(text));
                faults.push(DataError::NotFinite { path, line, column: column.name.clone(), text }, counts[i] - 1);
            }
            Field::Missing | Field::Other => _ = words.insert(text.clone(), counts[i]),
        }
    }
    notation.missing_words = missing_words(missing, &words);
    let value = |&row: &u32| match fields.get(row as usize) {
        Some(Field::Number(number)) => *number,
        _ => f64::NAN,
    };
    Cells::Numbers { values: column.rows.iter().map(value).collect(), notation, words }
}

/// The texts `texts` of a column as dates; those that stand for a missing one are empty there.
fn as_dates(column: &Column, texts: &[String], counts: &[usize], found: Dates) -> Cells {
    let read: Vec<Option<f64>> = texts.iter().map(|text| dates::seconds(found.format, text)).collect();
    let words = (0..read.len()).filter(|&i| read[i].is_none()).map(|i| (column.texts[i].clone(), counts[i])).collect();
    let value = |&row: &u32| read.get(row as usize).copied().flatten().unwrap_or(f64::NAN);
    let (format, ambiguous) = (found.format.to_owned(), found.ambiguous);
    Cells::Dates { seconds: column.rows.iter().map(value).collect(), format, ambiguous, words }
}

/// A column of texts; the given words stand for missing ones.
fn texts(path: &Path, column: Column, missing: &[String], faults: &mut Faults) -> Cells {
    let Column { name, mut rows, texts, lines } = column;
    let gone: HashSet<u32> = (0..).zip(&texts).filter(|(_, text)| is_one_of(missing, text)).map(|(i, _)| i).collect();
    if !gone.is_empty() {
        rows.iter_mut().filter(|row| gone.contains(row)).for_each(|row| *row = u32::MAX);
    }
    // A line break is what an open quotation mark leads to; free text may have them, and is left out.
    let broken = texts.iter().position(|text| text.contains(['\n', '\r']));
    if let Some(at) = broken
        && texts.len() <= super::encoding::MOST_TEXTS
    {
        faults.push(DataError::LineBreak { path: path.to_owned(), line: lines[at], column: name }, 0);
    }
    debug_assert!(rows.iter().all(|&row| is_missing_number(row) || (row as usize) < texts.len()));
    Cells::Texts { rows, texts }
}
