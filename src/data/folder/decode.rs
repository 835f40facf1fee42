//! Pictures of one size as a data set.

use super::FolderError;
use super::filed::Filed;
use crate::data::opened::{Content, Opened};
use crate::data::picture::{Picture, Rendering};
use crate::data::{DataError, Targets};
use crate::{memory, threads};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Bytes of pictures that are decoded before they are put together.
const AT_ONCE: usize = 64 << 20;
/// The largest value of a pixel.
const LARGEST: f32 = 255.0;

/// Opens a folder with a folder of pictures for each class. The bytes of a picture are those that prediction makes of it.
///
/// The pictures are grey if all are, else red, green and blue: shape `[1, height, width]` or `[3, height, width]`.
pub(super) fn open(name: String, folder: &Path) -> Result<Opened, DataError> {
    let Filed { paths, labels, names, test, mut notes } = Filed::of(folder)?;
    if let [class] = &names[..] {
        return Err(DataError::OneClass { path: folder.to_owned(), class: class.clone() });
    }
    let pixels = decode(folder, &paths)?;
    notes.extend(pixels.converted());
    let [width, height] = pixels.size.map(|side| side as usize);
    Ok(Opened {
        name,
        targets: Targets::Classes { labels, names },
        target: None,
        dialect: None,
        test,
        notes,
        content: Content::Images { shape: vec![pixels.channels, height, width], bytes: pixels.bytes, largest: LARGEST },
    })
}

/// A decoded picture with the channels that it has itself.
struct Row {
    size: [u32; 2],
    channels: usize,
    kind: String,
    bytes: Vec<u8>,
}

/// Reads and decodes one picture.
fn read(path: &Path) -> Result<Row, DataError> {
    let picture = Picture::read(path)?;
    if picture.is_transparent() {
        return Err(FolderError::Transparent { path: path.to_owned() }.into());
    }
    let (size, channels) = (picture.size(), if picture.is_grey() { 1 } else { 3 });
    let shape = [channels, size[1] as usize, size[0] as usize];
    let rendering = Rendering { shape: &shape, largest: LARGEST, ..Rendering::default() };
    Ok(Row { size, channels, kind: picture.kind(), bytes: picture.row(&rendering)?.bytes })
}

/// Reads one picture of the size of another.
fn read_like(path: &Path, first: &Path, wanted: [u32; 2]) -> Result<Row, DataError> {
    let row = read(path)?;
    if row.size != wanted {
        let (path, first) = (path.to_owned(), first.to_owned());
        return Err(FolderError::OtherSize { path, found: row.size, first, wanted }.into());
    }
    Ok(row)
}

/// Pictures that are put together.
struct Pixels {
    /// `[pictures, channels, height, width]`
    bytes: Vec<u8>,
    channels: usize,
    /// Width and height in pixels.
    size: [u32; 2],
    /// The number of pictures of each kind, as in "16-bit grey".
    kinds: BTreeMap<String, usize>,
}

/// Decodes all pictures, each of the size of the first that can be read. What cannot be read is told of all files; a picture
/// of another size ends it.
fn decode(folder: &Path, paths: &[PathBuf]) -> Result<Pixels, DataError> {
    let mut all = Pixels { bytes: vec![], channels: 1, size: [0; 2], kinds: BTreeMap::new() };
    let (mut faults, mut first, mut rest) = (vec![], Path::new(""), paths);
    while let ([path, others @ ..], true) = (rest, all.bytes.is_empty()) {
        (first, rest) = (path, others);
        match read(path) {
            Ok(row) => {
                all.size = row.size;
                all.add(row, folder, paths.len())?;
            }
            Err(fault) => faults.push((fault, 0)),
        }
    }
    let at_once = (AT_ONCE / all.bytes.len().max(1)).max(threads::count());
    for piece in rest.chunks(at_once) {
        for row in threads::map(piece, |path| read_like(path, first, all.size)) {
            match row {
                Ok(row) => all.add(row, folder, paths.len())?,
                Err(fault @ DataError::Folder(FolderError::OtherSize { .. })) => return Err(fault),
                Err(fault) => faults.push((fault, 0)),
            }
        }
    }
    match faults.len() {
        0 => Ok(all),
        1 => Err(faults.remove(0).0),
        _ => Err(DataError::Several { faults }),
    }
}

impl Pixels {
    /// Adds a picture. The first one with colours makes three equal channels of those before.
    fn add(&mut self, row: Row, folder: &Path, count: usize) -> Result<(), DataError> {
        let pixels = row.size[0] as usize * row.size[1] as usize;
        if self.bytes.is_empty() {
            self.reserve(count * pixels * row.channels, folder)?;
            self.channels = row.channels;
        } else if self.channels < row.channels {
            let grey = std::mem::take(&mut self.bytes);
            self.reserve(count * pixels * row.channels, folder)?;
            grey.chunks(pixels).for_each(|picture| self.bytes.extend(picture.repeat(row.channels)));
            self.channels = row.channels;
        }
        (0..self.channels / row.channels).for_each(|_| self.bytes.extend(&row.bytes));
        *self.kinds.entry(row.kind).or_default() += 1;
        Ok(())
    }

    /// Makes room for so many bytes, up to half of the memory that is free.
    fn reserve(&mut self, bytes: usize, path: &Path) -> Result<(), DataError> {
        let room = memory::free().map_or(u64::MAX, |free| free / 2);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        if bytes > room || self.bytes.try_reserve_exact(bytes).is_err() {
            return Err(DataError::NoMemory { path: path.to_owned(), room });
        }
        Ok(())
    }

    /// What was done to pictures of another kind than most, in clauses.
    fn converted(&self) -> Vec<String> {
        let wanted = if self.channels == 1 { "grey" } else { "RGB" };
        let all: usize = self.kinds.values().sum();
        let others = self.kinds.iter().filter(|(kind, _)| *kind != wanted);
        others.map(|(kind, count)| format!("{count} of {all} pictures are {kind} and became {wanted}")).collect()
    }
}
