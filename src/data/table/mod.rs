//! Tables: text with one row a line and a separator between its fields, plain or gzip.
//!
//! Separator, decimal mark and header are recognised or given ([`Format`]). Names and fields are taken without the white
//! space around them. Blank lines hold no row.
//!
//! The fields of a column decide what it holds: numbers, also with thousands separators, a currency or a percent sign; dates
//! and times; or texts. A few words among numbers or dates count as missing. Of texts only an empty field is missing. That is
//! read off all rows; means and texts are of the training rows alone. [`Options`] has lists of columns that decide in place
//! of the fields.
//!
//! Columns that surely name or count the rows, texts that hardly repeat, and columns without a value are left out.

mod cells;
mod dates;
mod decide;
mod encoding;
mod features;
mod format;
mod left_out;
mod notes;
mod pictured;
mod sheet;
mod targets;
mod written;

pub(super) use cells::{Cells, RawColumn};
pub use dates::DatePart;
pub use encoding::{Column, Encoding, Kind};
pub use format::{Decimal, Dialect, Format, Separator};
pub(super) use notes::left_out;
pub use pictured::{Like, Pictured};
pub use written::Notation;
pub(super) use written::{is_missing, is_one_of};

use super::faults::Faults;
use super::{Affine, DataError, Dataset, Options, Targets, Values};
use cells::{Found, Reader, TextColumn, Wanted, read};
use csv::StringRecord;
use decide::settle;
use sheet::{Sheet, Text};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The features of a table without its targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The normalised values, `[rows, features]` row-major.
    pub values: Vec<f32>,
    /// The number of rows, at least 1.
    pub rows: usize,
    /// What was recognised of the file, and what was done to fields that were not as those trained on, in clauses.
    pub notes: Vec<String>,
    /// All fields as they stand in the file, if they are asked for.
    pub fields: Option<Fields>,
}

/// What a model knows of the tables that it reads.
#[derive(Clone, Copy, Debug)]
pub struct Trained<'a> {
    /// How the columns become features.
    pub encoding: &'a Encoding,
    /// How the features are normalised.
    pub normalize: &'a Affine,
    /// How the table was written that it was trained on; models of earlier versions do not know it.
    pub dialect: Option<&'a Dialect>,
}

/// A table as it stands in its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Fields {
    /// The names of the columns.
    pub header: Vec<String>,
    /// The fields of each row.
    pub rows: Vec<StringRecord>,
}

/// Reads the columns of an encoding from a table as the features that it makes of them, normalised. They are found by name,
/// and their fields are read as those trained on; other columns are left out of account, whatever they hold, but are among
/// the `fields` if these are asked for.
///
/// # Errors
///
/// When the file cannot be read, lacks a column, has no rows or ragged ones, or a field of a column of numbers or dates is
/// neither missing nor written as those trained on.
pub fn read_features(path: &Path, format: Format, trained: Trained<'_>, fields: bool) -> Result<Table, DataError> {
    Ok(read_known(path, format, trained, Wishes { fields, ..Wishes::default() })?.table)
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
    trained: Trained<'_>,
    target: &str,
    like: &Targets,
) -> Result<(Dataset, Vec<String>), DataError> {
    let Labelled { dataset, notes, .. } = read_split(path, format, trained, (target, None), like)?;
    Ok((dataset, notes))
}

/// Rows to judge a model by.
pub(in crate::data) struct Labelled {
    pub(in crate::data) dataset: Dataset,
    /// What was done to fields that were not as those trained on, in clauses.
    pub(in crate::data) notes: Vec<String>,
    /// The column of groups or times, if one is asked for and it is there.
    pub(in crate::data) unit: Option<Cells>,
}

/// The column by which rows are split: its name, and of times those that were met, which are written alike.
type Unit<'a> = (&'a str, Option<&'a Cells>);

/// The same as [`read_labelled`], with a column of groups or times.
pub(in crate::data) fn read_split(
    path: &Path,
    format: Format,
    trained: Trained<'_>,
    (target, unit): (&str, Option<Unit<'_>>),
    like: &Targets,
) -> Result<Labelled, DataError> {
    let wishes = Wishes { target: Some(target), unit, fields: false };
    let Known { table, targets: columns, unit, decimal } = read_known(path, format, trained, wishes)?;
    let target = joined(&columns);
    let Trained { encoding, dialect, .. } = trained;
    let notations = dialect.map(|dialect| {
        let of_file = |notation: &Notation| notation.of_file(decimal == Decimal::Comma);
        dialect.targets.iter().map(of_file).collect::<Vec<_>>()
    });
    let dataset = Dataset {
        name: super::name_of(path),
        values: Values::Floats(table.values),
        shape: vec![encoding.width()],
        largest: 0.0,
        targets: targets::build_like(path, columns, like, &notations.unwrap_or_default())?,
        columns: encoding.features(),
        encoding: encoding.clone(),
        target: Some(target),
        dialect: dialect.cloned(),
        test: None,
        framing: super::Framing::default(),
        pool: None,
    };
    Ok(Labelled { dataset, notes: table.notes, unit })
}

/// What is wanted of a table beside the features of a model.
#[derive(Clone, Copy, Default)]
struct Wishes<'a> {
    target: Option<&'a str>,
    unit: Option<Unit<'a>>,
    fields: bool,
}

/// A table as a model reads it.
struct Known {
    table: Table,
    targets: Vec<cells::Column>,
    /// The column of groups or times, if it is there.
    unit: Option<Cells>,
    decimal: Decimal,
}

fn read_known(path: &Path, format: Format, trained: Trained<'_>, wishes: Wishes<'_>) -> Result<Known, DataError> {
    let Trained { encoding, normalize, dialect } = trained;
    let text = Text::read(path, format, dialect)?;
    let needed: Vec<&str> = encoding.columns.iter().map(|column| column.name.as_str()).collect();
    let mut sheet = Sheet::new(&text, format, &needed, dialect)?;
    let mut faults = Faults::default();
    let mut readers = vec![];
    for column in &encoding.columns {
        match sheet.find(&column.name) {
            Some(place) => readers.push((place, reader(&column.kind, sheet.decimal))),
            None => {
                let (path, column, columns) = (path.to_owned(), column.name.clone(), sheet.header.clone());
                faults.push(DataError::MissingColumn { path, column, columns }, 0);
            }
        }
    }
    let places = match wishes.target.map_or(Ok(vec![]), |target| targets::find(&sheet, target)) {
        Ok(places) => places,
        Err(fault) => {
            faults.push(fault, 0);
            vec![]
        }
    };
    faults.check()?;
    let features = readers.len();
    readers.extend(places.iter().map(|&place| (place, Reader::Target(TextColumn::default()))));
    let unit = wishes.unit.and_then(|(name, times)| Some((sheet.find(name)?, reader_like(times, sheet.decimal))));
    readers.extend(unit);
    let mut faults = Faults::default();
    let rows = read(&mut sheet, &mut readers, &mut faults)?;
    faults.check()?;
    let (mut cells, mut targets) = (vec![], vec![]);
    for (index, (place, reader)) in readers.into_iter().enumerate() {
        match reader.finish() {
            Found::Cells(found) => cells.push(found),
            Found::Texts(texts) => {
                let column = texts.finish(&sheet.header[place]);
                if (features..features + places.len()).contains(&index) {
                    targets.push(column);
                } else {
                    cells.push(Cells::Texts { rows: column.rows, texts: column.texts });
                }
            }
            Found::Again => unreachable!("only a reader that guesses reads again"),
        }
    }
    let unit = if cells.len() > features { cells.pop() } else { None };
    let (values, done) = encoding.apply(cells.iter(), rows, normalize);
    let notes = sheet.notes.iter().cloned().chain(done.surprises()).collect();
    let fields = if wishes.fields { Some(all_fields(&mut sheet)?) } else { None };
    let table = Table { values, rows, notes, fields };
    Ok(Known { table, targets, unit, decimal: sheet.decimal })
}

/// Reads all rows again, as they stand in the file.
fn all_fields(sheet: &mut Sheet<'_>) -> Result<Fields, DataError> {
    sheet.rewind();
    let (mut rows, mut record) = (vec![], StringRecord::new());
    while sheet.next(&mut record)?.is_some() {
        rows.push(record.clone());
    }
    Ok(Fields { header: sheet.header.clone(), rows })
}

/// What reads a column that a model knows, in a file with such a decimal mark.
fn reader(kind: &Kind, decimal: Decimal) -> Reader<'_> {
    match kind {
        Kind::Number { notation, .. } | Kind::Imputed { notation, .. } => {
            Reader::Numbers(vec![], notation.of_file(decimal == Decimal::Comma))
        }
        Kind::Date { format, missing_words, .. } => Reader::Dates(vec![], format, missing_words),
        Kind::Text { missing_words, .. } => Reader::Texts(TextColumn::default(), missing_words),
    }
}

/// What reads a column of groups, or of times that are written as those that were met.
fn reader_like(times: Option<&Cells>, decimal: Decimal) -> Reader<'_> {
    match times {
        Some(Cells::Numbers { notation, .. }) => Reader::Numbers(vec![], notation.of_file(decimal == Decimal::Comma)),
        Some(Cells::Dates { format, .. }) => Reader::Dates(vec![], format, &[]),
        Some(Cells::Texts { .. }) | None => Reader::Texts(TextColumn::default(), &[]),
    }
}

/// A table that was read, with its features as they stand in the file.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    /// Where it was read.
    pub(super) path: PathBuf,
    /// The columns that are no targets.
    pub(super) columns: Vec<RawColumn>,
    /// Texts that stand for a missing field.
    pub(super) missing: Vec<String>,
    /// The targets of all rows.
    pub(super) targets: Targets,
    /// The names of the target columns, separated by commas.
    pub(super) target: String,
    /// How it is written.
    pub(super) dialect: Dialect,
    /// What was taken for the target and why, and what was recognised, in clauses.
    pub(super) notes: Vec<String>,
}

/// Opens a file of text, plain or gzip: some columns are targets, all others that are not ignored are features.
pub(super) fn open(path: &Path, options: &Options<'_>) -> Result<Raw, DataError> {
    let text = Text::read(path, options.format, None)?;
    let mut sheet = Sheet::new(&text, options.format, &[], None)?;
    sheet.check_header()?;
    // As fields are read.
    let word = |word: &String| sheet.decimal.with_point(word.trim()).into_owned();
    let missing: Vec<String> = options.missing.iter().map(word).collect();
    let options = &Options { missing: &missing, ..*options };
    let mut faults = Faults::default();
    let wishes = wishes(&sheet, options, &mut faults);
    let is_ignored = |place: usize| wishes[place] == Wish::Ignored;
    let (places, why) = match targets::choose(&sheet, options, &is_ignored) {
        Ok(chosen) => chosen,
        Err(fault) => return Err(faults.and(fault)),
    };
    faults.check()?;
    let mut kinds = vec![];
    for (place, wish) in wishes.iter().enumerate() {
        match wish {
            Wish::Kind(wanted) if !places.contains(&place) => kinds.push((place, *wanted)),
            _ => {}
        }
    }
    if kinds.is_empty() {
        let targets = places.iter().map(|&place| sheet.header[place].clone()).collect();
        return Err(DataError::NoFeatures { path: path.to_owned(), targets });
    }
    let mut readers: Vec<(usize, Reader<'_>)> =
        kinds.iter().map(|&(place, wanted)| (place, Reader::for_training(wanted, options.missing))).collect();
    readers.extend(places.iter().map(|&place| (place, Reader::Target(TextColumn::default()))));
    let mut faults = Faults::default();
    read(&mut sheet, &mut readers, &mut faults)?;
    let columns = readers.split_off(kinds.len()).into_iter().filter_map(|(place, reader)| match reader.finish() {
        Found::Texts(texts) => Some(texts.finish(&sheet.header[place])),
        _ => None,
    });
    let columns: Vec<cells::Column> = columns.collect();
    let target = joined(&columns);
    let built = match faults.is_empty() {
        true => targets::for_training(path, columns, options, &mut faults),
        false => None,
    };
    let readers = kinds.iter().zip(readers).map(|(&(place, wanted), (_, reader))| (place, wanted, reader)).collect();
    let cells = settle(&mut sheet, readers, options, &mut faults)?;
    let (targets, notations, inferred) = match (faults.check(), built) {
        (Ok(()), Some(built)) => built,
        (Err(fault), _) => return Err(why.told(&target, fault)),
        (Ok(()), None) => return Err(DataError::NoRows { path: path.to_owned() }),
    };
    let raw = kinds.iter().zip(cells).map(|(&(place, wanted), cells)| {
        let name = sheet.header[place].clone();
        RawColumn { name, cells, asked: wanted != Wanted::Any }
    });
    let notes = sheet.notes.iter().cloned().chain([why.note(&target)]).chain(inferred).collect();
    let (path, missing) = (path.to_owned(), options.missing.to_vec());
    let dialect =
        Dialect { separator: text.separator, decimal: sheet.decimal, header: sheet.has_header, targets: notations };
    Ok(Raw { path, columns: raw.collect(), missing, targets, target, dialect, notes })
}

fn joined(columns: &[cells::Column]) -> String {
    columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(",")
}

/// What a user wants of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Kind(Wanted),
    Ignored,
}

/// What the lists of the options say of each column. Names that are not there, or in two lists, are faults.
fn wishes(sheet: &Sheet<'_>, options: &Options<'_>, faults: &mut Faults) -> Vec<Wish> {
    let mut wishes = vec![Wish::Kind(Wanted::Any); sheet.header.len()];
    // A column without a name is left out unless it is asked for.
    let target = options.target.unwrap_or_default();
    let is_target = |place: &&usize| target.split(',').any(|name| name.trim() == sheet.header[**place]);
    sheet.left_out.iter().filter(|place| !is_target(place)).for_each(|&place| wishes[place] = Wish::Ignored);
    let mut lists: HashMap<usize, &'static str> = HashMap::new();
    let group: Vec<String> = options.group.map(str::to_owned).into_iter().collect();
    let given = [
        ("ignore", options.ignore, Wish::Ignored),
        ("categorical", options.categorical, Wish::Kind(Wanted::Texts)),
        ("numeric", options.numeric, Wish::Kind(Wanted::Numbers)),
        ("group", group.as_slice(), Wish::Kind(Wanted::Texts)),
    ];
    for (list, names, wish) in given {
        for name in names {
            let (path, column) = (|| sheet.path.to_owned(), || name.trim().to_owned());
            match sheet.find(name.trim()) {
                Some(place) => match lists.insert(place, list) {
                    Some(other) if other != list && wishes[place] != wish => {
                        faults.push(DataError::InTwoLists { path: path(), column: column(), lists: [other, list] }, 0);
                    }
                    _ => wishes[place] = wish,
                },
                None => {
                    let columns = sheet.header.clone();
                    faults.push(DataError::UnknownListed { path: path(), column: column(), list, columns }, 0);
                }
            }
        }
    }
    wishes
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
