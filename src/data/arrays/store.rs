//! Where arrays lie: in an NPZ file, which is an archive of NPY files, or in a folder of such files.

use super::npy::Array;
use crate::data::DataError;
use crate::data::arrays_error::ArraysError;
use crate::data::source::{Stop, pour, read_bytes, room};
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What the file of an array ends with.
const ENDING: &str = ".npy";

/// Arrays that are not read yet.
pub(super) struct Store {
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    Archive { archive: ZipSliceArchive<Vec<u8>>, entries: BTreeMap<String, Entry> },
    Folder { files: BTreeMap<String, PathBuf> },
}

#[derive(Clone, Copy)]
struct Entry {
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    /// Bytes when unpacked, as the archive says.
    size: u64,
}

/// Whether a path is that of a file of several arrays, by its name.
pub(super) fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz"))
}

/// Whether a path is that of a file of one array, by its name.
pub fn is_array(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy"))
}

impl Store {
    /// Looks through a file or folder.
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let kind = if path.is_dir() { folder(path)? } else { archive(path)? };
        Ok(Self { path: path.to_owned(), kind })
    }

    /// What the arrays are called.
    pub(super) fn names(&self) -> Vec<String> {
        match &self.kind {
            Kind::Archive { entries, .. } => entries.keys().cloned().collect(),
            Kind::Folder { files } => files.keys().cloned().collect(),
        }
    }

    /// Reads an array by its name.
    ///
    /// # Panics
    ///
    /// When there is none of that name.
    pub(super) fn read(&self, name: &str) -> Result<Array, DataError> {
        let bytes = match &self.kind {
            Kind::Folder { files } => read_bytes(&files[name])?,
            Kind::Archive { archive, entries } => self.unpack(archive, name, entries[name])?,
        };
        Array::read(&self.path, name, bytes)
    }

    /// The bytes of an array in an archive, as many as the archive says, and with its checksum.
    fn unpack(&self, archive: &ZipSliceArchive<Vec<u8>>, name: &str, entry: Entry) -> Result<Vec<u8>, DataError> {
        let path = || self.path.clone();
        let damaged = |reason: String| DataError::from(ArraysError::Archive { path: path(), reason });
        let (size, room) = (usize::try_from(entry.size).unwrap_or(usize::MAX), room());
        if size > room {
            return Err(DataError::NoMemory { path: path(), room });
        }
        let packed = archive.get_entry(entry.place).map_err(|reason| damaged(reason.to_string()))?;
        let unpacked: Box<dyn Read + '_> = match entry.method {
            CompressionMethod::STORE => Box::new(packed.data()),
            CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(packed.data())),
            _ => return Err(ArraysError::Packed { path: path(), array: name.to_owned() }.into()),
        };
        let mut bytes = Vec::new();
        pour(packed.verifying_reader(unpacked), &mut bytes, size).map_err(|stop| match stop {
            Stop::Full => damaged(format!("{name} has more bytes than it says")),
            Stop::Failed(reason) => damaged(format!("{name}: {reason}")),
        })?;
        Ok(bytes)
    }
}

fn folder(path: &Path) -> Result<Kind, DataError> {
    let failed = |reason| DataError::Read { path: path.to_owned(), reason };
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let name = file.file_stem().map(|name| name.to_string_lossy().into_owned());
        if let (true, Some(name)) = (is_array(&file), name.filter(|name| !name.starts_with('.'))) {
            if files.contains_key(&name) {
                return Err(ArraysError::Twice { path: path.to_owned(), array: name }.into());
            }
            files.insert(name, file);
        }
    }
    Ok(Kind::Folder { files })
}

fn archive(path: &Path) -> Result<Kind, DataError> {
    let damaged = |reason: rawzip::Error| ArraysError::Archive { path: path.to_owned(), reason: reason.to_string() };
    let archive = ZipArchive::from_slice(read_bytes(path)?).map_err(damaged)?;
    let mut entries = BTreeMap::new();
    let mut all = archive.entries();
    while let Some(entry) = all.next_entry().map_err(damaged)? {
        let file = String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned();
        let Some(name) = file.strip_suffix(ENDING) else { continue };
        let (place, method, size) = (entry.wayfinder(), entry.compression_method(), entry.uncompressed_size_hint());
        if entries.insert(name.to_owned(), Entry { place, method, size }).is_some() {
            return Err(ArraysError::Twice { path: path.to_owned(), array: name.to_owned() }.into());
        }
    }
    Ok(Kind::Archive { archive, entries })
}
