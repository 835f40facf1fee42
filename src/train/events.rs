//! Event files of TensorBoard: the curves of a run as TensorBoard reads them while it goes.
//!
//! A file is a sequence of records (TFRecord: length as u64, its checksum, the bytes, their checksum, all little-endian), each
//! an `Event` of protocol buffers (tensorflow/core/util/event.proto): wall time (1, f64), step (2, int64), and either the
//! version of the file (3, string) or a summary (5) with values (1) of a tag (1, string) and a number (2, f32). The checksum is
//! CRC-32C (RFC 3720, appendix B.4), rotated and with a constant added (tensorflow/core/lib/hash/crc32c.h).

use crate::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How the names of these files begin, by which TensorBoard finds them.
const BEGIN: &str = "events.out.tfevents.";

/// How the names of ours end.
const END: &str = ".wgrad";

/// What the first record of a file says.
const VERSION: &str = "brain.Event:2";

/// Bytes of a record beside its content: length, its checksum, and that of the content.
const HEAD: usize = 12;
const FOOT: usize = 4;

/// CRC-32C: the polynomial 0x1EDC6F41, with bits in reverse order.
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let (mut table, mut at) = ([0; 256], 0);
        while at < 256 {
            let (mut value, mut bit) = (at as u32, 0);
            while bit < 8 {
                value = if value & 1 == 1 { value >> 1 ^ 0x82F6_3B78 } else { value >> 1 };
                bit += 1;
            }
            table[at] = value;
            at += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, &byte| TABLE[((crc ^ u32::from(byte)) & 255) as usize] ^ crc >> 8)
}

/// A checksum as records have it: masked.
fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8).to_le_bytes()
}

/// An integer of protocol buffers: seven bits a byte, the lowest first.
fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 127 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A field of protocol buffers that is a text, bytes or a message.
fn field(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    varint(bytes.len() as u64, out);
    out.extend(bytes);
}

/// An event: `what` is its last field.
fn event(seconds: f64, step: u64, (number, what): (u8, &[u8])) -> Vec<u8> {
    let mut out = vec![1 << 3 | 1];
    out.extend(seconds.to_le_bytes());
    out.push(2 << 3);
    varint(step, &mut out);
    field(number, what, &mut out);
    out
}

/// Numbers by their tags.
fn summary(values: &[(&str, f64)]) -> Vec<u8> {
    let mut out = vec![];
    for (tag, number) in values {
        let mut value = vec![];
        field(1, tag.as_bytes(), &mut value);
        value.push(2 << 3 | 5);
        value.extend((*number as f32).to_le_bytes());
        field(1, &value, &mut out);
    }
    out
}

fn record(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), content, &masked(content)].concat()
}

/// The content of the first record, if it is whole.
fn first_record(bytes: &[u8]) -> Option<&[u8]> {
    let length: [u8; 8] = bytes.get(..8)?.try_into().ok()?;
    let end = HEAD.checked_add(usize::try_from(u64::from_le_bytes(length)).ok()?)?;
    let (content, foot) = (bytes.get(HEAD..end)?, bytes.get(end..end.checked_add(FOOT)?)?);
    (bytes[8..HEAD] == masked(&length) && foot == masked(content)).then_some(content)
}

/// The step of an event that this program wrote.
fn step_of(event: &[u8]) -> Option<u64> {
    let (mut step, mut shift) = (0u64, 0);
    for byte in event.get(10..)? {
        step |= u64::from(byte & 127).checked_shl(shift)?;
        if byte & 128 == 0 {
            return Some(step);
        }
        shift += 7;
    }
    None
}

/// The beginning of a file that is whole and of steps up to `last`: its length in bytes.
fn kept(bytes: &[u8], last: u64) -> usize {
    let mut at = 0;
    while let Some(content) = first_record(&bytes[at..])
        && step_of(content).is_some_and(|step| step <= last)
    {
        at += HEAD + content.len() + FOOT;
    }
    at
}

/// An event file that is written to.
#[derive(Debug)]
pub(super) struct Events {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Events {
    /// Opens the event file of a run folder to write on after so many updates: what it holds beyond is of steps that will be
    /// taken again, and is dropped. Where there is none it is made.
    pub(super) fn open(folder: &Path, step: u64) -> Result<Self, Error> {
        let path = match of_folder(folder).pop() {
            Some(path) => path,
            None => folder.join(format!("{BEGIN}{:.0}{END}", now().floor())),
        };
        let opened = OpenOptions::new().read(true).append(true).create(true).open(&path).and_then(|file| {
            file.set_len(kept(&fs::read(&path)?, step) as u64)?;
            Ok(file)
        });
        let file = opened.map_err(Error::file(&path, "cannot be written"))?;
        let is_new = file.metadata().is_ok_and(|data| data.len() == 0);
        let mut events = Self { path, file: BufWriter::new(file) };
        if is_new {
            events.add(&event(now(), 0, (3, VERSION.as_bytes())))?;
        }
        Ok(events)
    }

    /// Removes the event files of a run that starts again.
    pub(super) fn remove(folder: &Path) -> Result<(), Error> {
        let remove = |path: &PathBuf| fs::remove_file(path).map_err(Error::file(path, "cannot be removed"));
        of_folder(folder).iter().try_for_each(remove)
    }

    /// Writes numbers by their tags at a step.
    pub(super) fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> Result<(), Error> {
        self.add(&event(now(), step, (5, &summary(values))))
    }

    /// Hands what was written to the system, so that TensorBoard sees it.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.file.flush().map_err(Error::file(&self.path, "cannot be written"))
    }

    fn add(&mut self, event: &[u8]) -> Result<(), Error> {
        self.file.write_all(&record(event)).map_err(Error::file(&self.path, "cannot be written"))
    }
}

/// The wall time, in seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The event files of a run folder, by name.
fn of_folder(folder: &Path) -> Vec<PathBuf> {
    let is_ours = |name: &str| name.starts_with(BEGIN) && name.ends_with(END);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.filter(|entry| is_ours(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    /// The vectors of RFC 3720, appendix B.4, and the usual one of "123456789".
    #[test]
    fn checksums_are_crc_32c() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[255; 32]), 0x62A8_AB43);
        let counting: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&counting), 0x46DD_794E);
    }

    #[test]
    fn an_event_has_the_bytes_of_protocol_buffers() {
        let scalars = summary(&[("ab", 1.5)]);
        assert_eq!(scalars, [10, 9, 10, 2, b'a', b'b', 21, 0, 0, 192, 63]);
        let event = event(1.0, 300, (5, &scalars));
        assert_eq!(event[..12], [9, 0, 0, 0, 0, 0, 0, 240, 63, 16, 172, 2]);
        assert_eq!(event[12..14], [42, 11]);
        assert_eq!(step_of(&event), Some(300));
        assert_eq!(step_of(&[9; 12]), Some(9));
        assert!(step_of(&[255; 40]).is_none() && step_of(&[]).is_none());
    }

    #[test]
    fn a_file_goes_on_behind_its_last_saved_step() {
        let dir = tempfile::tempdir().unwrap();
        let write = |first: u64, steps: std::ops::Range<u64>| {
            let mut events = Events::open(dir.path(), first).unwrap();
            steps.for_each(|step| events.scalars(step, &[("loss", step as f64)]).unwrap());
            events.flush().unwrap();
            events.path
        };
        let path = write(0, 1..9);
        // Half a record, as a kill leaves it, and steps that were not saved.
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        assert_eq!(write(4, 5..7), path);
        let (bytes, mut at, mut steps) = (fs::read(&path).unwrap(), 0, vec![]);
        while let Some(content) = first_record(&bytes[at..]) {
            steps.push(step_of(content).unwrap());
            at += HEAD + content.len() + FOOT;
        }
        assert_eq!((at, steps), (bytes.len(), vec![0, 1, 2, 3, 4, 5, 6]));
        // A changed byte ends what is read.
        let mut broken = bytes.clone();
        broken[whole.len() / 2] ^= 1;
        assert!(kept(&broken, 9) < whole.len() / 2 && kept(&[255; 99], 9) == 0);
        Events::remove(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
