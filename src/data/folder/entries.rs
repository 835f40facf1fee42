//! What lies in a folder.

use crate::data::DataError;
use std::fs;
use std::path::{Path, PathBuf};

/// Endings of the names of pictures.
const PICTURES: [&str; 3] = ["png", "jpg", "jpeg"];
/// Files that systems leave in folders of pictures, beside those whose names begin with a dot.
const OF_SYSTEMS: [&str; 2] = ["thumbs.db", "desktop.ini"];

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
