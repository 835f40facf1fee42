//! The target columns of a table: which they are, what they are, and their values.

use super::cells::TargetColumn;
use super::sheet::{Sheet, shortened};
use crate::data::classes::sorted;
use crate::data::{DataError, Options, Targets, Task};
use crate::names::listed;
use std::path::Path;

/// Names of a target column that need not be given.
const USUAL: [&str; 3] = ["label", "target", "class"];
/// Different whole numbers that may still be classes.
const MOST_CLASSES: usize = 50;
/// Rows for each different whole number, from which on they may still be classes.
const ROWS_OF_CLASS: usize = 10;

/// The places of the target columns that options name, or of the usual one, which is none that is ignored.
pub(super) fn choose(sheet: &Sheet<'_>, options: &Options<'_>, ignored: &[usize]) -> Result<Vec<usize>, DataError> {
    if let Some(target) = options.target {
        let places = find(sheet, target)?;
        if let Some(&place) = places.iter().find(|place| ignored.contains(place)) {
            let column = sheet.header[place].clone();
            return Err(DataError::TargetIgnored { path: sheet.path.to_owned(), column });
        }
        return Ok(places);
    }
    let rest: Vec<usize> = (0..sheet.header.len()).filter(|place| !ignored.contains(place)).collect();
    let is_usual = |place: &&usize| USUAL.contains(&sheet.header[**place].to_lowercase().as_str());
    let mut usual = rest.iter().filter(is_usual);
    match (usual.next(), usual.next(), rest.last()) {
        (Some(&only), None, _) => Ok(vec![only]),
        (.., Some(&last)) => Ok(vec![last]),
        (.., None) => Err(DataError::NoFeatures { path: sheet.path.to_owned(), targets: vec![] }),
    }
}

/// The places of the columns that a text names: one, or several with commas between.
pub(super) fn find(sheet: &Sheet<'_>, target: &str) -> Result<Vec<usize>, DataError> {
    if let Some(place) = sheet.find(target.trim())? {
        return Ok(vec![place]);
    }
    let mut places = vec![];
    for column in target.split(',').map(str::trim) {
        let (path, column) = (sheet.path.to_owned(), column.to_owned());
        match sheet.find(&column)? {
            Some(place) if places.contains(&place) => return Err(DataError::TargetTwice { path, column }),
            Some(place) => places.push(place),
            None => return Err(DataError::UnknownTarget { path, target: column, columns: sheet.header.clone() }),
        }
    }
    Ok(places)
}

/// What target columns are to learn, and why, where it is not the usual one class a row.
pub(super) fn infer(columns: &[TargetColumn]) -> (Task, Option<String>) {
    let (task, why) = match columns {
        [column] => match looks_continuous(column) {
            None => return (Task::Classification, None),
            Some(why) => (Task::Regression, why),
        },
        _ => {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            if columns.iter().all(|column| column.texts.iter().all(|text| label(text).is_some())) {
                (Task::Classification, format!("{} hold nothing but 0 and 1, each is a label", listed(&names)))
            } else {
                (Task::Regression, format!("{} hold not only 0 and 1", listed(&names)))
            }
        }
    };
    (task, Some(format!("task {task}: {why} (set it with --task)")))
}

/// Why a column is one of measured numbers, if it is.
fn looks_continuous(column: &TargetColumn) -> Option<String> {
    let values: Option<Vec<f64>> = column.texts.iter().map(|text| text.parse().ok()).collect();
    let (mut values, name, rows) = (values?, &column.name, column.rows.len());
    if values.iter().any(|value| value.fract() != 0.0) {
        return Some(format!("the values of {name:?} are numbers with fractions"));
    }
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    let different = values.len();
    let many = different > MOST_CLASSES && different * ROWS_OF_CLASS > rows;
    many.then(|| format!("the values of {name:?} are {different} different numbers in {rows} rows"))
}

/// The targets of a task: classes of one column, labels of several, or numbers.
pub(super) fn build(path: &Path, mut columns: Vec<TargetColumn>, task: Task) -> Result<Targets, DataError> {
    match (task, columns.len()) {
        (Task::Classification, 1) => Ok(classes(columns.remove(0))),
        (Task::Classification, _) => labels(path, columns),
        (Task::Regression, _) => numbers(path, columns),
    }
}

/// The targets of a kind that is known from elsewhere. Columns of the same names as those known are put in their order.
pub(super) fn build_like(path: &Path, mut columns: Vec<TargetColumn>, like: &Targets) -> Result<Targets, DataError> {
    let names = || columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    let (wanted, model) = match like {
        Targets::Classes { .. } => (1, vec!["classes".to_owned()]),
        Targets::Labels { names, .. } | Targets::Numbers { names, .. } => (names.len(), names.clone()),
    };
    if columns.len() != wanted {
        let (path, found, targets) = (path.to_owned(), columns.len(), names());
        return Err(DataError::TargetCount { path, found, targets, model });
    }
    let place = |column: &TargetColumn| model.iter().position(|name| *name == column.name);
    if columns.iter().all(|column| place(column).is_some()) {
        columns.sort_by_key(place);
    }
    match like {
        Targets::Classes { .. } => build(path, columns, Task::Classification),
        Targets::Labels { .. } => labels(path, columns),
        Targets::Numbers { .. } => numbers(path, columns),
    }
}

fn classes(column: TargetColumn) -> Targets {
    let (labels, names) = sorted(column.rows, column.texts);
    Targets::Classes { labels, names }
}

fn labels(path: &Path, columns: Vec<TargetColumn>) -> Result<Targets, DataError> {
    let fault = |text: &str, line, column| {
        let text = shortened(text);
        DataError::NotLabel { path: path.to_owned(), line, column, text }
    };
    let (values, names) = values(columns, label, fault)?;
    Ok(Targets::Labels { values, names })
}

fn numbers(path: &Path, columns: Vec<TargetColumn>) -> Result<Targets, DataError> {
    let number = |text: &str| text.parse().ok().filter(|value: &f32| value.is_finite());
    let fault = |text: &str, line, column| {
        let (path, is_number, text) = (path.to_owned(), text.parse::<f32>().is_ok(), shortened(text));
        match is_number {
            true => DataError::NotFinite { path, line, column, text },
            false => DataError::TargetNotNumber { path, line, column, text },
        }
    };
    let (values, names) = values(columns, number, fault)?;
    Ok(Targets::Numbers { values, names })
}

/// 0 or 1.
fn label(text: &str) -> Option<f32> {
    match text.to_lowercase().as_str() {
        "false" | "no" => Some(0.0),
        "true" | "yes" => Some(1.0),
        number => match number.parse::<f32>() {
            Ok(0.0) => Some(0.0),
            Ok(1.0) => Some(1.0),
            _ => None,
        },
    }
}

/// The value of each field, `[rows, columns]` row-major, and the names of the columns; or the error for the first field
/// that has none.
fn values(
    columns: Vec<TargetColumn>,
    value: impl Fn(&str) -> Option<f32>,
    fault: impl Fn(&str, usize, String) -> DataError,
) -> Result<(Vec<f32>, Vec<String>), DataError> {
    let mut first: Option<(usize, DataError)> = None;
    let mut known = vec![];
    for column in &columns {
        let values: Vec<Option<f32>> = column.texts.iter().map(|text| value(text)).collect();
        // Texts are in the order of their first lines.
        if let Some(bad) = values.iter().position(Option::is_none)
            && first.as_ref().is_none_or(|(line, _)| column.lines[bad] < *line)
        {
            first = Some((column.lines[bad], fault(&column.texts[bad], column.lines[bad], column.name.clone())));
        }
        known.push(values);
    }
    if let Some((_, error)) = first {
        return Err(error);
    }
    let rows = columns.first().map_or(0, |column| column.rows.len());
    let row = |row: usize| columns.iter().zip(&known).filter_map(move |(c, known)| known[c.rows[row] as usize]);
    Ok(((0..rows).flat_map(row).collect(), columns.iter().map(|column| column.name.clone()).collect()))
}

#[cfg(test)]
#[path = "targets_tests.rs"]
mod tests;
