//! Reading files, pipes and standard input once, whether they are gzip or not, whatever their name.

use super::DataError;
use crate::memory;
use flate2::bufread::GzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read};
use std::path::Path;

/// The path that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How many times its packed size a gzip file may be. Text of digits packs to a third or a tenth of its size; deflate
/// itself reaches 1,032 times, on bytes that are all alike.
const MOST_TIMES: usize = 200;

/// Bytes to which each gzip file may unpack, however small it is.
const ALWAYS: usize = 64 << 20;

/// The whole file, unpacked if it begins with the two magic bytes of gzip. Reading stops at half of the memory that is
/// free, since what is made of the bytes takes as much again; unpacking stops at 200 times the packed size too.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    read_within(path, room())
}

/// Bytes that may be taken: half of the memory that is free.
pub(super) fn room() -> usize {
    let half = memory::free().map_or(u64::MAX, |free| free / 2);
    usize::try_from(half).unwrap_or(usize::MAX)
}

fn read_within(path: &Path, room: usize) -> Result<Vec<u8>, DataError> {
    let source: Box<dyn Read> = match path.to_str() {
        Some(STANDARD_INPUT) => Box::new(io::stdin().lock()),
        _ => Box::new(open(path)?),
    };
    let mut bytes = Vec::new();
    pour(source, &mut bytes, room).map_err(|stop| match stop {
        Stop::Full => DataError::NoMemory { path: path.to_owned(), room },
        Stop::Failed(reason) => read_error(path, reason),
    })?;
    if bytes.starts_with(&GZIP) { unpack(path, &bytes, room.saturating_sub(bytes.len())) } else { Ok(bytes) }
}

/// At most the first `limit` bytes of a file, unpacked if it begins with the two magic bytes of gzip. A pipe loses them.
pub(super) fn read_start(path: &Path, limit: u64) -> Result<Vec<u8>, DataError> {
    let mut start = Vec::new();
    open(path)?.take(GZIP.len() as u64).read_to_end(&mut start).map_err(|reason| read_error(path, reason))?;
    let (file, mut bytes) = (open(path)?, Vec::new());
    if start == GZIP {
        let decoder = GzDecoder::new(BufReader::new(file));
        decoder.take(limit).read_to_end(&mut bytes).map_err(|reason| gzip_error(path, reason))?;
    } else {
        file.take(limit).read_to_end(&mut bytes).map_err(|reason| read_error(path, reason))?;
    }
    Ok(bytes)
}

fn open(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|reason| read_error(path, reason))
}

fn read_error(path: &Path, reason: Error) -> DataError {
    match reason.kind() {
        ErrorKind::NotFound => DataError::NotFound { path: path.to_owned() },
        _ => DataError::Read { path: path.to_owned(), reason },
    }
}

/// The members of a gzip file, one behind the other. Zeros may follow them, with which tapes and some writers fill up.
fn unpack(path: &Path, packed: &[u8], room: usize) -> Result<Vec<u8>, DataError> {
    let most = packed.len().saturating_mul(MOST_TIMES).max(ALWAYS);
    let (mut rest, mut bytes) = (packed, Vec::new());
    while !rest.is_empty() {
        if !rest.starts_with(&GZIP) {
            if let Some(other) = rest.iter().position(|&byte| byte != 0) {
                let behind = packed.len() - rest.len() + other;
                return Err(DataError::GzipTail { path: path.to_owned(), behind });
            }
            break;
        }
        let mut member = GzDecoder::new(rest);
        pour(&mut member, &mut bytes, room.min(most)).map_err(|stop| match stop {
            Stop::Full if most <= room => DataError::GzipTooLarge { path: path.to_owned(), most, times: MOST_TIMES },
            Stop::Full => DataError::NoMemory { path: path.to_owned(), room },
            Stop::Failed(reason) => gzip_error(path, reason),
        })?;
        rest = member.into_inner();
    }
    Ok(bytes)
}

fn gzip_error(path: &Path, reason: Error) -> DataError {
    let path = path.to_owned();
    match reason.kind() {
        ErrorKind::UnexpectedEof => DataError::GzipTruncated { path },
        ErrorKind::InvalidInput | ErrorKind::InvalidData => DataError::GzipDamaged { path, reason },
        _ => DataError::Read { path, reason },
    }
}

/// Why bytes were not read to the end.
pub(super) enum Stop {
    /// There are more bytes than there is room for.
    Full,
    Failed(Error),
}

/// Adds all bytes of a source, as long as there are no more than `room` in all.
pub(super) fn pour(source: impl Read, bytes: &mut Vec<u8>, room: usize) -> Result<(), Stop> {
    const PIECE: usize = 1 << 20;
    let mut source = BufReader::with_capacity(PIECE, source);
    loop {
        let piece = match source.fill_buf() {
            Ok([]) => return Ok(()),
            Ok(piece) => piece,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Stop::Failed(error)),
        };
        let length = piece.len();
        if length > room.saturating_sub(bytes.len()) || bytes.try_reserve(length).is_err() {
            return Err(Stop::Full);
        }
        bytes.extend_from_slice(piece);
        source.consume(length);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::data::fixture::{gzip, write};

    #[test]
    fn gzip_is_known_by_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let packed = write(dir.path(), "plain", &gzip(b"some text"));
        assert_eq!(read_bytes(&packed).unwrap(), b"some text");
        let members = write(dir.path(), "members", &[gzip(b"one, "), gzip(b""), gzip(b"two")].concat());
        assert_eq!(read_bytes(&members).unwrap(), b"one, two");
        let plain = write(dir.path(), "plain.gz", b"x");
        assert_eq!(read_bytes(&plain).unwrap(), b"x");
        assert_eq!(read_start(&packed, 4).unwrap(), b"some");
        assert_eq!(read_start(&plain, 4).unwrap(), b"x");
    }

    #[test]
    fn zeros_may_follow_gzip_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let packed = gzip(b"some text");
        let read = |tail: &[u8]| read_bytes(&write(dir.path(), "tail", &[&packed[..], tail].concat()));
        assert_eq!(read(&[0; 100]).unwrap(), b"some text");
        for tail in [&b"more"[..], b"\0\0more", &[0x1f], &[0, 0x1f, 0x8b]] {
            let behind = packed.len() + tail.iter().position(|&byte| byte != 0).unwrap();
            let error = read(tail).unwrap_err();
            assert!(matches!(error, DataError::GzipTail { behind: found, .. } if found == behind), "{tail:?}: {error}");
        }
    }

    #[test]
    fn broken_gzip_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let whole = gzip(&[7; 1000]);
        for length in [2, 12, whole.len() - 1] {
            let cut = write(dir.path(), "cut.gz", &whole[..length]);
            assert!(matches!(read_bytes(&cut), Err(DataError::GzipTruncated { .. })), "{length} bytes");
        }
        let mut wrong = whole;
        let checksum = wrong.len() - 8;
        wrong[checksum] ^= 1;
        let wrong = write(dir.path(), "wrong.gz", &wrong);
        assert!(matches!(read_bytes(&wrong), Err(DataError::GzipDamaged { .. })));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(read_bytes(&dir.path().join("none")), Err(DataError::NotFound { .. })));
        assert!(matches!(read_bytes(dir.path()), Err(DataError::Read { .. })));
    }

    #[test]
    fn reading_and_unpacking_stop_where_there_is_no_room() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = [7; 3000];
        let (plain, packed) = (write(dir.path(), "plain", &bytes), write(dir.path(), "packed", &gzip(&bytes)));
        assert_eq!(read_within(&plain, 3000).unwrap(), bytes);
        assert!(matches!(read_within(&plain, 2999), Err(DataError::NoMemory { room: 2999, .. })));
        let length = gzip(&bytes).len();
        assert_eq!(read_within(&packed, 3000 + length).unwrap(), bytes);
        assert!(matches!(read_within(&packed, 2999 + length), Err(DataError::NoMemory { .. })));
        // 80 MB of zeros are packed a thousand times.
        let bomb = write(dir.path(), "bomb", &gzip(&vec![0; 80 << 20]));
        let error = read_within(&bomb, usize::MAX).unwrap_err();
        assert!(matches!(error, DataError::GzipTooLarge { most: 67_108_864, times: 200, .. }), "{error}");
    }
}
