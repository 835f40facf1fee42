//! Folders that are data sets: IDX files, the files of CIFAR-10, arrays, or pictures with a folder for each class.

mod cifar;
#[cfg(feature = "cli")]
mod decode;
mod entries;
#[cfg(feature = "cli")]
mod filed;
#[cfg(feature = "cli")]
mod kept;
#[cfg(feature = "cli")]
mod together;

#[cfg(feature = "cli")]
pub(crate) use decode::left_out;
#[cfg(feature = "cli")]
pub(super) use decode::open_list;
pub use entries::is_picture;
#[cfg(feature = "cli")]
pub use filed::Filed;
#[cfg(feature = "cli")]
pub(super) use together::List;

use super::arrays::{self, is_arrays};
use super::folder_error::FolderError;
use super::idx;
use super::opened::Opened;
use super::{DataError, Options};
use entries::{entries, validation_in};
use std::path::{Path, PathBuf};

/// How many folders deep pictures are looked for: `train/CLASS/a.png`.
const DEEP: usize = 2;

/// What a folder holds.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Idx,
    /// The folder of the files of CIFAR-10.
    Cifar(PathBuf),
    Arrays,
    Pictures,
    Other,
}

/// Opens a folder as what it holds.
pub(super) fn open(name: String, folder: &Path, options: &Options<'_>) -> Result<Opened, DataError> {
    match kind(folder)? {
        Kind::Idx => idx::open_folder(name, folder)?.framed(&options.pictures),
        Kind::Cifar(folder) => cifar::open(name, &folder)?.framed(&options.pictures),
        Kind::Arrays => arrays::open(name, folder, options.task)?.framed(&options.pictures),
        #[cfg(feature = "cli")]
        Kind::Pictures => decode::open(name, folder, &options.pictures, options.cache),
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

/// The folder of pictures by class that a folder of pictures has to validate on, beside its `train`: `val`, `valid` or
/// `validation`. The source is what [`super::open`] takes.
pub fn validation_folder(source: &str, data_dir: Option<&Path>) -> Option<PathBuf> {
    let folder = if super::is_known(source) { data_dir?.join(source) } else { PathBuf::from(source) };
    let is_of_pictures = holds_pictures(&folder).unwrap_or(false);
    if is_of_pictures { validation_in(&folder) } else { None }
}

fn kind(folder: &Path) -> Result<Kind, DataError> {
    let here = entries(folder)?;
    let is_idx = |entry: &PathBuf| entry.file_name().is_some_and(|name| name.to_string_lossy().contains("-ubyte"));
    Ok(if here.iter().any(is_idx) {
        Kind::Idx
    } else if let Some(folder) = cifar::find(folder) {
        Kind::Cifar(folder)
    } else if is_arrays(folder) {
        Kind::Arrays
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
