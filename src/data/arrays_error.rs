//! What is wrong with arrays of NumPy that are to be a data set.

use crate::names::{few, listed};
use std::path::PathBuf;
use thiserror::Error;

/// Why arrays could not be read as a data set: what was wrong, where, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message of each variant says what its fields hold")]
pub enum ArraysError {
    /// One array, which has no targets.
    #[error(
        "{path}: one array has rows or targets, but not both: put two of them into a folder, as x.npy and y.npy, or into \
         one .npz file, and give that"
    )]
    Alone { path: PathBuf },
    /// A file that is no archive, or one that is not whole.
    #[error("{path}: this is no whole .npz file ({reason}): fetch or copy the file again")]
    Archive { path: PathBuf, reason: String },
    /// An array that is packed neither plain nor deflated.
    #[error("{path}: the array {array} is packed in a way that is not read: save it again with numpy.savez_compressed")]
    Packed { path: PathBuf, array: String },
    /// Two arrays of one name.
    #[error("{path}: it holds two arrays that are called {array}: save it again with one of them")]
    Twice { path: PathBuf, array: String },
    /// No two arrays that are known to be rows and targets.
    #[error(
        "{path}: no two of its arrays are known to be rows and targets{}: call them x and y, images and labels, or data \
         and target, of parts x_train and y_train, or train_images and train_labels, and so on",
        there(arrays)
    )]
    None { path: PathBuf, arrays: Vec<String> },
    /// Rows without targets, or targets without rows.
    #[error("{path}: there is an array {has} but none that is called {lacks}: add it, or take {has} out")]
    Half { path: PathBuf, has: String, lacks: String },
    /// Several pairs that may be meant.
    #[error("{path}: several of its arrays may be the rows and targets, {}: keep those of one data set", listed(pairs))]
    Several { path: PathBuf, pairs: Vec<String> },

    /// Bytes that do not begin as an array does.
    #[error(
        "{path}: the array {array} does not begin with a header of NumPy ({reason}): save it again with numpy.save"
    )]
    Header { path: PathBuf, array: String, reason: &'static str },
    /// Another number of bytes than the header promises.
    #[error(
        "{path}: the header of the array {array} promises {expected} bytes of data but {found} follow: fetch or save the \
         file again"
    )]
    Length { path: PathBuf, array: String, found: usize, expected: u128 },
    /// An array of no rows, or of rows without values.
    #[error("{path}: the array {array} holds nothing (shape {shape:?}): give arrays with data")]
    Empty { path: PathBuf, array: String, shape: Vec<usize> },
    /// An array of objects of Python.
    #[error(
        "{path}: the array {array} holds objects of Python, which are not read: save it as an array of one type of numbers"
    )]
    Objects { path: PathBuf, array: String },
    /// Items of another type than numbers or texts.
    #[error(
        "{path}: the array {array} holds items of the type {descr:?}: save it with whole numbers, or floats of at most 64 \
         bits"
    )]
    Type { path: PathBuf, array: String, descr: String },
    /// Texts where numbers are wanted.
    #[error("{path}: the array {array} holds texts where numbers are wanted: save it as numbers")]
    Texts { path: PathBuf, array: String },
    /// A text that is no Unicode, or has several lines.
    #[error("{path}: row {row} of the array {array} is no Unicode text of one line: correct it")]
    NoText { path: PathBuf, array: String, row: usize },

    /// More or fewer axes than rows have.
    #[error(
        "{path}: the array {array} has the shape {shape:?}: give rows of numbers [n, features], or pictures [n, height, \
         width], [n, height, width, channels] or [n, channels, height, width] with 1 or 3 channels"
    )]
    RowShape { path: PathBuf, array: String, shape: Vec<usize> },
    /// Pictures whose channels may come first or last.
    #[error(
        "{path}: the array {array} has the shape {shape:?}, so its channels may be the second axis or the last one: give \
         pictures of another size, or without the axis of one channel"
    )]
    WhichChannels { path: PathBuf, array: String, shape: Vec<usize> },
    /// Parts with rows of different shapes.
    #[error(
        "{path}: the rows of {array} are {found} but those to train on are {wanted}: give arrays that belong together"
    )]
    RowsDiffer { path: PathBuf, array: String, found: String, wanted: String },
    /// Rows and targets that do not belong together.
    #[error("{path}: {rows} has {row_count} rows but {targets} has {target_count}: give arrays that belong together")]
    CountsDiffer { path: PathBuf, rows: String, row_count: usize, targets: String, target_count: usize },
    /// A value that is infinite, none, or out of the range of float32.
    #[error("{path}: row {row} of the array {array} holds {value}, which is no finite 32-bit number: correct it")]
    NotFinite { path: PathBuf, array: String, row: usize, value: f64 },

    /// Targets of several axes.
    #[error(
        "{path}: the array {array} has the shape {shape:?} where targets are [n] or [n, targets]: save it in that shape"
    )]
    TargetShape { path: PathBuf, array: String, shape: Vec<usize> },
    /// Parts with targets of different kinds.
    #[error(
        "{path}: the targets {array} are {found} but those to train on are {wanted}: give arrays that belong together"
    )]
    TargetsDiffer { path: PathBuf, array: String, found: String, wanted: String },
    /// Classes that are no whole numbers.
    #[error(
        "{path}: row {row} of the array {array} holds {value}, which is no class: give whole numbers, or set the task to \
         regression"
    )]
    NotClass { path: PathBuf, array: String, row: usize, value: f64 },
    /// Several labels that are not 0 or 1.
    #[error(
        "{path}: row {row} of the array {array} holds {value} where several labels want 0 or 1: correct it, or set the task \
         to regression"
    )]
    NotLabel { path: PathBuf, array: String, row: usize, value: f64 },
}

fn there(arrays: &[String]) -> String {
    match arrays {
        [] => ", for there are none".to_owned(),
        _ => format!(" (there are {})", few(arrays)),
    }
}
