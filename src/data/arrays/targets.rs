//! Arrays of targets: classes, several labels, or numbers.

use super::npy::{Array, Item};
use crate::data::arrays_error::ArraysError;
use crate::data::classes::{Texts, sorted};
use crate::data::{DataError, Targets, Task};
use std::path::Path;

/// Different whole numbers from which on they may be something else than classes.
const MANY: usize = 20;

/// What the items of targets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Whole,
    Floats,
    Texts,
}

impl What {
    fn of(array: &Array) -> Self {
        match array.item {
            Item::Unsigned | Item::Signed => Self::Whole,
            Item::Float => Self::Floats,
            Item::Bytes | Item::Unicode => Self::Texts,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole numbers",
            Self::Floats => "floats",
            Self::Texts => "texts",
        }
    }
}

/// Puts the targets of all parts together, called `stem`, with what the user should know of them, in clauses.
pub(super) fn join(
    path: &Path,
    arrays: &[Array],
    stem: &str,
    task: Option<Task>,
) -> Result<(Targets, Vec<String>), DataError> {
    let (what, width) = form(path, arrays)?;
    if what == What::Texts {
        if let (Some(Task::Regression), _) | (_, 2..) = (task, width) {
            return Err(ArraysError::Texts { path: path.to_owned(), array: arrays[0].name.clone() }.into());
        }
        return Ok((classes(path, arrays, Array::text)?, vec![]));
    }
    if what == What::Floats {
        check_finite(path, arrays)?;
    }
    let is_regression = task == Some(Task::Regression);
    let broken = first_that(arrays, |value| value.fract() != 0.0);
    let flags = first_that(arrays, |value| value != 0.0 && value != 1.0);
    let is_class = width == 1 && !is_regression && (what == What::Whole || task.is_some());
    if is_class {
        if let Some((array, row, value)) = broken {
            return Err(ArraysError::NotClass { path: path.to_owned(), array, row, value }.into());
        }
        let targets = classes(path, arrays, |array, at| Some(text_of(array, at)))?;
        let many = task.is_none() && targets.names().len() > MANY;
        let note = format!(
            "{stem} holds {} different whole numbers, which are classes: to learn how large they are, set task to regression",
            targets.names().len()
        );
        return Ok((targets, if many { vec![note] } else { vec![] }));
    }
    let names = names(stem, width);
    if width > 1 && !is_regression && (flags.is_none() || task.is_some()) {
        if let Some((array, row, value)) = flags {
            return Err(ArraysError::NotLabel { path: path.to_owned(), array, row, value }.into());
        }
        let values = numbers(arrays).map(|value| value as f32).collect();
        let note =
            format!("{stem} holds 0 and 1 alone, so its {width} columns are labels, any number of them for a row");
        return Ok((Targets::Labels { values, names }, vec![note]));
    }
    let values: Vec<f64> = numbers(arrays).collect();
    for (column, name) in names.iter().enumerate() {
        let value = values[column];
        if values[column..].iter().step_by(width).all(|other| *other == value) {
            return Err(DataError::ConstantTarget { path: path.to_owned(), column: name.clone(), value });
        }
    }
    let note = format!("{stem} holds floats, so numbers to learn: if they are classes, set task to classification");
    let asks = task.is_none() && broken.is_none() && width == 1;
    Ok((Targets::Numbers { values, names }, if asks { vec![note] } else { vec![] }))
}

/// What the targets are, and how many a row has.
fn form(path: &Path, arrays: &[Array]) -> Result<(What, usize), DataError> {
    let width = |array: &Array| match array.shape[..] {
        [_] => Ok(1),
        [_, width] => Ok(width),
        _ => {
            let (path, shape) = (path.to_owned(), array.shape.clone());
            Err(ArraysError::TargetShape { path, array: array.name.clone(), shape })
        }
    };
    let told = |array: &Array| Ok::<_, ArraysError>((What::of(array), width(array)?));
    let first = told(&arrays[0])?;
    for array in arrays {
        let other = told(array)?;
        if other != first {
            let [found, wanted] = [other, first].map(|(what, width)| format!("{} ({width} a row)", what.name()));
            let (path, array) = (path.to_owned(), array.name.clone());
            return Err(ArraysError::TargetsDiffer { path, array, found, wanted }.into());
        }
    }
    Ok(first)
}

/// All items of an array, row by row.
fn places(array: &Array) -> impl Iterator<Item = usize> + use<> {
    array.walk(if array.shape.len() == 1 { &[0] } else { &[0, 1] })
}

fn numbers(arrays: &[Array]) -> impl Iterator<Item = f64> {
    arrays.iter().flat_map(|array| places(array).map(|at| array.number(at)))
}

/// The array, the row from 1 and the value of the first number that something holds for.
fn first_that(arrays: &[Array], holds: fn(f64) -> bool) -> Option<(String, usize, f64)> {
    arrays.iter().find_map(|array| {
        let width = array.shape.get(1).copied().unwrap_or(1);
        let found = places(array).enumerate().find(|(_, at)| holds(array.number(*at)));
        found.map(|(place, at)| (array.name.clone(), place / width + 1, array.number(at)))
    })
}

fn check_finite(path: &Path, arrays: &[Array]) -> Result<(), DataError> {
    match first_that(arrays, |value| !(value as f32).is_finite()) {
        Some((array, row, value)) => Err(ArraysError::NotFinite { path: path.to_owned(), array, row, value }.into()),
        None => Ok(()),
    }
}

/// The text of a whole number, also of one that is a float.
fn text_of(array: &Array, at: usize) -> String {
    match array.item {
        Item::Float => (array.number(at) as i128).to_string(),
        _ => array.whole(at).to_string(),
    }
}

/// A class for each row, by the text that it has.
fn classes(
    path: &Path,
    arrays: &[Array],
    text: impl Fn(&Array, usize) -> Option<String>,
) -> Result<Targets, DataError> {
    let mut texts = Texts::default();
    for array in arrays {
        for (row, at) in places(array).enumerate() {
            let text = text(array, at).ok_or_else(|| {
                let (path, array) = (path.to_owned(), array.name.clone());
                ArraysError::NoText { path, array, row: row + 1 }
            })?;
            texts.push(&text);
        }
    }
    let (rows, texts) = texts.finish();
    let (labels, names) = sorted(rows, texts);
    match &names[..] {
        [class] => Err(DataError::OneClass { path: path.to_owned(), class: class.clone() }),
        _ => Ok(Targets::Classes { labels, names }),
    }
}

fn names(stem: &str, width: usize) -> Vec<String> {
    match width {
        1 => vec![stem.to_owned()],
        _ => (0..width).map(|column| format!("{stem}{column}")).collect(),
    }
}
