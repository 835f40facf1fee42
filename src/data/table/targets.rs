//! The target columns of a table: which they are, what they are, and their values.

use super::cells::Column;
use super::sheet::{Sheet, USUAL_TARGETS};
use super::written::{Field, Notation, Reading, is_missing, is_one_of};
use crate::data::classes::sorted;
use crate::data::faults::Faults;
use crate::data::{DataError, Options, Targets, Task};
use crate::names::{listed, quoted, short};
use std::path::Path;

/// Different whole numbers that may still be classes: with more, each stands on average in fewer than 5 % of the rows.
const MOST_CLASSES: usize = 20;
/// One in so many different texts may be no number in a column of measured numbers.
const FEW_OTHERS: usize = 10;

/// Why a column is the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The user named the column.
    Given,
    /// It has a usual name.
    Usual,
    /// It is the last column, and none has a usual name.
    Last,
    /// It is the last column, and several have a usual name.
    LastOfSeveral,
}

impl Why {
    /// The target and why it was taken, in a clause.
    pub(super) fn note(self, target: &str) -> String {
        let target = short(target);
        match self {
            Self::Given => format!("target {target}"),
            Self::Usual => format!("target {target}, the column of that name (the setting target chooses another)"),
            Self::Last => {
                let none = "no column is named label, target or class";
                format!("target {target}, the last column, because {none} (the setting target chooses another)")
            }
            Self::LastOfSeveral => {
                let several = "several columns are named label, target or class";
                format!("target {target}, the last column, because {several} (the setting target chooses another)")
            }
        }
    }

    /// A fault of data whose target was not named says that another can be.
    pub(super) fn told(self, target: &str, fault: DataError) -> DataError {
        match self {
            Self::Given => fault,
            _ if !fault.is_of_target(target) => fault,
            Self::Usual | Self::Last | Self::LastOfSeveral => {
                DataError::OfTarget { column: target.to_owned(), fault: Box::new(fault) }
            }
        }
    }
}

/// The places of the target columns that options name, or of the usual one, which is none that is ignored.
pub(super) fn choose(
    sheet: &Sheet<'_>,
    options: &Options<'_>,
    is_ignored: &dyn Fn(usize) -> bool,
) -> Result<(Vec<usize>, Why), DataError> {
    if let Some(target) = options.target {
        let places = find(sheet, target)?;
        let columns = options.categorical.iter().chain(options.numeric);
        if let Some(&place) = places.iter().find(|&&place| is_ignored(place)) {
            let column = sheet.header[place].clone();
            return Err(DataError::TargetIgnored { path: sheet.path.to_owned(), column });
        }
        for column in columns.map(|name| name.trim()) {
            if places.iter().any(|&place| sheet.header[place] == column) {
                let column = column.to_owned();
                return Err(DataError::TargetListed { path: sheet.path.to_owned(), column });
            }
        }
        return Ok((places, Why::Given));
    }
    let rest: Vec<usize> = (0..sheet.header.len()).filter(|&place| !is_ignored(place)).collect();
    let is_usual = |place: &&usize| USUAL_TARGETS.contains(&sheet.header[**place].to_lowercase().as_str());
    let mut usual = rest.iter().filter(is_usual);
    match (usual.next(), usual.next(), rest.last()) {
        (Some(&only), None, _) => Ok((vec![only], Why::Usual)),
        (Some(_), Some(_), Some(&last)) => Ok((vec![last], Why::LastOfSeveral)),
        (.., Some(&last)) => Ok((vec![last], Why::Last)),
        (.., None) => Err(DataError::NoFeatures { path: sheet.path.to_owned(), targets: vec![] }),
    }
}

/// The places of the columns that a text names: one, or several with commas between.
pub(super) fn find(sheet: &Sheet<'_>, target: &str) -> Result<Vec<usize>, DataError> {
    if let Some(place) = sheet.find(target.trim()) {
        return Ok(vec![place]);
    }
    let mut places = vec![];
    for column in target.split(',').map(str::trim) {
        let (path, column) = (sheet.path.to_owned(), column.to_owned());
        match sheet.find(&column) {
            Some(place) if places.contains(&place) => return Err(DataError::TargetTwice { path, column }),
            Some(place) => places.push(place),
            None => return Err(DataError::UnknownTarget { path, target: column, columns: sheet.header.clone() }),
        }
    }
    Ok(places)
}

/// The targets to train on, how their numbers are written, and why they are of their kind where it was not given and is not
/// the usual one class a row. Faults are put down.
pub(super) fn for_training(
    path: &Path,
    columns: Vec<Column>,
    options: &Options<'_>,
    faults: &mut Faults,
) -> Option<(Targets, Vec<Notation>, Option<String>)> {
    let (task, inferred) = options.task.map_or_else(|| infer(&columns), |task| (task, None));
    for column in &columns {
        // A line break is what an open quotation mark leads to.
        if let Some(at) = column.texts.iter().position(|text| text.contains(['\n', '\r'])) {
            let (path, line, column) = (path.to_owned(), column.lines[at], column.name.clone());
            faults.push(DataError::LineBreak { path, line, column }, 0);
            return None;
        }
        let is_given = |text: &String| is_one_of(options.missing, text);
        if let Some(at) = column.texts.iter().position(is_given) {
            faults.push(missing(path, column, at), 0);
            return None;
        }
    }
    let notation = |column: &Column| Notation { missing_words: options.missing.to_vec(), ..reading(column).notation };
    let notations = if task == Task::Regression { columns.iter().map(notation).collect() } else { vec![] };
    let built = build(path, columns, task, &notations).and_then(|targets| {
        if let Some((_, [class])) = targets.classes() {
            return Err(DataError::OneClass { path: path.to_owned(), class: short(class) });
        }
        check_varies(path, &targets)?;
        Ok(targets)
    });
    match built {
        Ok(targets) => Some((targets, notations, inferred)),
        Err(fault) => {
            faults.push(fault, 0);
            None
        }
    }
}

/// What target columns are to learn, and why, where it is not the usual one class a row.
fn infer(columns: &[Column]) -> (Task, Option<String>) {
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
    (task, Some(format!("task {task}: {why} (the setting task decides)")))
}

/// The texts of a column read as numbers.
fn reading(column: &Column) -> Reading {
    Reading::of(&column.texts, &column.counts(), &[])
}

/// Why a column is one of measured numbers, if it is: all of its texts are numbers but a few, and some have a fraction, or
/// they are whole numbers of which each stands on average in fewer than 5 % of the rows.
fn looks_continuous(column: &Column) -> Option<String> {
    let reading = reading(column);
    let number = |field: &Field| match field {
        Field::Number(number) => Some(*number),
        Field::TooLarge => Some(f64::INFINITY),
        Field::Missing | Field::Other => None,
    };
    let mut numbers: Vec<f64> = reading.fields.iter().filter_map(number).collect();
    let name = quoted(&column.name);
    if numbers.is_empty() || reading.fields.len() - numbers.len() > numbers.len() / FEW_OTHERS {
        return None;
    }
    if numbers.iter().any(|value| value.is_finite() && value.fract() != 0.0) {
        return Some(format!("the values of {name} are numbers with fractions"));
    }
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.dedup();
    let (different, rows) = (numbers.len(), column.rows.len());
    let many = different > MOST_CLASSES;
    many.then(|| format!("the values of {name} are {different} different whole numbers in {rows} rows"))
}

/// Refuses columns of numbers of which one is the same in all rows.
fn check_varies(path: &Path, targets: &Targets) -> Result<(), DataError> {
    let Targets::Numbers { values, names } = targets else { return Ok(()) };
    for (column, name) in names.iter().enumerate() {
        let mut of = values.iter().skip(column).step_by(names.len());
        if let Some(&value) = of.next()
            && of.all(|other| *other == value)
        {
            return Err(DataError::ConstantTarget { path: path.to_owned(), column: name.clone(), value });
        }
    }
    Ok(())
}

/// Refuses a word that stands for a missing field among numbers. Among texts it is a class.
fn check_missing(path: &Path, column: &Column) -> Result<(), DataError> {
    let reading = reading(column);
    let numeric = !reading.fields.contains(&Field::Other) && reading.different(|f| matches!(f, Field::Number(_))) > 0;
    match reading.fields.iter().position(|field| *field == Field::Missing) {
        Some(at) if numeric => Err(missing(path, column, at)),
        _ => Ok(()),
    }
}

fn missing(path: &Path, column: &Column, at: usize) -> DataError {
    let (path, line, text) = (path.to_owned(), column.lines[at], short(&column.texts[at]));
    DataError::MissingTarget { path, line, column: column.name.clone(), text }
}

/// The targets of a task: classes of one column, labels of several, or numbers that are written in a way for each.
fn build(path: &Path, mut columns: Vec<Column>, task: Task, notations: &[Notation]) -> Result<Targets, DataError> {
    match (task, columns.len()) {
        (Task::Classification, 1) => {
            check_missing(path, &columns[0])?;
            Ok(classes(columns.remove(0)))
        }
        (Task::Classification, _) => labels(path, columns),
        (Task::Regression, _) => numbers(path, columns, notations),
    }
}

/// The targets of a kind that is known from elsewhere. Columns of the same names as those known are put in their order.
/// `notations` say how the numbers of each are written; a model of an earlier version does not know them, and has none.
pub(super) fn build_like(
    path: &Path,
    mut columns: Vec<Column>,
    like: &Targets,
    notations: &[Notation],
) -> Result<Targets, DataError> {
    let names = || columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    let (wanted, model) = match like {
        Targets::Classes { .. } => (1, vec!["classes".to_owned()]),
        Targets::Labels { names, .. } | Targets::Numbers { names, .. } => (names.len(), names.clone()),
    };
    if columns.len() != wanted {
        let (path, found, targets) = (path.to_owned(), columns.len(), names());
        return Err(DataError::TargetCount { path, found, targets, model });
    }
    let place = |column: &Column| model.iter().position(|name| *name == column.name);
    if columns.iter().all(|column| place(column).is_some()) {
        columns.sort_by_key(place);
    }
    match like {
        Targets::Classes { .. } => Ok(classes(columns.remove(0))),
        Targets::Labels { .. } => labels(path, columns),
        Targets::Numbers { .. } => numbers(path, columns, notations),
    }
}

fn classes(column: Column) -> Targets {
    let (labels, names) = sorted(column.rows, column.texts);
    Targets::Classes { labels, names }
}

fn labels(path: &Path, columns: Vec<Column>) -> Result<Targets, DataError> {
    let known = columns.iter().map(|column| column.texts.iter().map(|text| label(text)).collect()).collect();
    let fault = |column: usize, at: usize| {
        let column = &columns[column];
        let (path, line, name) = (path.to_owned(), column.lines[at], column.name.clone());
        match short(&column.texts[at]) {
            text if is_missing(&text) => DataError::MissingTarget { path, line, column: name, text },
            text => DataError::NotLabel { path, line, column: name, text },
        }
    };
    let (values, names) = values(&columns, known, fault)?;
    Ok(Targets::Labels { values, names })
}

/// Numbers, each column in its notation; without notations in that which fits the column.
fn numbers(path: &Path, columns: Vec<Column>, notations: &[Notation]) -> Result<Targets, DataError> {
    let read = |(i, column): (usize, &Column)| match notations.get(i) {
        Some(notation) => Reading::by(notation.clone(), &column.texts),
        None => reading(column),
    };
    let readings: Vec<Reading> = columns.iter().enumerate().map(read).collect();
    let number = |field: &Field| if let Field::Number(number) = field { Some(*number) } else { None };
    let known = readings.iter().map(|reading| reading.fields.iter().map(number).collect()).collect();
    let fault = |column: usize, at: usize| {
        let (field, column) = (readings[column].fields[at], &columns[column]);
        let (path, line, name, text) =
            (path.to_owned(), column.lines[at], column.name.clone(), short(&column.texts[at]));
        match field {
            Field::Missing => DataError::MissingTarget { path, line, column: name, text },
            Field::TooLarge => DataError::NotFinite { path, line, column: name, text },
            Field::Number(_) | Field::Other => DataError::TargetNotNumber { path, line, column: name, text },
        }
    };
    let (values, names) = values(&columns, known, fault)?;
    Ok(Targets::Numbers { values, names })
}

/// A label's value, if the text is 0 or 1.
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
/// that has none. `known` are the values of each text of a column.
fn values<T: Copy>(
    columns: &[Column],
    known: Vec<Vec<Option<T>>>,
    fault: impl Fn(usize, usize) -> DataError,
) -> Result<(Vec<T>, Vec<String>), DataError> {
    // Texts are in the order of their first lines.
    let bad = |(column, values): (usize, &Vec<Option<T>>)| {
        let at = values.iter().position(Option::is_none)?;
        Some((columns[column].lines[at], column, at))
    };
    if let Some((_, column, at)) = known.iter().enumerate().filter_map(bad).min() {
        return Err(fault(column, at));
    }
    let rows = columns.first().map_or(0, |column| column.rows.len());
    let row = |row: usize| columns.iter().zip(&known).filter_map(move |(c, known)| known[c.rows[row] as usize]);
    Ok(((0..rows).flat_map(row).collect(), columns.iter().map(|column| column.name.clone()).collect()))
}

#[cfg(test)]
#[path = "targets_tests.rs"]
mod tests;
