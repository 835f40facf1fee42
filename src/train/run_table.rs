//! The tables of a run folder: begun, and gone on with behind the lines that a saved state knows of.

use crate::error::Error;
use crate::files;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A table of an earlier run, with the rows to keep.
pub(super) struct Table {
    path: PathBuf,
    /// As it is in the file.
    found: Vec<u8>,
    /// As it is to be.
    kept: String,
    /// Rows of that, and how many there should be.
    pub(super) rows: usize,
    wanted: u64,
}

impl Table {
    /// Reads a table whose rows are numbered from `first`, of which `wanted` were saved. A table that is not there is empty.
    pub(super) fn read(path: &Path, header: &str, (first, wanted): (u64, u64)) -> Result<Self, Error> {
        let found = match fs::read(path) {
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => vec![],
            read => read.map_err(Error::file(path, "cannot be read"))?,
        };
        let text = String::from_utf8_lossy(&found);
        let whole: Vec<&str> = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).collect();
        let fields = |line: &str| line.matches(',').count();
        let width = whole.first().map_or(0, |line| fields(line));
        let (mut kept, mut next, mut rows) = (format!("{header}\n"), first, 0);
        for line in whole.into_iter().skip(1).filter(|line| fields(line) == width) {
            let number = line.split(',').next().and_then(|number| number.parse::<u64>().ok());
            let Some(number) = number.filter(|&number| number >= next && number - first < wanted) else { continue };
            // A table of an earlier version may lack the last columns.
            kept += line;
            kept.extend(std::iter::repeat_n(',', fields(header).saturating_sub(width)));
            kept.push('\n');
            (next, rows) = (number + 1, rows + 1);
        }
        Ok(Self { path: path.to_owned(), found, kept, rows, wanted })
    }

    /// That rows are missing.
    pub(super) fn gap(&self) -> Option<String> {
        let missing = self.wanted.saturating_sub(self.rows as u64);
        let (path, wanted) = (self.path.display(), self.wanted);
        (missing > 0).then(|| format!("{path} lacks {missing} of the {wanted} rows that the run has written"))
    }

    /// Opens the table to write on behind the rows that are kept.
    pub(super) fn go_on(self) -> Result<BufWriter<File>, Error> {
        if self.kept.as_bytes() != self.found {
            replace(&self.path, &self.kept)?;
        }
        let file = OpenOptions::new().append(true).open(&self.path);
        file.map(BufWriter::new).map_err(Error::file(self.path, "cannot be written"))
    }
}

/// What an earlier run measured of its layers in so many epochs, whole lines alone, if that is not all that the table holds. A
/// table with other columns is begun anew.
pub(super) fn measured(path: &Path, header: &str, epochs: u64) -> Result<Option<String>, Error> {
    let found = match fs::read(path) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(Error::file(path, "cannot be read"))?,
    };
    let text = String::from_utf8_lossy(&found);
    let mut lines = text.split_inclusive('\n');
    let mut kept = format!("{header}\n");
    if lines.next() == Some(&kept) {
        let epoch = |line: &str| line.split(',').next().and_then(|epoch| epoch.parse::<u64>().ok());
        let done = |line: &&str| line.ends_with('\n') && epoch(line).is_some_and(|epoch| epoch <= epochs);
        kept.extend(lines.filter(done));
    }
    Ok((kept.as_bytes() != found).then_some(kept))
}

/// Begins a table with its header.
pub(super) fn start(path: &Path, header: &str) -> Result<BufWriter<File>, Error> {
    let file = File::create(path).and_then(|mut file| writeln!(file, "{header}").map(|()| file));
    file.map(BufWriter::new).map_err(Error::file(path, "cannot be written"))
}

/// Writes a file whole or not at all.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Error> {
    files::replace(path, text.as_bytes()).map_err(Error::file(path, "cannot be written"))
}
