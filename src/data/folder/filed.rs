//! Which pictures a folder holds, and of which classes they are.

use super::FolderError;
use super::entries::{entries, has_folders, is_picture, validation_in};
use crate::data::DataError;
use crate::data::classes::{Texts, sorted};
use crate::names::few;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The pictures of a folder: `CLASS/a.png`, or `train/CLASS/a.png` with a test part `test/CLASS/a.png`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// The files, by part, class and name.
    pub paths: Vec<PathBuf>,
    /// The place of the class of each among the names.
    pub labels: Vec<u32>,
    /// The names of the classes: by value if all are numbers, else by text.
    pub names: Vec<String>,
    /// The pictures of the test part, if there is one; they come last.
    pub test: Option<Range<usize>>,
    /// What lies in the folder and is not read, in clauses.
    pub notes: Vec<String>,
}

impl Filed {
    /// Looks through a folder. The pictures themselves are not read.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read or is no class's, a file is no picture or lies outside of a class's folder, or a class
    /// has no pictures.
    pub fn of(folder: &Path) -> Result<Self, DataError> {
        let (mut paths, mut classes) = (vec![], Texts::default());
        let [train, test_part] = ["train", "test"].map(|part| folder.join(part));
        let (mut test, mut notes) = (None, vec![]);
        if has_folders(&train) {
            add(&train, &mut paths, &mut classes)?;
            let first = paths.len();
            if has_folders(&test_part) {
                add(&test_part, &mut paths, &mut classes)?;
                test = Some(first..paths.len());
            }
            notes = unread(folder, test.is_some())?;
        } else {
            add(folder, &mut paths, &mut classes)?;
        }
        let (rows, texts) = classes.finish();
        let (labels, names) = sorted(rows, texts);
        notes.extend(alike(&names));
        Ok(Self { paths, labels, names, test, notes })
    }
}

/// Adds the pictures of a folder that has a folder for each class.
fn add(folder: &Path, paths: &mut Vec<PathBuf>, classes: &mut Texts) -> Result<(), DataError> {
    for class in entries(folder)? {
        let name = class.file_name().unwrap_or_default();
        if !class.is_dir() {
            let wanted = folder.join("CLASS").join(name);
            return Err(FolderError::NoClass { path: class, wanted }.into());
        }
        let Some(name) = name.to_str().filter(|name| !name.contains(char::is_control)) else {
            return Err(FolderError::ClassName { folder: class }.into());
        };
        let pictures = entries(&class)?;
        if let Some(other) = pictures.iter().find(|path| !is_picture(path) || path.is_dir()) {
            return Err(FolderError::NotPicture { path: other.clone() }.into());
        }
        if pictures.is_empty() {
            return Err(FolderError::EmptyClass { folder: class }.into());
        }
        pictures.iter().for_each(|_| _ = classes.push(name));
        paths.extend(pictures);
    }
    Ok(())
}

/// What lies beside the parts of a folder.
fn unread(folder: &Path, has_test: bool) -> Result<Vec<String>, DataError> {
    let names = entries(folder)?.into_iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let validation = validation_in(folder).and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let is_part = |name: &String| name == "train" || has_test && name == "test" || Some(name) == validation.as_ref();
    let others: Vec<String> = names.filter(|name| !is_part(name)).collect();
    let mut notes = vec![];
    if !others.is_empty() {
        notes.push(format!("not read, as it lies beside the parts of {}: {}", folder.display(), few(&others)));
    }
    Ok(notes)
}

/// Says of two classes that they have the same letters.
fn alike(names: &[String]) -> Option<String> {
    let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let second = (0..names.len()).find(|&at| lower[..at].contains(&lower[at]))?;
    let first = lower.iter().position(|name| *name == lower[second])?;
    Some(format!(
        "the classes {:?} and {:?} differ in upper and lower case alone: if they are one, put their pictures into one folder",
        names[first], names[second]
    ))
}
