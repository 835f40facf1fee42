//! Tables: text with one row a line and a separator between its fields, plain or gzip.
//!
//! Separator, decimal mark and header are recognised or given ([`Format`]). Names and fields are taken without the white
//! space around them. Blank lines hold no row. A field is missing if it is
//! empty, or one of `?`, `na`, `n/a`, `nan`, `null` and `none` in any case.
//!
//! A column holds numbers if more of its fields are numbers than are not; then all must be, save the missing ones.
//! Otherwise it holds texts. That is read off all rows; means and texts are of the training rows alone.

mod cells;
mod encoding;
mod format;
mod sheet;
mod targets;

pub(super) use cells::Cells;
pub use encoding::{Column, Encoding, Kind};
pub use format::{Decimal, Format, Separator};

use super::classes::Texts;
use super::opened::{Content, Opened};
use super::{DataError, Dataset, Options, Targets, Values};
use cells::{Found, Guess, Reader, TargetColumn, TargetReader, read};
use sheet::{Sheet, Text};
use std::path::Path;

/// The features of a table without its targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The values, `[rows, features]` row-major, all finite.
    pub values: Vec<f32>,
    /// The number of rows, at least 1.
    pub rows: usize,
    /// What was recognised of the file, and what was done to fields that were not as those trained on, in clauses.
    pub notes: Vec<String>,
}

/// Reads the columns of an encoding from a CSV file, plain or gzip, as the features that it makes of them. They are found
/// by name; other columns are left out of account, whatever they hold.
///
/// # Errors
///
/// When the file cannot be read, lacks a column or has it twice, has no rows or ragged ones, or a field of a column of
/// numbers is neither missing nor a finite number.
pub fn read_features(path: &Path, format: Format, encoding: &Encoding) -> Result<Table, DataError> {
    Ok(read_known(path, format, encoding, None)?.0)
}

/// Reads the columns of an encoding and the target columns that `target` names (as in [`Options`]), to judge a model by:
/// targets are of the kind of `like`, other columns are left out of account, and all rows may be of one class. What was
/// done to fields that were not as those trained on comes along, in clauses.
///
/// # Errors
///
/// As [`read_features`], or when a target column is not there or one too many, or a target is missing or not of its kind.
pub fn read_labelled(
    path: &Path,
    format: Format,
    encoding: &Encoding,
    target: &str,
    like: &Targets,
) -> Result<(Dataset, Vec<String>), DataError> {
    let (table, columns) = read_known(path, format, encoding, Some(target))?;
    let target = joined(&columns);
    let dataset = Dataset {
        name: super::name_of(path),
        values: Values::Floats(table.values),
        shape: vec![encoding.width()],
        largest: 0.0,
        targets: targets::build_like(path, columns, like)?,
        columns: encoding.features(),
        encoding: encoding.clone(),
        target: Some(target),
        test: None,
    };
    Ok((dataset, table.notes))
}

fn read_known(
    path: &Path,
    format: Format,
    encoding: &Encoding,
    target: Option<&str>,
) -> Result<(Table, Vec<TargetColumn>), DataError> {
    let text = Text::read(path, format)?;
    let needed: Vec<&str> = encoding.columns.iter().map(|column| column.name.as_str()).collect();
    let mut sheet = Sheet::new(&text, format, &needed)?;
    let mut readers = vec![];
    for column in &encoding.columns {
        let place = sheet.find(&column.name)?.ok_or_else(|| DataError::MissingColumn {
            path: path.to_owned(),
            column: column.name.clone(),
            columns: sheet.header.clone(),
        })?;
        let reader = match column.kind {
            Kind::Number { .. } | Kind::Imputed { .. } => Reader::Numbers(vec![]),
            Kind::Text { .. } => Reader::Texts(Texts::default()),
        };
        readers.push((place, reader));
    }
    let places = target.map_or(Ok(vec![]), |target| targets::find(&sheet, target))?;
    let mut targets: Vec<TargetReader> = places.into_iter().map(TargetReader::new).collect();
    let rows = read(&mut sheet, &mut readers, &mut targets)?;
    let cells: Vec<Cells> = readers.into_iter().map(|(_, reader)| known(reader)).collect();
    let (values, done) = encoding.apply(cells.iter(), rows);
    let notes = sheet.notes.iter().cloned().chain(done.surprises()).collect();
    let table = Table { values, rows, notes };
    Ok((table, targets.into_iter().map(|reader| reader.finish(&sheet)).collect()))
}

/// The column that a reader of a known kind has read.
fn known(reader: Reader) -> Cells {
    match reader.finish() {
        Found::Cells(cells) => cells,
        Found::IsText | Found::Fault { .. } => unreachable!("only a reader that guesses finds these"),
    }
}

/// Opens a file of text, plain or gzip: some columns are targets, all others that are not ignored are features.
pub(super) fn open(name: String, path: &Path, options: &Options<'_>) -> Result<Opened, DataError> {
    let text = Text::read(path, options.format)?;
    let mut sheet = Sheet::new(&text, options.format, &[])?;
    sheet.check_header()?;
    let mut ignored = ignored(&sheet, options.ignore)?;
    let target = options.target.unwrap_or_default();
    let is_target = |place: &usize| target.split(',').any(|name| name.trim() == sheet.header[*place]);
    ignored.extend(sheet.left_out.iter().filter(|place| !is_target(place)));
    let places = targets::choose(&sheet, options, &ignored)?;
    let is_feature = |place: &usize| !places.contains(place) && !ignored.contains(place);
    let features: Vec<usize> = (0..sheet.header.len()).filter(is_feature).collect();
    if features.is_empty() {
        let targets = places.iter().map(|&place| sheet.header[place].clone()).collect();
        return Err(DataError::NoFeatures { path: path.to_owned(), targets });
    }
    let mut readers: Vec<(usize, Reader)> =
        features.iter().map(|&place| (place, Reader::Either(Guess::default()))).collect();
    let mut columns: Vec<TargetReader> = places.into_iter().map(TargetReader::new).collect();
    read(&mut sheet, &mut readers, &mut columns)?;
    let columns: Vec<TargetColumn> = columns.into_iter().map(|column| column.finish(&sheet)).collect();
    let cells = settle(&mut sheet, readers)?;
    let target = Some(joined(&columns));
    let (task, inferred) = options.task.map_or_else(|| targets::infer(&columns), |task| (task, None));
    let targets = targets::build(path, columns, task)?;
    if let Some((_, [class])) = targets.classes() {
        return Err(DataError::OneClass { path: path.to_owned(), class: class.clone() });
    }
    let columns = features.iter().map(|&place| sheet.header[place].clone()).zip(cells).collect();
    let content = Content::Table { path: path.to_owned(), columns };
    Ok(Opened { name, targets, target, test: None, notes: sheet.notes, inferred, content })
}

fn joined(columns: &[TargetColumn]) -> String {
    columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(",")
}

/// The places of the columns to be left out.
fn ignored(sheet: &Sheet<'_>, names: &[String]) -> Result<Vec<usize>, DataError> {
    let place = |column: &String| {
        sheet.find(column.trim())?.ok_or_else(|| DataError::UnknownIgnored {
            path: sheet.path.to_owned(),
            column: column.clone(),
            columns: sheet.header.clone(),
        })
    };
    names.iter().map(place).collect()
}

/// The columns once their kinds are known; those of texts are read again. Of several faults the first in the file is
/// told.
fn settle(sheet: &mut Sheet<'_>, readers: Vec<(usize, Reader)>) -> Result<Vec<Cells>, DataError> {
    let (mut columns, mut texts) = (vec![], vec![]);
    let mut first: Option<(usize, usize, String)> = None;
    for (place, reader) in readers {
        match reader.finish() {
            Found::Cells(cells) => columns.push(cells),
            Found::IsText => {
                texts.push((columns.len(), (place, Reader::Texts(Texts::default()))));
                columns.push(Cells::Numbers(vec![]));
            }
            Found::Fault { line, text } if first.as_ref().is_none_or(|(other, ..)| line < *other) => {
                first = Some((line, place, text));
            }
            Found::Fault { .. } => {}
        }
    }
    if let Some((line, place, text)) = first {
        return Err(sheet.no_number(line, place, &text));
    }
    if texts.is_empty() {
        return Ok(columns);
    }
    let (indices, mut readers): (Vec<usize>, Vec<(usize, Reader)>) = texts.into_iter().unzip();
    sheet.rewind();
    read(sheet, &mut readers, &mut [])?;
    for (index, (_, reader)) in indices.into_iter().zip(readers) {
        columns[index] = known(reader);
    }
    Ok(columns)
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
