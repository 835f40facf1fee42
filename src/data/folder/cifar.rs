//! The binary files of CIFAR-10 (A. Krizhevsky 2009): rows of a label and the planes red, green and blue.

use super::FolderError;
use crate::data::opened::{Content, Opened};
use crate::data::source::read_bytes;
use crate::data::{DataError, Targets};
use std::path::{Path, PathBuf};

/// The shape of a picture.
const SHAPE: [usize; 3] = [3, 32, 32];
/// Bytes of a picture.
const PIXELS: usize = SHAPE[0] * SHAPE[1] * SHAPE[2];
/// The folder into which the published archive is unpacked.
const UNPACKED: &str = "cifar-10-batches-bin";
/// The batches to train on.
const BATCHES: [&str; 5] =
    ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"];
/// The batch of the test part.
const TEST: &str = "test_batch.bin";
/// The classes, one a line.
const CLASSES: &str = "batches.meta.txt";
/// What they are where that file is not there.
const NAMES: [&str; 10] = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// The folder of the files: this one, or that of the archive in it.
pub(super) fn find(folder: &Path) -> Option<PathBuf> {
    let has_some = |folder: &PathBuf| BATCHES.iter().chain(&[TEST]).any(|file| folder.join(file).is_file());
    [folder.to_owned(), folder.join(UNPACKED)].into_iter().find(has_some)
}

/// Opens the folder of the files, the test part last. It may be missing, as may the names of the classes.
pub(super) fn open(name: String, folder: &Path) -> Result<Opened, DataError> {
    let (mut bytes, mut labels) = (vec![], vec![]);
    for batch in BATCHES {
        let path = folder.join(batch);
        if !path.is_file() {
            return Err(FolderError::NoBatch { path }.into());
        }
        read(&path, &mut bytes, &mut labels)?;
    }
    let trained = labels.len();
    let test = folder.join(TEST);
    let has_test = test.is_file();
    if has_test {
        read(&test, &mut bytes, &mut labels)?;
    }
    let names = names(&folder.join(CLASSES))?;
    if let [first, rest @ ..] = &labels[..]
        && rest.iter().all(|label| label == first)
    {
        return Err(DataError::OneClass { path: folder.to_owned(), class: names[*first as usize].clone() });
    }
    let test = has_test.then_some(trained..labels.len());
    let content = Content::Images { bytes, shape: SHAPE.to_vec(), largest: 255.0 };
    Ok(Opened { test, ..Opened::of(name, Targets::Classes { labels, names }, content) })
}

/// Adds the rows of a batch.
fn read(path: &Path, pixels: &mut Vec<u8>, labels: &mut Vec<u32>) -> Result<(), DataError> {
    let bytes = read_bytes(path)?;
    let (rows, rest) = bytes.as_chunks::<{ 1 + PIXELS }>();
    if rows.is_empty() || !rest.is_empty() {
        return Err(FolderError::BatchLength { path: path.to_owned(), found: bytes.len() }.into());
    }
    for (row, [label, picture @ ..]) in rows.iter().enumerate() {
        if usize::from(*label) >= NAMES.len() {
            return Err(FolderError::BatchLabel { path: path.to_owned(), row: row + 1, label: *label }.into());
        }
        labels.push(u32::from(*label));
        pixels.extend(picture);
    }
    Ok(())
}

/// The names of the classes by label.
fn names(path: &Path) -> Result<Vec<String>, DataError> {
    if !path.is_file() {
        return Ok(NAMES.map(str::to_owned).to_vec());
    }
    let wrong = || FolderError::BatchNames { path: path.to_owned() };
    let text = String::from_utf8(read_bytes(path)?).map_err(|_| wrong())?;
    let names: Vec<String> = text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    let differ = names.iter().enumerate().all(|(i, name)| !names[..i].contains(name));
    if names.len() != NAMES.len() || !differ || names.iter().any(|name| name.contains(char::is_control)) {
        return Err(wrong().into());
    }
    Ok(names)
}
