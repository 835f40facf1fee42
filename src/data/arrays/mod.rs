//! Arrays of NumPy as a data set: an NPZ file, or a folder of NPY files, with rows and targets by name.

mod names;
mod npy;
mod rows;
mod store;
mod targets;

use super::arrays_error::ArraysError;
use super::opened::{Content, Opened};
use super::source::read_bytes;
use super::{DataError, Task, Values};
use crate::names::few;
use names::{Chosen, Part, choose};
use npy::Array;
use std::path::Path;
pub use store::is_array;
use store::{Store, is_archive};

/// Whether a path is that of arrays of NumPy: a file whose name ends in `.npz` or `.npy`, or a folder with files of the latter.
pub fn is_arrays(path: &Path) -> bool {
    if path.is_dir() {
        return path.read_dir().is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|e| is_array(&e.path()))));
    }
    is_archive(path) || is_array(path)
}

/// Reads the rows of an NPY file as they are, and the shape of one: `[features]` or `[channels, height, width]`. Pictures of
/// unsigned bytes stay bytes.
///
/// # Errors
///
/// When the file cannot be read, or holds no rows of numbers.
pub fn read_rows(path: &Path) -> Result<(Values, Vec<usize>), DataError> {
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let array = Array::read(path, &name, read_bytes(path)?)?;
    match rows::join(path, vec![array])? {
        Content::Images { bytes, shape, .. } => Ok((Values::Bytes(bytes), shape)),
        Content::Floats { values, shape, .. } => Ok((Values::Floats(values), shape)),
        Content::Table { .. } => unreachable!("an array is no table"),
    }
}

/// Opens an NPZ file or a folder of NPY files. The rows to test on come last.
pub(super) fn open(name: String, path: &Path, task: Option<Task>) -> Result<Opened, DataError> {
    if is_array(path) && !path.is_dir() {
        return Err(ArraysError::Alone { path: path.to_owned() }.into());
    }
    let store = Store::open(path)?;
    let all = store.names();
    let Chosen { parts, target } = choose(path, &all)?;
    let (mut rows, mut labels, mut test, mut count, mut notes) = (vec![], vec![], None, 0, vec![told(&parts)]);
    for (part, [of_rows, of_targets]) in &parts {
        let (x, y) = (store.read(of_rows)?, store.read(of_targets)?);
        let [row_count, target_count] = [x.shape[0], y.shape[0]];
        if row_count != target_count {
            let (rows, targets) = (of_rows.clone(), of_targets.clone());
            let path = path.to_owned();
            return Err(ArraysError::CountsDiffer { path, rows, row_count, targets, target_count }.into());
        }
        match part {
            Part::Train => {}
            Part::Validation => notes.push(format!(
                "the {row_count} rows of {of_rows} were put to those to train on, of which a share validates"
            )),
            Part::Test => test = Some(count..count + row_count),
        }
        count += row_count;
        rows.push(x);
        labels.push(y);
    }
    drop(store);
    let others: Vec<String> =
        all.into_iter().filter(|name| !parts.iter().any(|(_, pair)| pair.contains(name))).collect();
    if !others.is_empty() {
        notes.push(format!("arrays that are not read: {}", few(&others)));
    }
    let (targets, of_targets) = targets::join(path, &labels, target, task)?;
    notes.extend(of_targets);
    let content = rows::join(path, rows)?;
    Ok(Opened { test, notes, ..Opened::of(name, targets, content) })
}

/// Which arrays were taken for what.
fn told(parts: &[(Part, [String; 2])]) -> String {
    let of = |(part, [rows, targets]): &(Part, [String; 2])| match part {
        Part::Train => format!("the arrays {rows} and {targets} are rows and targets"),
        Part::Validation => format!("{rows} and {targets} those to validate on"),
        Part::Test => format!("{rows} and {targets} those to test on"),
    };
    parts.iter().map(of).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
