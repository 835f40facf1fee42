//! A file as the rows of a table, with the lines on which they begin.
//!
//! [`Text`] is the file's text and the separator of its fields; [`Sheet`] knows its columns and reads its rows. What the
//! [`Format`] leaves open is recognised in one pass over the rows, in which all rows that cannot be read are found too.

mod class;
mod evidence;
mod layout;
mod lines;
mod scan;
mod separator;
mod text;
mod unnamed;

use super::format::{Decimal, Dialect, Format, Separator};
use crate::data::DataError;
use crate::data::source::read_bytes;
use crate::names::short;
use csv::StringRecord;
pub(super) use evidence::USUAL_TARGETS;
use layout::Layout;
use lines::Lines;
use scan::Scan;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The text of a file.
pub(super) struct Text {
    path: PathBuf,
    /// Without a first line `sep=;`, of which the line end stays, so that lines are counted as in the file.
    text: String,
    pub(super) separator: Separator,
    notes: Vec<String>,
}

impl Text {
    /// Reads a file once. A model has a `trained` dialect, by which what is not sure is decided.
    pub(super) fn read(path: &Path, format: Format, trained: Option<&Dialect>) -> Result<Self, DataError> {
        Self::new(path, read_bytes(path)?, format, trained)
    }

    fn new(path: &Path, bytes: Vec<u8>, format: Format, trained: Option<&Dialect>) -> Result<Self, DataError> {
        let (mut text, note) = text::decode(path, bytes)?;
        let mut notes: Vec<String> = note.into_iter().collect();
        let (named, start) = separator_line(&text)?;
        text.drain(..start);
        let trained = trained.map(|trained| trained.separator);
        let separator = format.separator.or(named).unwrap_or_else(|| separator::recognise(&text, trained));
        // In a table of one column no separator stands.
        let separates = separator == Separator::Blanks || text.contains(char::from(separator.byte()));
        if format.separator.is_none() && separator != trained.unwrap_or(Separator::Comma) && separates {
            let why = if named.is_some() { "as its first line says" } else { "`separator` decides" };
            notes.push(format!("{} separate the fields ({why})", plural(separator)));
        }
        if separator == Separator::Blanks {
            text = separator::tabs_for_blanks(&text);
        }
        Ok(Self { path: path.to_owned(), text, separator, notes })
    }
}

fn plural(separator: Separator) -> &'static str {
    match separator {
        Separator::Comma => "commas",
        Separator::Semicolon => "semicolons",
        Separator::Tab => "tabs",
        Separator::Pipe => "pipes",
        Separator::Blanks => "blanks",
    }
}

/// The separator that a first line such as `sep=;` names, and the byte behind that line.
fn separator_line(text: &str) -> Result<(Option<Separator>, usize), DataError> {
    let end = text.find(['\n', '\r']).unwrap_or(text.len());
    let line = text[..end].trim_matches(['"', ' ']);
    match line.get(..4).filter(|word| word.eq_ignore_ascii_case("sep=")) {
        Some(_) if line.len() > 4 => Ok((Some(line[4..].parse()?), end)),
        _ => Ok((None, 0)),
    }
}

/// A table that is being read.
pub(super) struct Sheet<'a> {
    pub(super) path: &'a Path,
    text: &'a Text,
    reader: csv::Reader<&'a [u8]>,
    lines: Lines<'a>,
    /// The names of the columns, each once.
    pub(super) header: Vec<String>,
    places: HashMap<String, usize>,
    /// The places of columns without a name that hold nothing, or count the rows.
    pub(super) left_out: Vec<usize>,
    /// The decimal mark of its numbers.
    pub(super) decimal: Decimal,
    /// What was recognised, and what was done to columns and rows, in clauses.
    pub(super) notes: Vec<String>,
    pub(super) has_header: bool,
    /// The first row, where rows that repeat it are left out.
    repeated: Option<Vec<String>>,
    /// Whether rows without any value are left out.
    has_empty: bool,
}

impl<'a> Sheet<'a> {
    /// Finds the columns. Of tables that a model is to read, `known` are the columns that it needs, and `trained` says how
    /// that was written which it was trained on, if it knows.
    ///
    /// # Errors
    ///
    /// When there is no text, or there are rows that cannot be read: all of them together.
    pub(super) fn new(
        text: &'a Text,
        format: Format,
        known: &[&str],
        trained: Option<&Dialect>,
    ) -> Result<Self, DataError> {
        let mark = trained.map(|trained| trained.decimal);
        let scan = Scan::new(&text.text, text.separator, mark == Some(Decimal::Comma) || format.decimal.is_some());
        if scan.first.is_empty() {
            return Err(DataError::NoHeader { path: text.path.clone() });
        }
        let layout = Layout::new(&scan, format.header, known, trained.map(|trained| trained.header));
        layout.check(&scan, &text.path)?;
        let Layout { has_header, names: header, left_out, notes: told } = layout;
        let mut notes = text.notes.clone();
        let decimal = format.decimal.unwrap_or_else(|| scan.decimal(&text.text, text.separator, mark));
        if format.decimal.is_none() && decimal != mark.unwrap_or_default() {
            let unlike =
                mark.map_or_else(String::new, |mark| format!(", where the table trained on has a decimal {mark}"));
            notes.push(format!("numbers have a decimal {decimal}{unlike} (`decimal` decides)"));
        }
        notes.extend(format.decimal.and_then(|decimal| scan.unlike(decimal)));
        notes.extend(told);
        // Where all names are numbers, the first row may be one of the others.
        let repeats = has_header && scan.repeated.count > 0 && scan.evidence.numbers() < scan.first.len();
        notes.extend(scan.notes(repeats, header.len()));
        let mut sheet = Self {
            path: &text.path,
            text,
            reader: scan::rows("", text.separator),
            lines: Lines::new(b""),
            places: header.iter().cloned().zip(0..).collect(),
            header,
            left_out,
            decimal,
            notes,
            has_header,
            repeated: repeats.then_some(scan.first),
            has_empty: scan.empty.count > 0,
        };
        sheet.rewind();
        Ok(sheet)
    }

    /// Goes back to the first row.
    pub(super) fn rewind(&mut self) {
        let text = self.text;
        self.reader = scan::rows(&text.text, text.separator);
        self.lines = Lines::new(text.text.as_bytes());
        if self.has_header {
            // The scan has read the first row, so that it can be read.
            let _ = self.reader.read_record(&mut StringRecord::new());
        }
    }

    /// Reads the next row and gives the line on which it begins, or nothing at the end. It has a field for each column.
    pub(super) fn next(&mut self, record: &mut StringRecord) -> Result<Option<usize>, DataError> {
        let failed = |reason| DataError::Csv { path: self.text.path.clone(), reason };
        while self.reader.read_record(record).map_err(failed)? {
            record.truncate(self.header.len());
            let is_first = |first: &Vec<String>| first.iter().zip(&*record).all(|(name, field)| name == field.trim());
            let is_empty = self.has_empty && record.len() > 1 && record.iter().all(|field| field.trim().is_empty());
            if is_empty || self.repeated.as_ref().is_some_and(is_first) {
                continue;
            }
            let byte = record.position().map_or(0, |position| position.byte() as usize);
            return Ok(Some(self.lines.at_or_below(byte)));
        }
        Ok(None)
    }

    /// Refuses a table in which there cannot be both features and a target.
    pub(super) fn check_header(&self) -> Result<(), DataError> {
        match self.header.len() - self.left_out.len() {
            0 | 1 => {
                let place = (0..self.header.len()).find(|place| !self.left_out.contains(place)).unwrap_or(0);
                Err(DataError::OneColumn { path: self.path.to_owned(), column: short(&self.header[place]) })
            }
            _ => Ok(()),
        }
    }

    /// The place of the column of a name, if there is one.
    pub(super) fn find(&self, column: &str) -> Option<usize> {
        self.places.get(column).copied()
    }
}

#[cfg(test)]
mod tests;
