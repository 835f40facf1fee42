//! Columns as they are read, held compactly.

use super::sheet::Sheet;
use crate::data::DataError;
use crate::data::classes::{MISSING, Texts};
use csv::StringRecord;

/// Words that stand for a missing field, in any case.
const MISSING_WORDS: [&str; 6] = ["?", "na", "n/a", "nan", "null", "none"];

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) enum Cells {
    /// Finite numbers; NaN is a missing one.
    Numbers(Vec<f32>),
    /// The number of each row's text, `MISSING` for a missing one, and the texts by number.
    Texts { rows: Vec<u32>, texts: Vec<String> },
}

/// Whether a field is missing.
pub(super) fn is_missing(field: &str) -> bool {
    field.is_empty() || MISSING_WORDS.iter().any(|word| field.eq_ignore_ascii_case(word))
}

enum Field {
    Number(f32),
    Missing,
    /// A number that is infinite or none, or out of the range of 32-bit floats.
    NotFinite,
    Text,
}

impl Field {
    fn of(field: &str) -> Self {
        match field.parse::<f32>() {
            Ok(number) if number.is_finite() => Self::Number(number),
            _ if is_missing(field) => Self::Missing,
            Ok(_) => Self::NotFinite,
            Err(_) => Self::Text,
        }
    }
}

/// Takes the fields of one column.
#[derive(Debug)]
pub(super) enum Reader {
    /// The column is known to hold numbers.
    Numbers(Vec<f32>),
    /// The column is known to hold texts.
    Texts(Texts),
    /// The fields decide.
    Either(Guess),
}

/// What is known so far of a column that is one of numbers if more of its fields are numbers than are not.
#[derive(Debug, Default)]
pub(super) struct Guess {
    /// Kept as long as all fields are numbers.
    values: Vec<f32>,
    /// Kept where the first field is a text, as then most of them are.
    texts: Option<Texts>,
    numbers: usize,
    others: usize,
    /// The first field that a column of numbers cannot have, and its line.
    fault: Option<(usize, String)>,
}

/// What a [`Reader`] came to.
pub(super) enum Found {
    Cells(Cells),
    /// The column holds texts, although it begins with numbers, and has to be read again.
    IsText,
    /// The column holds numbers, and something else on a line.
    Fault {
        line: usize,
        text: String,
    },
}

impl Reader {
    fn push(&mut self, sheet: &Sheet<'_>, line: usize, place: usize, field: &str) -> Result<(), DataError> {
        match self {
            Self::Numbers(values) => match Field::of(field) {
                Field::Number(number) => values.push(number),
                Field::Missing => values.push(f32::NAN),
                Field::NotFinite | Field::Text => return Err(sheet.no_number(line, place, field)),
            },
            Self::Texts(texts) if is_missing(field) => texts.push_missing(),
            Self::Texts(texts) => {
                sheet.check_text(line, place, field)?;
                texts.push(field);
            }
            Self::Either(guess) => match Field::of(field) {
                Field::Number(number) => guess.push(number, field),
                Field::Missing => guess.push(f32::NAN, ""),
                Field::NotFinite => {
                    guess.push(f32::NAN, field);
                    guess.fault.get_or_insert_with(|| (line, field.to_owned()));
                }
                Field::Text => {
                    sheet.check_text(line, place, field)?;
                    guess.push_text(field);
                    guess.fault.get_or_insert_with(|| (line, field.to_owned()));
                }
            },
        }
        Ok(())
    }

    /// The column, once all rows are read.
    pub(super) fn finish(self) -> Found {
        match self {
            Self::Numbers(values) => Found::Cells(Cells::Numbers(values)),
            Self::Texts(texts) => Found::texts(texts),
            Self::Either(Guess { texts, numbers, others, .. }) if others > 0 && numbers <= others => {
                texts.map_or(Found::IsText, Found::texts)
            }
            Self::Either(Guess { fault: Some((line, text)), .. }) => Found::Fault { line, text },
            Self::Either(Guess { values, .. }) => Found::Cells(Cells::Numbers(values)),
        }
    }
}

impl Found {
    fn texts(texts: Texts) -> Self {
        let (rows, texts) = texts.finish();
        Self::Cells(Cells::Texts { rows, texts })
    }
}

impl Guess {
    /// Adds a number, or a missing field, which is empty.
    fn push(&mut self, number: f32, field: &str) {
        self.numbers += usize::from(!field.is_empty());
        match &mut self.texts {
            Some(texts) if field.is_empty() => texts.push_missing(),
            Some(texts) => _ = texts.push(field),
            None if self.others == 0 => self.values.push(number),
            None => {}
        }
    }

    fn push_text(&mut self, field: &str) {
        if self.others == 0 && self.numbers == 0 {
            let mut texts = Texts::default();
            self.values.iter().for_each(|_| texts.push_missing());
            self.texts = Some(texts);
        }
        self.others += 1;
        self.values = Vec::new();
        if let Some(texts) = &mut self.texts {
            texts.push(field);
        }
    }
}

/// A column of targets: each different text once, with the line on which it first stands.
#[derive(Debug)]
pub(super) struct TargetReader {
    place: usize,
    texts: Texts,
    lines: Vec<usize>,
}

/// The targets of one column.
#[derive(Debug)]
pub(super) struct TargetColumn {
    /// The name of the column.
    pub(super) name: String,
    /// The number of each row's text.
    pub(super) rows: Vec<u32>,
    /// The texts by number.
    pub(super) texts: Vec<String>,
    /// The line on which each text first stands.
    pub(super) lines: Vec<usize>,
}

impl TargetReader {
    pub(super) fn new(place: usize) -> Self {
        Self { place, texts: Texts::default(), lines: Vec::new() }
    }

    fn push(&mut self, sheet: &Sheet<'_>, line: usize, field: &str) -> Result<(), DataError> {
        if is_missing(field) {
            let (path, column) = (sheet.path.to_owned(), sheet.header[self.place].clone());
            return Err(match field {
                "" => DataError::EmptyField { path, line, column },
                text => DataError::MissingTarget { path, line, column, text: text.to_owned() },
            });
        }
        sheet.check_text(line, self.place, field)?;
        if self.texts.push(field) {
            self.lines.push(line);
        }
        Ok(())
    }

    /// The column, once all rows are read.
    pub(super) fn finish(self, sheet: &Sheet<'_>) -> TargetColumn {
        let (rows, texts) = self.texts.finish();
        TargetColumn { name: sheet.header[self.place].clone(), rows, texts, lines: self.lines }
    }
}

/// Reads all rows into the columns at the given places, and says how many there are: at least one.
pub(super) fn read(
    sheet: &mut Sheet<'_>,
    columns: &mut [(usize, Reader)],
    targets: &mut [TargetReader],
) -> Result<usize, DataError> {
    let (mut rows, mut record) = (0, StringRecord::new());
    while let Some(line) = sheet.next(&mut record)? {
        let decimal = sheet.decimal;
        let field = |place: usize| decimal.with_point(record.get(place).unwrap_or_default().trim());
        for (place, reader) in columns.iter_mut() {
            reader.push(sheet, line, *place, &field(*place))?;
        }
        for reader in targets.iter_mut() {
            reader.push(sheet, line, &field(reader.place))?;
        }
        rows += 1;
    }
    if rows == 0 {
        return Err(DataError::NoRows { path: sheet.path.to_owned() });
    }
    Ok(rows)
}

/// Whether a number of a text is that of a missing one.
pub(super) fn is_missing_number(number: u32) -> bool {
    number == MISSING
}
