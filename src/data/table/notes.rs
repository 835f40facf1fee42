//! What was done to the columns of a table, in clauses.

use super::cells::{Cells, Words};
use super::encoding::{Kind, LeftOut};
use super::features::{Counts, Done};
use crate::data::Affine;
use crate::data::normalize::{FeatureMoments, is_coarse};
use crate::names::{self, short};

/// Columns that a list of those left out names.
const NAMED: usize = 20;
/// Words that are named of those that count as missing.
const WORDS: usize = 3;

impl Done<'_> {
    /// What was done to rows of which some are trained on.
    pub(in crate::data) fn all(&self) -> Vec<String> {
        let mut notes = vec![];
        self.reading(&mut notes);
        let texts = self.each(|counts| match &counts.column.kind {
            Kind::Text { values, .. } => Some(of(values.len(), "value")),
            _ => None,
        });
        let rows = |is: fn(&Kind) -> bool| {
            self.each(move |counts| (is(&counts.column.kind) && counts.missing > 0).then(|| of(counts.missing, "row")))
        };
        note(&mut notes, "texts become a feature of 0 or 1 for each value", texts);
        let imputed = rows(|kind| matches!(kind, Kind::Imputed { .. } | Kind::Date { missing: true, .. }));
        note(&mut notes, "missing numbers become the mean of the training rows, and a feature says where", imputed);
        let missing = rows(|kind| matches!(kind, Kind::Text { .. }));
        note(&mut notes, "missing texts are a value of their own", missing);
        notes.extend(self.surprises());
        notes
    }

    /// What was done to fields that the rows to train on gave no reason to expect.
    pub(in crate::data) fn surprises(&self) -> Vec<String> {
        let is_whole = |kind: &Kind| matches!(kind, Kind::Number { .. } | Kind::Date { missing: false, .. });
        let filled = self
            .each(|counts| (is_whole(&counts.column.kind) && counts.missing > 0).then(|| of(counts.missing, "row")));
        let unseen = self.each(|counts| {
            let (rows, first) = counts.unseen;
            let text = match counts.cells {
                Cells::Texts { texts, .. } => first.and_then(|first| texts.get(first as usize)),
                _ => None,
            };
            let example = text.map_or_else(String::new, |text| format!(", first {:?}", short(text)));
            (rows > 0).then(|| format!("{}{example}", of(rows, "row")))
        });
        let mut notes = vec![];
        note(&mut notes, "missing numbers become the mean of the training rows, which lack none", filled);
        note(&mut notes, "texts that no training row has become zeros", unseen);
        notes
    }

    /// How fields were read that are not plain.
    fn reading(&self, notes: &mut Vec<String>) {
        let marks = self.each(|counts| match counts.cells {
            Cells::Numbers { notation, .. } => notation.told(),
            _ => None,
        });
        let dates = self.each(|counts| match counts.cells {
            Cells::Dates { format, ambiguous: false, .. } => Some(format.clone()),
            _ => None,
        });
        let ambiguous = self.each(|counts| match counts.cells {
            Cells::Dates { format, ambiguous: true, .. } => Some(format.clone()),
            _ => None,
        });
        let words = self.each(|counts| match counts.cells {
            Cells::Numbers { words, .. } | Cells::Dates { words, .. } => told_words(words),
            Cells::Texts { .. } => None,
        });
        note(notes, "numbers are read with", marks);
        let what = "dates become a number of days, and month, weekday and hour where they vary";
        note(notes, what, dates);
        note(
            notes,
            "no date says in which order day, month and year stand, so they are read as (the setting day_first decides)",
            ambiguous,
        );
        note(notes, "words among numbers count as missing", words);
    }

    /// Names the columns whose rounding to float32 is a part worth a word of how much they vary.
    pub(in crate::data) fn coarse(&self, moments: &FeatureMoments, affine: &Affine) -> Option<String> {
        let (mut feature, mut names) = (0, vec![]);
        for Counts { column, largest, .. } in &self.0 {
            let deviation = moments.deviation[feature] * affine.factor[feature].abs();
            if deviation > 0.0 && is_coarse(*largest, deviation) {
                names.push(short(&column.name));
            }
            feature += column.width();
        }
        let what = "vary by less than float32 can tell apart at their size; normalize = standardize would keep it";
        (!names.is_empty()).then(|| format!("the values of {} {what}", names::few(&names)))
    }

    /// The names of columns, with what is to be said of each that it is to be said of.
    fn each(&self, what: impl Fn(&Counts<'_>) -> Option<String>) -> Vec<String> {
        let told = |counts: &Counts<'_>| what(counts).map(|what| format!("{} ({what})", short(&counts.column.name)));
        self.0.iter().filter_map(told).collect()
    }
}

/// A number of things.
fn of(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Words that count as missing, the most frequent first, and how many rows have one.
fn told_words(words: &Words) -> Option<String> {
    let mut sorted: Vec<(&String, &usize)> = words.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let rows = sorted.iter().map(|(_, count)| *count).sum();
    let shown: Vec<String> = sorted.iter().take(WORDS).map(|(word, _)| format!("{:?}", short(word))).collect();
    let more = if sorted.len() > WORDS { " and others" } else { "" };
    (rows > 0).then(|| format!("{}: {}{more}", of(rows, "row"), shown.join(", ")))
}

/// Puts down what was done to some columns, if there are any.
fn note(notes: &mut Vec<String>, what: &str, columns: Vec<String>) {
    if !columns.is_empty() {
        notes.push(format!("{what}: {}", names::few(&columns)));
    }
}

/// The one list of the columns that are left out.
pub(in crate::data) fn left_out(left: &[LeftOut]) -> Option<String> {
    let named: Vec<String> = left.iter().take(NAMED).map(|(name, why)| format!("{} ({why})", short(name))).collect();
    let more = match left.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let keep = "the settings categorical and numeric keep a column";
    (!left.is_empty()).then(|| {
        format!("left out, for they name rows or hold free text or nothing: {}{more}; {keep}", named.join(", "))
    })
}
