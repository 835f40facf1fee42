//! What is kept of adapters between runs of the program, for one user, in one folder: compiled kernels and tuned choices.
//! Without it everything works the same, but for the time that it takes.

use crate::error::Error;
use crate::files;
use std::path::PathBuf;
use std::{env, fs, io};

/// The variable that names the folder, or is `off`.
const VARIABLE: &str = "WGRAD_CACHE";

/// The folder, if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// The folder that `WGRAD_CACHE` names, none where it is `off`, else the user's own for such things.
    pub fn of_user() -> Self {
        let folder = match env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
            Some(named) if named == "off" => None,
            Some(named) => Some(named.into()),
            None => caches().map(|caches| caches.join("wgrad")),
        };
        Self { folder }
    }

    /// The folder in which it lies.
    ///
    /// # Errors
    /// Nothing is kept: `WGRAD_CACHE` is `off`, or the user has no folder.
    pub fn folder(&self) -> Result<&PathBuf, Error> {
        self.folder.as_ref().ok_or(Error::NoCache { variable: VARIABLE })
    }

    /// A file of it, if it is there.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(path) = self.folder.as_ref().map(|folder| folder.join(name)) else { return Ok(None) };
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(Error::file(path, "cannot be read")(why)),
        }
    }

    /// Writes a file of it, whole or not at all. Where nothing is kept, nothing is written.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let Some(folder) = &self.folder else { return Ok(()) };
        fs::create_dir_all(folder).map_err(Error::file(folder, "cannot be made"))?;
        let path = folder.join(name);
        files::replace(&path, bytes).map_err(Error::file(path, "cannot be written"))
    }

    /// Removes a file of it, and says whether it was there.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn remove(&self, name: &str) -> Result<bool, Error> {
        let Some(path) = self.folder.as_ref().map(|folder| folder.join(name)) else { return Ok(false) };
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(why) => Err(Error::file(path, "cannot be removed")(why)),
        }
    }
}

/// Where this system has a user's caches.
fn caches() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        absolute("HOME").map(|home| home.join("Library/Caches"))
    } else {
        absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
    }
}
