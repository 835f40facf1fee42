//! Columns that say nothing of new rows, because they count or name the rows.

use super::cells::{Cells, RawColumn};
use std::fmt;

/// Rows from which on it is no chance that a column holds each of as many whole numbers once.
const LEAST_ROWS: usize = 20;
/// A counter begins below this part of the rows: of a table of which rows were taken out it is not 0 or 1.
const FIRST: f64 = 20.0;
/// Names of columns that name rows, as a whole or as their last word.
const NAMES: [&str; 11] = ["id", "ids", "index", "idx", "rownumber", "row", "no", "nr", "key", "uuid", "unnamed"];

/// Why a column is left out.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) enum Reason {
    /// It has no value in the rows to train on.
    Empty,
    /// Its texts hardly repeat.
    Texts { values: usize, rows: usize },
    /// It counts the rows, or has another number for each.
    Counter,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no value in the rows to train on"),
            Self::Texts { values, rows } => write!(f, "{values} different texts in {rows} rows"),
            Self::Counter => f.write_str("another whole number in each row"),
        }
    }
}

/// Whether a column of numbers surely names or counts the rows: it has another whole number in each row and either a name
/// that says so, or stands first, begins near 0 and leaves out less than half of the numbers.
pub(super) fn reason(place: usize, column: &RawColumn) -> Option<Reason> {
    let Cells::Numbers { values, .. } = &column.cells else { return None };
    if values.len() < LEAST_ROWS || !values.iter().all(|value| value.fract() == 0.0) {
        return None;
    }
    let named = is_name_of_rows(&column.name);
    let (least, most) = values.iter().fold((f64::MAX, f64::MIN), |(a, b), &value| (a.min(value), b.max(value)));
    let rows = values.len() as f64;
    let begins = (0.0..(rows / FIRST).max(2.0)).contains(&least);
    let counts = place == 0 && begins && most - least + 2.0 < 2.0 * rows;
    if !named && !counts {
        return None;
    }
    let mut sorted = values.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.windows(2).all(|pair| pair[0] < pair[1]).then_some(Reason::Counter)
}

/// Whether a name is `id`, or ends in it as `customer_id`, `PassengerId` and `Unnamed: 0` do.
fn is_name_of_rows(name: &str) -> bool {
    let mut words = vec![String::new()];
    let mut last_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && last_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphabetic()) {
            word.extend(c.to_lowercase());
        }
        last_lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    let whole = words.concat();
    let last = words.last().map_or("", String::as_str);
    NAMES.contains(&whole.as_str()) || NAMES.contains(&last) && words.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(place: usize, name: &str, values: impl IntoIterator<Item = f64>) -> bool {
        let cells = Cells::numbers(values.into_iter().collect());
        reason(place, &RawColumn { name: name.to_owned(), cells, asked: false }).is_some()
    }

    #[test]
    fn names_of_rows_are_known() {
        for name in [
            "id",
            "ID",
            "Id",
            "customer_id",
            "PassengerId",
            "CustomerId",
            "RowNumber",
            "Unnamed: 0",
            "index",
            "row no",
            "key",
        ] {
            assert!(is_name_of_rows(name), "{name}");
        }
        for name in ["instant", "bid", "valid", "width", "noise", "rowing", "keyboard", "x", "", "number"] {
            assert!(!is_name_of_rows(name), "{name}");
        }
    }

    #[test]
    fn counters_are_left_out_only_where_they_are_sure() {
        let count = |n: usize| (0..n).map(|i| i as f64);
        assert!(counts(0, "instant", count(20).map(|i| i + 1.0)) && counts(0, "x", count(20)));
        // A part of the rows, in any order.
        assert!(counts(0, "instant", count(40).map(|i| (i * 17.0) % 43.0)));
        assert!(counts(5, "CustomerId", count(30).map(|i| 15_000_000.0 + 977.0 * i)));
        assert!(!counts(0, "x", count(19)) && !counts(1, "x", count(50)));
        assert!(!counts(0, "x", count(50).map(|i| 2.0 * i)) && !counts(0, "x", count(50).map(|i| i / 2.0)));
        assert!(!counts(0, "year", count(50).map(|i| 1950.0 + i)));
        assert!(!counts(0, "id", count(50).map(|i| i % 49.0)));
        assert!(!counts(0, "id", count(50).chain([f64::NAN])));
    }
}
