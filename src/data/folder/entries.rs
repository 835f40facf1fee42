//! What lies in a folder.

use crate::data::DataError;
use std::fs;
use std::path::{Path, PathBuf};

/// Endings of the names of pictures.
const PICTURES: [&str; 10] = ["png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "gif", "tif", "tiff"];
/// What systems leave in folders of pictures, beside that whose name begins with a dot.
const OF_SYSTEMS: [&str; 3] = ["thumbs.db", "desktop.ini", "__macosx"];

/// Names of folders of pictures to validate on.
const VALIDATION: [&str; 3] = ["val", "valid", "validation"];

/// Whether a file is a picture by its name.
pub fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|ending| PICTURES.iter().any(|picture| ending.eq_ignore_ascii_case(picture)))
}

/// All that lies in a folder and is not hidden, by name.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let failed = |reason| DataError::Read { path: folder.to_owned(), reason };
    let mut paths = vec![];
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let of_system = OF_SYSTEMS.iter().any(|of_system| name.eq_ignore_ascii_case(of_system));
        if !of_system && !name.to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether there is a folder in a folder.
pub(super) fn has_folders(path: &Path) -> bool {
    entries(path).is_ok_and(|paths| paths.iter().any(|path| path.is_dir()))
}

/// The folder beside `train` that holds pictures by class to validate on.
pub(super) fn validation_in(folder: &Path) -> Option<PathBuf> {
    if !has_folders(&folder.join("train")) {
        return None;
    }
    VALIDATION.iter().map(|name| folder.join(name)).find(|path| has_folders(path))
}
