//! One pass over all rows of a text, before they are read: how many fields they have, what is at fault, and what the
//! first row and the marks in numbers tell.

use super::super::format::{Decimal, Run, Separator};
use super::evidence::Evidence;
use super::lines::Lines;
use super::unnamed::{self, Unnamed};
use csv::{Reader, ReaderBuilder, StringRecord};
use std::collections::BTreeMap;

/// Rows of a kind of which the lines are kept.
pub(super) const SHOWN: usize = 5;
/// Lines that are looked at for quotation marks.
const LINES: usize = 100;

/// Reads rows that a separator cuts, of any number of fields.
pub(super) fn rows(text: &str, separator: Separator) -> Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator.byte()).from_reader(text.as_bytes())
}

/// Rows of one kind: how many there are, and the first and last lines of the first few.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) count: usize,
    pub(super) lines: Vec<[usize; 2]>,
}

impl Seen {
    /// Asks for the lines of a row only where they are kept.
    fn add(&mut self, lines: impl FnOnce() -> [usize; 2]) {
        self.count += 1;
        if self.lines.len() < SHOWN {
            self.lines.push(lines());
        }
    }

    /// The line of the first of them.
    pub(super) fn first(&self) -> usize {
        self.lines.first().map_or(0, |lines| lines[0])
    }
}

/// What all rows have told.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The fields of the first row, trimmed; nothing where there is no row.
    pub(super) first: Vec<String>,
    /// The line of the first row.
    pub(super) line: usize,
    /// The rows below the first by the number of their fields and, if they are more than those of the first row, the
    /// number of those up to the last that is not empty.
    pub(super) widths: BTreeMap<(usize, usize), Seen>,
    /// Rows below the first that have several fields, all empty.
    pub(super) empty: Seen,
    /// Rows below the first that are equal to it.
    pub(super) repeated: Seen,
    /// Rows below the first of which a field goes on over the end of a line.
    pub(super) broken: Seen,
    /// Lines that git leaves in a file with a conflict.
    pub(super) conflicts: Seen,
    /// What the columns tell of the first row.
    pub(super) evidence: Evidence,
    /// The columns without a name, and the first and last one.
    pub(super) unnamed: Vec<Unnamed>,
    /// Numbers that can only have a decimal point, only a decimal comma, or a decimal comma or else thousands.
    marks: [usize; 3],
}

impl Scan {
    /// Reads all rows of a text. With `marks`, numbers are looked at for their marks even where no comma stands.
    pub(super) fn new(text: &str, separator: Separator, marks: bool) -> Self {
        let (mut scan, mut lines) = (Self::default(), Lines::new(text.as_bytes()));
        let mut reader = rows(text, separator);
        let mut record = StringRecord::new();
        // Where no field can have a comma, no number has a decimal comma.
        let looks_at_marks = marks || text.contains(if separator == Separator::Comma { '"' } else { ',' });
        while reader.read_record(&mut record).unwrap_or(false) {
            let byte = record.position().map_or(0, |position| position.byte() as usize);
            if is_conflict(&record) {
                let line = lines.at_or_below(byte);
                scan.conflicts.add(|| [line, line]);
                continue;
            }
            if looks_at_marks {
                record.iter().for_each(|field| scan.count_mark(field.trim()));
            }
            if scan.first.is_empty() {
                scan.first = record.iter().map(|field| field.trim().to_owned()).collect();
                scan.line = lines.at_or_below(byte);
                scan.evidence = Evidence::new(&scan.first);
                scan.unnamed = unnamed::places(&scan.first).map(Unnamed::new).collect();
            } else {
                let end = reader.position().byte() as usize;
                scan.add(&record, || {
                    let content = text[..end].trim_end_matches(['\n', '\r']).len();
                    [lines.at_or_below(byte), lines.at(content.max(byte))]
                });
            }
        }
        scan
    }

    /// Adds a row below the first.
    fn add(&mut self, record: &StringRecord, lines: impl FnOnce() -> [usize; 2]) {
        // Lines are counted forwards, so they are asked for once.
        let (mut lines, mut known) = (Some(lines), None);
        let mut lines = || *known.get_or_insert_with(|| lines.take().map_or([0, 0], |lines| lines()));
        let (fields, expected) = (record.len(), self.first.len());
        let filled = fields - record.iter().rev().take_while(|field| field.trim().is_empty()).count();
        if filled == 0 && fields > 1 {
            return self.empty.add(lines);
        }
        let is_first = |(name, field): (&String, &str)| name == field.trim();
        let repeats = fields == expected && self.first.iter().zip(record).all(is_first);
        if repeats {
            self.repeated.add(&mut lines);
        }
        if ["\n", "\r"].iter().any(|end| record.as_slice().contains(end)) {
            self.broken.add(&mut lines);
        }
        let key = (fields, if fields > expected { filled } else { fields });
        self.widths.entry(key).or_default().add(lines);
        if !repeats {
            self.unnamed.iter_mut().for_each(|column| column.add(record.get(column.place).unwrap_or_default().trim()));
        }
        if fields == expected && !repeats && !self.evidence.is_enough() {
            self.evidence.add(&self.first, record);
        }
    }

    fn count_mark(&mut self, field: &str) {
        let Some(run) = Run::of(field) else { return };
        match run.vote() {
            Some(Decimal::Point) => self.marks[0] += 1,
            Some(Decimal::Comma) => self.marks[1] += 1,
            None => self.marks[2] += usize::from(run.may_be_comma()),
        }
    }

    /// What the user should know of rows, in clauses; `repeats` says whether rows that repeat the header are left out, of so
    /// many columns.
    pub(super) fn notes(&self, repeats: bool, columns: usize) -> Vec<String> {
        let rows = |seen: &Seen, one: &str, more: &str| match seen.count {
            1 => format!("line {} {one} and is left out", seen.first()),
            count => format!("{count} rows {more} and are left out, the first in line {}", seen.first()),
        };
        let mut notes = vec![];
        if self.empty.count > 0 {
            notes.push(rows(&self.empty, "has no value", "have no value"));
        }
        if repeats {
            notes.push(rows(&self.repeated, "repeats the header", "repeat the header"));
        }
        if let Some([first, last]) = self.broken.lines.first() {
            let one = self.broken.count == 1;
            let (row, which) = if one { ("row goes", "in") } else { ("rows go", "the first in") };
            let count = self.broken.count;
            notes.push(format!(
                "{count} {row} on over several lines, {which} lines {first} to {last}: check that their quotation marks are \
                 closed"
            ));
        }
        if let Some((_, seen)) = self.widths.iter().find(|((fields, _), _)| *fields > columns) {
            notes.push(format!("rows may end in separators with nothing behind them (as line {} does)", seen.first()));
        }
        notes
    }

    /// The number of rows below the first that hold anything.
    pub(super) fn rows(&self) -> usize {
        self.widths.values().map(|seen| seen.count).sum()
    }

    /// The decimal mark of the numbers, where that of the table `trained` on is known, if there is one: it decides where the
    /// numbers do not. Where commas are between fields, a number has one only in a text all of whose fields are quoted, or
    /// as in training. Without training, numbers that can be read in both ways decide only beside semicolons, which are
    /// written where the comma is the decimal mark.
    pub(super) fn decimal(&self, text: &str, separator: Separator, trained: Option<Decimal>) -> Decimal {
        let [points, commas, either] = self.marks;
        let is_comma = match separator {
            _ if trained == Some(Decimal::Comma) => commas >= points,
            Separator::Comma => commas > points && is_all_quoted(text),
            Separator::Semicolon if points + commas == 0 && trained.is_none() => either > 0,
            _ => commas > points,
        };
        if is_comma { Decimal::Comma } else { Decimal::Point }
    }

    /// Says in a clause that most numbers which show their decimal mark have another one than was given.
    pub(super) fn unlike(&self, given: Decimal) -> Option<String> {
        let [points, commas, _] = self.marks;
        let (others, same, other, harm) = match given {
            Decimal::Comma => (points, commas, Decimal::Point, "such as 1.257 are taken for 1257"),
            Decimal::Point => (commas, points, Decimal::Comma, "they are no numbers here"),
        };
        let s = if others == 1 { "" } else { "s" };
        (others > same).then(|| {
            format!(
                "decimal is {given}, but {others} number{s} can only have a decimal {other}, and {harm}: leave `decimal` \
                 out if the file has a decimal {other}"
            )
        })
    }
}

/// Whether a row is a mark that git leaves in a file with a conflict.
fn is_conflict(record: &StringRecord) -> bool {
    let field = record.get(0).unwrap_or_default();
    let mark = ["<<<<<<< ", ">>>>>>> ", "||||||| "].iter().any(|mark| field.starts_with(mark));
    mark || record.len() == 1 && field.trim_end() == "======="
}

/// Whether all fields of the first lines stand in quotation marks, with commas between.
fn is_all_quoted(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(LINES);
    lines.all(|line| {
        let inner = line.strip_prefix('"').and_then(|line| line.strip_suffix('"'));
        // Of what is between the marks of neighbours nothing has another.
        inner.is_some_and(|inner| inner.split("\",\"").all(|field| !field.contains('"')))
    })
}
