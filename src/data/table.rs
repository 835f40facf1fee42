//! Tables: CSV files with a header row, plain or gzip.
//!
//! Names and fields are taken without the white space around them. Blank lines hold no row.

use super::classes::Labels;
use super::source::read_bytes;
use super::{DataError, Dataset, Values};
use csv::{ErrorKind, StringRecord};
use std::path::Path;

/// Names of a target column that need not be given.
const TARGETS: [&str; 3] = ["label", "target", "class"];
/// Characters of a field that an error quotes.
const QUOTED: usize = 40;

/// The numbers of a table without its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The column names, in the order asked for.
    pub columns: Vec<String>,
    /// The values, `[rows, columns]` row-major, all finite.
    pub values: Vec<f32>,
    /// The number of rows, at least 1.
    pub rows: usize,
    /// The line on which each row begins, from 1; the header is line 1.
    pub lines: Vec<usize>,
}

/// Reads the named columns of a CSV file, plain or gzip, in the order of `columns`; other columns are left out of
/// account, whatever they hold.
///
/// # Errors
///
/// When the file cannot be read, lacks a column or has it twice, has no rows or ragged ones, or a field of the columns
/// is not a finite number.
pub fn read_features(path: &Path, columns: &[String]) -> Result<Table, DataError> {
    let bytes = read_bytes(path)?;
    let mut sheet = Sheet::new(path, &bytes)?;
    let place = |column: &String| {
        let mut places = (0..sheet.header.len()).filter(|&i| sheet.header[i] == *column);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (Some(_), Some(_)) => Err(DataError::DuplicateColumn { path: path.to_owned(), column: column.clone() }),
            (None, _) => Err(DataError::MissingColumn {
                path: path.to_owned(),
                column: column.clone(),
                columns: sheet.header.clone(),
            }),
        }
    };
    let places: Vec<usize> = columns.iter().map(place).collect::<Result<_, _>>()?;
    let (mut values, mut lines) = (Vec::new(), Vec::new());
    let mut record = StringRecord::new();
    while let Some(line) = sheet.next(&mut record)? {
        lines.push(line);
        for &place in &places {
            values.push(sheet.number(line, place, &record)?);
        }
    }
    if lines.is_empty() {
        return Err(DataError::NoRows { path: path.to_owned() });
    }
    Ok(Table { columns: columns.to_vec(), values, rows: lines.len(), lines })
}

/// Reads the named columns of a CSV file and the classes in the column `target`, to judge a model by: other columns are
/// left out of account, and all rows may be of one class.
///
/// # Errors
///
/// As [`read_features`], or when the target column is not there or a class is empty.
pub fn read_labelled(path: &Path, columns: &[String], target: &str) -> Result<Dataset, DataError> {
    let table = read_features(path, columns)?;
    let bytes = read_bytes(path)?;
    let mut sheet = Sheet::new(path, &bytes)?;
    let place = sheet.find_target(Some(target))?;
    let (mut labels, mut record) = (Labels::default(), StringRecord::new());
    while let Some(line) = sheet.next(&mut record)? {
        labels.push(sheet.class(line, place, &record)?);
    }
    let (labels, classes) = labels.finish();
    Ok(Dataset {
        name: path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        values: Values::Floats(table.values),
        shape: vec![columns.len()],
        largest: 0.0,
        labels,
        classes,
        columns: columns.to_vec(),
        target: Some(target.to_owned()),
        test: None,
    })
}

/// Opens a CSV file, plain or gzip, as a data set: one column is the target, all others are numbers.
pub(super) fn open(name: String, path: &Path, target: Option<&str>) -> Result<Dataset, DataError> {
    let bytes = read_bytes(path)?;
    let mut sheet = Sheet::new(path, &bytes)?;
    sheet.check_header()?;
    let target = sheet.find_target(target)?;
    let features: Vec<usize> = (0..sheet.header.len()).filter(|&i| i != target).collect();
    let (mut values, mut labels) = (Vec::new(), Labels::default());
    let mut record = StringRecord::new();
    while let Some(line) = sheet.next(&mut record)? {
        for &place in &features {
            values.push(sheet.number(line, place, &record)?);
        }
        labels.push(sheet.class(line, target, &record)?);
    }
    let (labels, classes) = labels.finish();
    match &classes[..] {
        [] => return Err(DataError::NoRows { path: path.to_owned() }),
        [class] => {
            return Err(DataError::OneClass { path: path.to_owned(), class: class.clone() });
        }
        _ => {}
    }
    Ok(Dataset {
        name,
        values: Values::Floats(values),
        shape: vec![features.len()],
        largest: 0.0,
        labels,
        classes,
        columns: features.iter().map(|&i| sheet.header[i].clone()).collect(),
        target: Some(sheet.header[target].clone()),
        test: None,
    })
}

/// A table that is being read.
struct Sheet<'a> {
    path: &'a Path,
    reader: csv::Reader<&'a [u8]>,
    lines: Lines<'a>,
    header: Vec<String>,
}

impl<'a> Sheet<'a> {
    /// Reads the header, whose names are not yet checked.
    fn new(path: &'a Path, bytes: &'a [u8]) -> Result<Self, DataError> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}').as_bytes(),
            Err(error) => {
                let line = Lines::new(bytes).at(error.valid_up_to());
                return Err(DataError::NotUtf8 { path: path.to_owned(), line });
            }
        };
        let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
        let mut sheet = Self { path, reader, lines: Lines::new(text), header: Vec::new() };
        let mut record = StringRecord::new();
        if sheet.next(&mut record)?.is_none() {
            return Err(DataError::NoHeader { path: path.to_owned() });
        }
        sheet.header = record.iter().map(|name| name.trim().to_owned()).collect();
        Ok(sheet)
    }

    /// Reads the next row and gives the line on which it begins, or nothing at the end.
    fn next(&mut self, record: &mut StringRecord) -> Result<Option<usize>, DataError> {
        match self.reader.read_record(record) {
            Ok(false) => Ok(None),
            Ok(true) => {
                let byte = record.position().map_or(0, csv::Position::byte);
                Ok(Some(self.lines.at_or_below(byte as usize)))
            }
            Err(error) => match error.kind() {
                &ErrorKind::UnequalLengths { pos: Some(ref position), expected_len: expected, len: found } => {
                    let line = self.lines.at_or_below(position.byte() as usize);
                    Err(DataError::Ragged { path: self.path.to_owned(), line, found, expected })
                }
                _ => Err(DataError::Csv { path: self.path.to_owned(), reason: error }),
            },
        }
    }

    /// Refuses a header whose columns cannot be told apart, or that is a row of data.
    ///
    /// Numbers as names are taken for data when at most one name is none and they do not rise throughout, as the
    /// numbers of counted or measured columns do.
    fn check_header(&self) -> Result<(), DataError> {
        let path = self.path.to_owned();
        let numbers: Vec<f64> = self.header.iter().filter_map(|name| name.parse().ok()).collect();
        let rising = numbers.is_sorted_by(|a, b| a < b);
        if numbers.len() + 1 >= self.header.len() && !rising {
            return Err(DataError::NumbersAsHeader { path });
        }
        if let [column] = &self.header[..] {
            return Err(DataError::OneColumn { path, column: column.clone() });
        }
        for (i, column) in self.header.iter().enumerate() {
            if column.is_empty() {
                return Err(DataError::UnnamedColumn { path, number: i + 1 });
            }
            if self.header[..i].contains(column) {
                return Err(DataError::DuplicateColumn { path, column: column.clone() });
            }
        }
        Ok(())
    }

    fn find_target(&self, target: Option<&str>) -> Result<usize, DataError> {
        if let Some(target) = target {
            return self.header.iter().position(|column| column == target).ok_or_else(|| DataError::UnknownTarget {
                path: self.path.to_owned(),
                target: target.to_owned(),
                columns: self.header.clone(),
            });
        }
        let is_target = |&i: &usize| TARGETS.contains(&self.header[i].to_lowercase().as_str());
        let mut usual = (0..self.header.len()).filter(is_target);
        match (usual.next(), usual.next()) {
            (Some(only), None) => Ok(only),
            _ => Ok(self.header.len() - 1),
        }
    }

    /// A field that is not empty.
    fn field<'r>(&self, line: usize, place: usize, record: &'r StringRecord) -> Result<&'r str, DataError> {
        match record.get(place).map(str::trim) {
            Some(field) if !field.is_empty() => Ok(field),
            _ => Err(DataError::EmptyField { path: self.path.to_owned(), line, column: self.header[place].clone() }),
        }
    }

    fn number(&self, line: usize, place: usize, record: &StringRecord) -> Result<f32, DataError> {
        let field = self.field(line, place, record)?;
        let (path, column) = (|| self.path.to_owned(), || self.header[place].clone());
        match field.parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(DataError::NotFinite { path: path(), line, column: column(), text: shortened(field) }),
            Err(_) => Err(DataError::NotNumber { path: path(), line, column: column(), text: shortened(field) }),
        }
    }

    fn class<'r>(&self, line: usize, place: usize, record: &'r StringRecord) -> Result<&'r str, DataError> {
        let field = self.field(line, place, record)?;
        if field.contains(['\n', '\r']) {
            let column = self.header[place].clone();
            return Err(DataError::LineBreak { path: self.path.to_owned(), line, column });
        }
        Ok(field)
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Counts lines up to places that only move forward. The CSV reader's own count is of where it stopped, which is above
/// a row after blank lines and after the first byte of a two-byte line end.
struct Lines<'a> {
    text: &'a [u8],
    counted: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, counted: 0, line: 1 }
    }

    /// The line of a byte, from 1; a line ends with "\n", "\r" or both.
    fn at(&mut self, byte: usize) -> usize {
        for i in self.counted..byte {
            let ends = match self.text[i] {
                b'\n' => true,
                b'\r' => self.text.get(i + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += usize::from(ends);
        }
        self.counted = self.counted.max(byte);
        self.line
    }

    /// The line of the first byte from `byte` on that ends no line.
    fn at_or_below(&mut self, byte: usize) -> usize {
        let ends = self.text[byte..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.at(byte + ends)
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
