//! Rows that a split keeps together: those of one group, or of one time.

use super::decimal::Name;
use super::opened::{Content, Opened};
use super::table::{Cells, is_missing, is_one_of};
use super::{DataError, Fractions, Split, Targets};
use crate::names::quoted;
use crate::random::{Domain, Stream};
use rand::seq::SliceRandom;
use std::collections::{HashMap, HashSet};

/// The column of a table by which rows are split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Rows with the same text or the same number are one group, such as one patient, and all come into one part. The table
    /// is to be opened with this column as [`Options::group`](super::Options::group).
    Group(String),
    /// The rows with the largest values are tested on, the largest of the others validate. Rows of one time stay together.
    Time(String),
}

impl By {
    /// The name of the column.
    pub fn column(&self) -> &str {
        match self {
            Self::Group(column) | Self::Time(column) => column,
        }
    }

    fn noun(&self) -> &'static str {
        match self {
            Self::Group(_) => "group",
            Self::Time(_) => "time",
        }
    }
}

/// The rows of a table, group by group or time by time.
#[derive(Clone, Debug, PartialEq)]
pub struct Units {
    by: By,
    /// The rows of each unit, ascending; times are in their order, groups in that of their first rows.
    rows: Vec<Vec<u32>>,
    /// The groups of each table that was met: that which is split, and those of parts.
    met: Vec<(String, HashSet<Name<'static>>)>,
    /// Texts that stand for a missing group.
    missing: Vec<String>,
    /// The column of times.
    times: Option<Cells>,
    /// Of each table that was met, the last time before those that it holds out to test on.
    last: Vec<(String, f64)>,
}

/// What becomes of the column of groups or times.
const LEFT_OUT: &str = "; the column itself is left out of the features";

impl Opened {
    /// Takes a column of a table out of the features, to split by it, and says so in a clause.
    ///
    /// A row without a group is a group of its own.
    ///
    /// # Errors
    ///
    /// When the data are images, the column is not there or is the target, a time is missing or no number, or groups were not
    /// opened as texts.
    pub fn take_units(&mut self, by: By) -> Result<(Units, String), DataError> {
        let (name, column, noun) = (self.name.clone(), by.column().to_owned(), by.noun());
        let Content::Table { columns, missing, .. } = &mut self.content else {
            return Err(DataError::SplitOfImages { name, column });
        };
        let Some(place) = columns.iter().position(|raw| raw.name == column) else {
            let columns = columns.iter().map(|raw| raw.name.clone()).collect();
            return Err(DataError::UnknownSplitColumn { name, noun, column, columns });
        };
        if columns.len() == 1 {
            return Err(DataError::OnlySplitColumn { name, noun, column });
        }
        let cells = columns.remove(place).cells;
        let missing = missing.clone();
        let (rows, met, note) = match (&by, &cells) {
            (By::Group(_), Cells::Texts { rows, texts }) => {
                let Groups { rows, alone } = groups(rows, texts);
                let (all, column) = (rows.len(), quoted(&column));
                let mut note = format!("each of the {all} groups of {column} in {name} is in one part{LEFT_OUT}");
                if alone > 0 {
                    note += &format!("; {alone} rows have no group, and each is taken as one");
                }
                if let Some(word) = texts.iter().find(|text| is_missing(text)) {
                    note += &format!("; {} is taken for the name of a group", quoted(word));
                }
                (rows, vec![(name, names_of(texts, &missing))], note)
            }
            (By::Group(_), _) => return Err(DataError::GroupsNotTexts { name, column }),
            (By::Time(_), _) => {
                let how = how_read(&cells).map_or_else(String::new, |how| format!(" ({how})"));
                let mut note = format!("the latest rows by {}{how} are held out{LEFT_OUT}", quoted(&column));
                if matches!(cells, Cells::Dates { ambiguous: true, .. }) {
                    note += "; no date says in which order day, month and year stand (the setting day_first decides)";
                }
                (times(&cells, name, column)?, vec![], note)
            }
        };
        let times = matches!(by, By::Time(_)).then_some(cells);
        Ok((Units { by, rows, met, missing, times, last: vec![] }, note))
    }
}

/// How times are written, where they are no plain numbers.
fn how_read(cells: &Cells) -> Option<String> {
    match cells {
        Cells::Numbers { notation, .. } => notation.told(),
        Cells::Dates { format, .. } => Some(format.clone()),
        Cells::Texts { .. } => None,
    }
}

/// The different groups among texts.
fn names_of(texts: &[String], missing: &[String]) -> HashSet<Name<'static>> {
    let there = texts.iter().filter(|text| !is_one_of(missing, text));
    there.map(|text| Name::of(text).into_owned()).collect()
}

/// The rows of each group, among them those that have none and are each taken as one.
struct Groups {
    rows: Vec<Vec<u32>>,
    alone: usize,
}

/// The groups of rows whose texts are given by number; equal numbers are one group, however they are written.
fn groups(numbers: &[u32], texts: &[String]) -> Groups {
    let names: Vec<Name<'_>> = texts.iter().map(|text| Name::of(text)).collect();
    let (mut places, mut groups) = (HashMap::new(), Groups { rows: vec![], alone: 0 });
    for (row, &number) in (0..).zip(numbers) {
        let Some(name) = names.get(number as usize) else {
            groups.alone += 1;
            groups.rows.push(vec![row]);
            continue;
        };
        let place = *places.entry(name).or_insert(groups.rows.len());
        if place == groups.rows.len() {
            groups.rows.push(vec![]);
        }
        groups.rows[place].push(row);
    }
    groups
}

/// The rows of each time, in their order.
fn times(cells: &Cells, name: String, column: String) -> Result<Vec<Vec<u32>>, DataError> {
    if let Cells::Texts { texts, .. } = cells {
        let text = texts.first().cloned().unwrap_or_default();
        return Err(DataError::TimesAreTexts { name, column, text });
    }
    let values = values(cells);
    if let Some(row) = values.iter().position(|value| value.is_nan()) {
        return Err(DataError::NoTime { name, column, row: row + 1 });
    }
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    let value = |row: u32| values[row as usize];
    order.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
    Ok(order.chunk_by(|&a, &b| value(a) == value(b)).map(<[u32]>::to_vec).collect())
}

/// The numbers of times.
fn values(times: &Cells) -> &[f64] {
    match times {
        Cells::Numbers { values, .. } | Cells::Dates { seconds: values, .. } => values,
        Cells::Texts { .. } => &[],
    }
}

impl Units {
    /// The column by which rows are split, and how its times are written.
    pub(super) fn column(&self) -> (&str, Option<&Cells>) {
        (self.by.column(), self.times.as_ref())
    }

    /// Says in clauses which groups of another table stand in those met before too, or which of its times are no later than
    /// theirs. `cells` are those of its column, if it has that.
    ///
    /// # Errors
    ///
    /// A row has no time.
    pub(super) fn meet(&mut self, name: &str, cells: Option<Cells>) -> Result<Vec<String>, DataError> {
        let (column, noun) = (quoted(self.by.column()), self.by.noun());
        match cells {
            None => Ok(vec![format!(
                "{name}: it has no column {column}, so nothing tells whether its {noun}s stand elsewhere too"
            )]),
            Some(Cells::Texts { texts, .. }) => Ok(self.meet_groups(name, &texts)),
            Some(times) => self.meet_times(name, values(&times)),
        }
    }

    fn meet_times(&mut self, name: &str, times: &[f64]) -> Result<Vec<String>, DataError> {
        if let Some(row) = times.iter().position(|time| time.is_nan()) {
            let column = self.by.column().to_owned();
            return Err(DataError::NoTime { name: name.to_owned(), column, row: row + 1 });
        }
        let column = quoted(self.by.column());
        let notes = self.last.iter().filter_map(|(other, last)| {
            let (all, count) = (times.len(), times.iter().filter(|time| *time <= last).count());
            let is = if count == 1 { "is" } else { "are" };
            (count > 0).then(|| {
                format!(
                    "{name}: {count} of its {all} rows {is} by {column} no later than the last row of {other} before it, so \
                     it does not show how a model does on later rows"
                )
            })
        });
        let notes = notes.collect();
        self.last.push((name.to_owned(), times.iter().copied().fold(f64::NEG_INFINITY, f64::max)));
        Ok(notes)
    }

    fn meet_groups(&mut self, name: &str, texts: &[String]) -> Vec<String> {
        let column = quoted(self.by.column());
        let names = names_of(texts, &self.missing);
        let shared = |(other, known): &(String, HashSet<Name<'static>>)| {
            let (all, count) = (names.len(), names.intersection(known).count());
            let have = if count == 1 { "has" } else { "have" };
            (count > 0).then(|| {
                format!(
                    "{name}: {count} of its {all} groups of {column} {have} rows in {other} too, so it does not show how a \
                     model does on new groups"
                )
            })
        };
        let notes = self.met.iter().filter_map(shared).collect();
        self.met.push((name.to_owned(), names));
        notes
    }

    /// Splits the rows so that none of these units is torn apart. Each held-out part has about its share of the rows: by
    /// times the latest, by groups such that the classes are shared out as evenly as whole groups allow, and else by the
    /// seed. At least one unit is held out for a share of more than 0, and one is left to train on.
    ///
    /// # Errors
    ///
    /// When there are too few units for the parts.
    pub fn split(&mut self, opened: &Opened, fractions: Fractions, seed: u64) -> Result<Split, DataError> {
        super::split::check(opened, fractions, 0)?;
        let parts = [fractions.test, fractions.validation];
        if self.rows.len() <= parts.iter().filter(|share| **share > 0.0).count() {
            let (name, column, noun) = (opened.name.clone(), self.by.column().to_owned(), self.by.noun());
            return Err(DataError::FewUnits { name, noun, column, found: self.rows.len() });
        }
        let mut left: Vec<&[u32]> = self.rows.iter().map(Vec::as_slice).collect();
        if matches!(self.by, By::Group(_)) {
            left.shuffle(&mut Stream::new(seed, Domain::Split, 0));
        }
        let classes = Classes::of(&opened.targets);
        let mut held_out = [vec![], vec![]];
        for (i, (rows, share)) in held_out.iter_mut().zip(parts).enumerate() {
            // What is still to be held out needs a unit, and so does training.
            let most = left.len() - 1 - usize::from(i == 0 && fractions.validation > 0.0);
            let taken = match self.by {
                _ if share == 0.0 => vec![],
                By::Time(_) => latest(&mut left, share * opened.rows() as f64, most),
                By::Group(_) => classes.share_of(&mut left, share, most),
            };
            *rows = taken.concat();
            rows.sort_unstable();
        }
        let [test, validation] = held_out;
        let mut train = left.concat();
        train.sort_unstable();
        if let Some(times) = &self.times {
            let earlier = train.iter().chain(&validation).map(|&row| values(times)[row as usize]);
            self.last = vec![(opened.name.clone(), earlier.fold(f64::NEG_INFINITY, f64::max))];
        }
        Ok(Split { train, validation, test, ..Split::default() })
    }
}

/// Takes the last units until they have about so many rows, at least one unit and at most so many.
fn latest<'a>(left: &mut Vec<&'a [u32]>, wanted: f64, most: usize) -> Vec<&'a [u32]> {
    let (mut taken, mut count) = (vec![], 0.0);
    while taken.len() < most
        && let Some(unit) = left.last()
        && (taken.is_empty() || (count + unit.len() as f64 - wanted).abs() < (wanted - count).abs())
    {
        count += unit.len() as f64;
        taken.extend(left.pop());
    }
    taken
}

/// The classes of rows; rows that have none are all of one.
struct Classes<'a> {
    labels: Option<&'a [u32]>,
    sizes: Vec<f64>,
}

impl<'a> Classes<'a> {
    fn of(targets: &'a Targets) -> Self {
        let Some((labels, names)) = targets.classes() else {
            return Self { labels: None, sizes: vec![targets.rows() as f64] };
        };
        let mut sizes = vec![0.0; names.len()];
        labels.iter().for_each(|&label| sizes[label as usize] += 1.0);
        Self { labels: Some(labels), sizes }
    }

    /// How many rows of each class that it has a unit has.
    fn counts(&self, unit: &[u32]) -> Vec<(usize, f64)> {
        let Some(labels) = self.labels else { return vec![(0, unit.len() as f64)] };
        let mut found: Vec<u32> = unit.iter().map(|&row| labels[row as usize]).collect();
        found.sort_unstable();
        found.chunk_by(|a, b| a == b).map(|run| (run[0] as usize, run.len() as f64)).collect()
    }

    /// Takes each unit that brings the rows of each class nearer to their share, by the sum of squares; of units none of
    /// which does, the smallest.
    fn share_of<'b>(&self, left: &mut Vec<&'b [u32]>, share: f64, most: usize) -> Vec<&'b [u32]> {
        let mut missing: Vec<f64> = self.sizes.iter().map(|size| size * share).collect();
        let (mut taken, mut rest) = (vec![], vec![]);
        for unit in left.drain(..) {
            let counts = self.counts(unit);
            // (missing − count)² − missing², summed over the classes.
            let change: f64 = counts.iter().map(|&(class, count)| count * (count - 2.0 * missing[class])).sum();
            if change < 0.0 && taken.len() < most {
                counts.iter().for_each(|&(class, count)| missing[class] -= count);
                taken.push(unit);
            } else {
                rest.push(unit);
            }
        }
        if taken.is_empty()
            && let Some(smallest) = (0..rest.len()).min_by_key(|&place| rest[place].len())
        {
            taken.push(rest.remove(smallest));
        }
        *left = rest;
        taken
    }
}

#[cfg(test)]
#[path = "units_tests.rs"]
mod tests;
