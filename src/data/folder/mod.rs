//! Folders that are data sets: IDX files, the files of CIFAR-10, or pictures with a folder for each class.

mod cifar;
#[cfg(feature = "cli")]
mod decode;
mod entries;
#[cfg(feature = "cli")]
mod filed;

pub use entries::is_picture;
#[cfg(feature = "cli")]
pub use filed::Filed;

use super::DataError;
use super::folder_error::FolderError;
use super::idx;
use super::opened::Opened;
use entries::entries;
use std::path::{Path, PathBuf};

/// How many folders deep pictures are looked for: `train/CLASS/a.png`.
const DEEP: usize = 2;

/// What a folder holds.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Idx,
    /// The folder of the files of CIFAR-10.
    Cifar(PathBuf),
    Pictures,
    Other,
}

/// Opens a folder as what it holds.
pub(super) fn open(name: String, folder: &Path) -> Result<Opened, DataError> {
    match kind(folder)? {
        Kind::Idx => idx::open_folder(name, folder),
        Kind::Cifar(folder) => cifar::open(name, &folder),
        #[cfg(feature = "cli")]
        Kind::Pictures => decode::open(name, folder),
        #[cfg(not(feature = "cli"))]
        Kind::Pictures => Err(FolderError::NoReader { folder: folder.to_owned() }.into()),
        Kind::Other => Err(FolderError::NoData { folder: folder.to_owned() }.into()),
    }
}

/// Whether a path is that of a folder of pictures, each in the folder of its class or not.
///
/// # Errors
///
/// When the folder cannot be read.
pub fn holds_pictures(path: &Path) -> Result<bool, DataError> {
    Ok(path.is_dir() && kind(path)? == Kind::Pictures)
}

fn kind(folder: &Path) -> Result<Kind, DataError> {
    let here = entries(folder)?;
    let is_idx = |entry: &PathBuf| entry.file_name().is_some_and(|name| name.to_string_lossy().contains("-ubyte"));
    Ok(if here.iter().any(is_idx) {
        Kind::Idx
    } else if let Some(folder) = cifar::find(folder) {
        Kind::Cifar(folder)
    } else if any_picture(&here, DEEP) {
        Kind::Pictures
    } else {
        Kind::Other
    })
}

/// Whether a picture is among paths, or in a folder among them. What cannot be read has none.
fn any_picture(paths: &[PathBuf], deep: usize) -> bool {
    let within = |path: &PathBuf| deep > 0 && entries(path).is_ok_and(|paths| any_picture(&paths, deep - 1));
    paths.iter().any(|path| is_picture(path)) || paths.iter().any(|path| path.is_dir() && within(path))
}

#[cfg(test)]
mod tests;
