//! Reading files that may be gzip, whatever their name.

use super::DataError;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read, Seek};
use std::path::Path;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The whole file, unpacked if it begins with the two magic bytes of gzip.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    read_up_to(path, u64::MAX)
}

/// At most the first `limit` bytes of the file, unpacked if it begins with the two magic bytes of gzip.
pub(super) fn read_up_to(path: &Path, limit: u64) -> Result<Vec<u8>, DataError> {
    let read_error = |reason: Error| match reason.kind() {
        ErrorKind::NotFound => DataError::NotFound { path: path.to_owned() },
        _ => DataError::Read { path: path.to_owned(), reason },
    };
    let mut file = File::open(path).map_err(read_error)?;
    let mut start = Vec::new();
    file.by_ref().take(GZIP.len() as u64).read_to_end(&mut start).map_err(read_error)?;
    file.rewind().map_err(read_error)?;
    let mut bytes = Vec::new();
    if start == GZIP {
        let decoder = MultiGzDecoder::new(BufReader::new(file));
        decoder.take(limit).read_to_end(&mut bytes).map_err(|reason| gzip_error(path, reason))?;
    } else {
        file.take(limit).read_to_end(&mut bytes).map_err(read_error)?;
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
        let members = write(dir.path(), "members", &[gzip(b"one, "), gzip(b"two")].concat());
        assert_eq!(read_bytes(&members).unwrap(), b"one, two");
        let plain = write(dir.path(), "plain.gz", b"x");
        assert_eq!(read_bytes(&plain).unwrap(), b"x");
        assert_eq!(read_up_to(&packed, 4).unwrap(), b"some");
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
}
