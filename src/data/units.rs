//! Rows that a split keeps together: those of one group, or of one time.

use super::opened::{Content, Opened};
use super::table::Cells;
use super::{DataError, Fractions, Split, Targets};
use crate::names::quoted;
use crate::random::{Domain, Stream};
use rand::seq::SliceRandom;
use std::collections::HashMap;

/// The column of a table by which rows are split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Rows with the same value are one group, such as one patient, and all come into one part.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    by: By,
    /// The rows of each unit, ascending; times are in their order, groups in that of their first rows.
    rows: Vec<Vec<u32>>,
}

impl Opened {
    /// Takes a column of a table out of the features, to split by it, and says so in a clause.
    ///
    /// A row without a group is a group of its own.
    ///
    /// # Errors
    ///
    /// When the data are images, the column is not there or is the target, or a time is missing or no number.
    pub fn take_units(&mut self, by: By) -> Result<(Units, String), DataError> {
        let (name, column, noun) = (self.name.clone(), by.column().to_owned(), by.noun());
        let Content::Table { columns, .. } = &mut self.content else {
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
        let (rows, alone) = match &by {
            By::Group(_) => groups(&cells),
            By::Time(_) => (times(&cells).map_err(|row| DataError::NoTime { name, column: column.clone(), row })?, 0),
        };
        let mut note = match &by {
            By::Group(_) => format!("each of the {} groups of {} is in one part", rows.len(), quoted(&column)),
            By::Time(_) => format!("the latest rows by {} are held out", quoted(&column)),
        };
        note += "; the column itself is left out of the features";
        if alone > 0 {
            note += &format!("; {alone} rows have no group, and each is taken as one");
        }
        Ok((Units { by, rows }, note))
    }
}

/// The rows of each group, and how many have none.
fn groups(cells: &Cells) -> (Vec<Vec<u32>>, usize) {
    let (mut places, mut rows, mut alone) = (HashMap::new(), Vec::<Vec<u32>>::new(), 0);
    for row in 0..cells.rows() {
        match cells.key(row) {
            Some(key) => {
                let place = *places.entry(key).or_insert(rows.len());
                if place == rows.len() {
                    rows.push(vec![]);
                }
                rows[place].push(row as u32);
            }
            None => {
                alone += 1;
                rows.push(vec![row as u32]);
            }
        }
    }
    (rows, alone)
}

/// The rows of each time, in their order; or the number, from 1, of a row that has none.
fn times(cells: &Cells) -> Result<Vec<Vec<u32>>, usize> {
    let (Cells::Numbers { values, .. } | Cells::Dates { seconds: values, .. }) = cells else { return Err(1) };
    if let Some(row) = values.iter().position(|value| value.is_nan()) {
        return Err(row + 1);
    }
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    let value = |row: u32| values[row as usize];
    order.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
    Ok(order.chunk_by(|&a, &b| value(a) == value(b)).map(<[u32]>::to_vec).collect())
}

impl Units {
    /// Splits the rows so that none of these units is torn apart. Each held-out part has about its share of the rows: by
    /// times the latest, by groups such that the classes are shared out as evenly as whole groups allow, and else by the
    /// seed. At least one unit is held out for a share of more than 0, and one is left to train on.
    ///
    /// # Errors
    ///
    /// When there are too few units for the parts.
    pub fn split(&self, opened: &Opened, fractions: Fractions, seed: u64) -> Result<Split, DataError> {
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
        Ok(Split { train, validation, test })
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
            let change: f64 = counts.iter().map(|&(class, count)| count * (count - 2.0 * missing[class])).sum();
            if change < 0.0 && taken.len() < most {
                counts.iter().for_each(|&(class, count)| missing[class] -= count);
                taken.push(unit);
            } else {
                rest.push(unit);
            }
        }
        let smallest = rest.iter().enumerate().min_by_key(|(_, unit)| unit.len()).map(|(place, _)| place);
        if let (true, Some(place)) = (taken.is_empty(), smallest) {
            taken.push(rest.remove(place));
        }
        *left = rest;
        taken
    }
}

#[cfg(test)]
#[path = "units_tests.rs"]
mod tests;
