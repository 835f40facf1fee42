//! What was made of a folder of pictures, kept between runs of the program, so that it is not decoded again.
//!
//! One file for each folder, listing and way of seeing: the magic number, the hash of all that follows, the length of a
//! description in JSON, the description, the rows, the pictures in full; numbers are 64 bits, lowest byte first. What is not
//! as it was written counts as not there.

use super::filed::Filed;
use crate::data::views::PictureOptions;
use crate::data::{Framing, Place, Pool};
use crate::memory;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use xxhash_rust::xxh3::Xxh3;

const MAGIC: &[u8; 8] = b"wgradpx1";
/// Bytes of files below which decoding takes no time that is worth a file.
const SMALL: u64 = 4 << 20;
/// How many such files are kept.
const MOST: usize = 8;

/// A file of decoded pictures, which may not be there yet.
pub(super) struct Kept {
    path: PathBuf,
}

/// Decoded pictures of a folder.
#[derive(Debug, PartialEq)]
pub(super) struct Decoded {
    pub(super) shape: [usize; 3],
    pub(super) framing: Framing,
    /// The places of the pictures among the files.
    pub(super) places: Vec<usize>,
    /// What is told of them, in clauses.
    pub(super) notes: Vec<String>,
    /// `[pictures, channels, height, width]`
    pub(super) rows: Vec<u8>,
    pub(super) pool: Option<Pool>,
}

#[derive(Serialize, Deserialize)]
struct Description {
    shape: [usize; 3],
    framing: Framing,
    places: Vec<usize>,
    notes: Vec<String>,
    rows: usize,
    /// The bytes of the pictures in full, and where they lie.
    pool: Option<(usize, Vec<Place>)>,
}

impl Kept {
    /// The file in `cache` for the files of a folder as they are now, seen in some way; none where nothing is kept.
    pub(super) fn of(cache: Option<&Path>, folder: &Path, filed: &Filed, options: &PictureOptions) -> Option<Self> {
        let mut key = Xxh3::new();
        key.update(concat!("pictures of wgrad ", env!("CARGO_PKG_VERSION")).as_bytes());
        key.update(format!("{options:?}").as_bytes());
        key.update(std::path::absolute(folder).ok()?.as_os_str().as_encoded_bytes());
        let mut bytes = 0;
        for path in &filed.paths {
            let file = fs::metadata(path).ok()?;
            let time = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
            bytes += file.len();
            key.update(path.as_os_str().as_encoded_bytes());
            key.update(&[0]);
            key.update(&file.len().to_le_bytes());
            key.update(&time.as_nanos().to_le_bytes());
        }
        let name = format!("{:032x}", key.digest128());
        (bytes >= SMALL).then_some(Self { path: cache?.join("pictures").join(name) })
    }

    /// What the file holds, if it is whole and there is memory for it.
    pub(super) fn read(&self) -> Option<Decoded> {
        let length = fs::metadata(&self.path).ok()?.len();
        if memory::free().is_some_and(|free| length > free / 2) {
            return None;
        }
        let mut file = BufReader::new(File::open(&self.path).ok()?);
        let mut number = || {
            let mut bytes = [0; 8];
            file.read_exact(&mut bytes).ok().map(|()| bytes)
        };
        let (magic, hash, head) = (number()?, number()?, number()?);
        let head = u64::from_le_bytes(head);
        if magic != *MAGIC || head > length {
            return None;
        }
        let mut sum = Xxh3::new();
        let mut part = |bytes: u64| {
            let mut part = vec![];
            let read = (&mut file).take(bytes).read_to_end(&mut part).ok()?;
            sum.update(&part);
            (read as u64 == bytes).then_some(part)
        };
        let description: Description = serde_json::from_slice(&part(head)?).ok()?;
        let Description { shape, framing, places, notes, rows, pool } = description;
        let rows = part(rows as u64)?;
        let pool = match pool {
            None => None,
            Some((bytes, places)) => Some(Pool { bytes: part(bytes as u64)?, places }),
        };
        let is_whole = sum.digest().to_le_bytes() == hash;
        if is_whole {
            // What was used last is kept longest.
            let _ = File::options().append(true).open(&self.path).and_then(|file| file.set_modified(SystemTime::now()));
        }
        is_whole.then_some(Decoded { shape, framing, places, notes, rows, pool })
    }

    /// Writes the file, and removes the oldest of the others where there are many. It is of no matter if that fails.
    pub(super) fn write(&self, decoded: &Decoded) {
        let Some(folder) = self.path.parent() else { return };
        let part = folder.join(format!("{}.part", std::process::id()));
        let written = fs::create_dir_all(folder).and_then(|()| write(&part, decoded));
        if written.and_then(|()| fs::rename(&part, &self.path)).is_err() {
            let _ = fs::remove_file(&part);
        }
        let times = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.ok()?;
            Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
        };
        let mut files: Vec<(SystemTime, PathBuf)> =
            fs::read_dir(folder).map_or_else(|_| vec![], |entries| entries.filter_map(times).collect());
        files.sort();
        for (_, old) in files.iter().rev().skip(MOST) {
            let _ = fs::remove_file(old);
        }
    }
}

fn write(path: &Path, decoded: &Decoded) -> io::Result<()> {
    let Decoded { shape, framing, places, notes, rows, pool } = decoded;
    let description = Description {
        shape: *shape,
        framing: *framing,
        places: places.clone(),
        notes: notes.clone(),
        rows: rows.len(),
        pool: pool.as_ref().map(|pool| (pool.bytes.len(), pool.places.clone())),
    };
    let head = serde_json::to_vec(&description)?;
    let parts = [&head[..], rows, pool.as_ref().map_or(&[], |pool| &pool.bytes)];
    let mut sum = Xxh3::new();
    parts.iter().for_each(|part| sum.update(part));
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(MAGIC)?;
    file.write_all(&sum.digest().to_le_bytes())?;
    file.write_all(&(head.len() as u64).to_le_bytes())?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.flush()
}
