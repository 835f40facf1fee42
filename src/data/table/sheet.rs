//! A CSV file as records, with the lines on which they begin.

use crate::data::DataError;
use csv::{ErrorKind, StringRecord};
use std::path::Path;

/// Characters of a field that an error quotes.
const QUOTED: usize = 40;

/// A table that is being read.
pub(super) struct Sheet<'a> {
    pub(super) path: &'a Path,
    reader: csv::Reader<&'a [u8]>,
    lines: Lines<'a>,
    /// The names of the columns.
    pub(super) header: Vec<String>,
}

impl<'a> Sheet<'a> {
    /// Reads the header, whose names are not yet checked.
    pub(super) fn new(path: &'a Path, bytes: &'a [u8]) -> Result<Self, DataError> {
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
    pub(super) fn next(&mut self, record: &mut StringRecord) -> Result<Option<usize>, DataError> {
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
    pub(super) fn check_header(&self) -> Result<(), DataError> {
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

    /// The place of the one column of a name, if there is one.
    pub(super) fn find(&self, column: &str) -> Result<Option<usize>, DataError> {
        let mut places = (0..self.header.len()).filter(|&place| self.header[place] == column);
        match (places.next(), places.next()) {
            (Some(_), Some(_)) => {
                Err(DataError::DuplicateColumn { path: self.path.to_owned(), column: column.to_owned() })
            }
            (place, _) => Ok(place),
        }
    }

    /// The error for a field that is no number, or no finite one.
    pub(super) fn no_number(&self, line: usize, place: usize, text: &str) -> DataError {
        let (path, column) = (self.path.to_owned(), self.header[place].clone());
        match text.parse::<f32>() {
            Ok(_) => DataError::NotFinite { path, line, column, text: shortened(text) },
            Err(_) => DataError::NotNumber { path, line, column, text: shortened(text) },
        }
    }

    /// Refuses a text over several lines.
    pub(super) fn check_text(&self, line: usize, place: usize, text: &str) -> Result<(), DataError> {
        if text.contains(['\n', '\r']) {
            let column = self.header[place].clone();
            return Err(DataError::LineBreak { path: self.path.to_owned(), line, column });
        }
        Ok(())
    }
}

/// The beginning of a text that may be long.
pub(super) fn shortened(text: &str) -> String {
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
