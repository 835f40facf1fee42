//! From the bytes of a file to the text of a table.

use super::lines::Lines;
use crate::data::DataError;
use std::path::Path;

/// The characters of Windows-1252 from 0x80 to 0x9F; its other bytes are the characters of the same number. The five that
/// it does not assign are control characters, as in the encoding standard of the web.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// How files begin that are no text of a table, what they are, and what to do. What begins with letters may also be a table
/// whose first column has that name, so it must hold bytes that no text has.
const OTHERS: [(&[u8], &str, &str); 13] = [
    (b"PK\x03\x04", "a zip archive or a workbook of a spreadsheet", "unpack it, or save its sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "a workbook of a spreadsheet", "save its sheet as CSV"),
    (b"PAR1", "a Parquet file", "write it as CSV"),
    (b"ARROW1", "an Arrow file", "write it as CSV"),
    (b"\x89HDF", "an HDF5 file", "write its table as CSV"),
    (b"\x93NUMPY", "a NumPy array", "write it as CSV"),
    (b"SQLite format 3\0", "an SQLite database", "write its table as CSV"),
    (b"BZh", "packed with bzip2", "unpack it, or pack it with gzip"),
    (b"\xfd7zXZ", "packed with xz", "unpack it, or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "unpack it, or pack it with gzip"),
    (b"%PDF", "a PDF file", "give the table as CSV"),
    (b"\x89PNG", "a picture", "give a table"),
    (b"\xff\xd8\xff", "a picture", "give a table"),
];

/// How files of text begin that are no table of rows, in lower case, what they are, and what to do.
const OTHER_TEXTS: [(&str, &str, &str); 9] = [
    ("{", "JSON", "write its rows as CSV"),
    ("[{", "JSON", "write its rows as CSV"),
    ("[[", "JSON", "write its rows as CSV"),
    ("<!doctype html", "a web page", "fetch the raw file"),
    ("<html", "a web page", "fetch the raw file"),
    ("<?xml", "an XML file", "write its table as CSV"),
    ("%pdf-1.", "a PDF file", "give the table as CSV"),
    ("version https://git-", "only the pointer to a file in Git LFS", "fetch the file itself with git lfs pull"),
    ("@relation", "an ARFF file", "take the lines that begin with @ out of it, so that rows remain"),
];

/// The text of a file, and how it was written if that is not UTF-8, in a clause.
pub(super) fn decode(path: &Path, bytes: Vec<u8>) -> Result<(String, Option<String>), DataError> {
    let other =
        |&(_, what, todo): &(_, &'static str, &'static str)| DataError::OtherKind { path: path.to_owned(), what, todo };
    let is_other = |start: &[u8]| {
        bytes.starts_with(start) && (!start.iter().all(u8::is_ascii_graphic) || bytes.iter().any(is_in_no_text))
    };
    if let Some(found) = OTHERS.iter().find(|(start, ..)| is_other(start)) {
        return Err(other(&(0, found.1, found.2)));
    }
    let (text, note) = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => (utf_16(path, rest, u16::from_le_bytes)?, Some("the text is UTF-16".to_owned())),
        [0xfe, 0xff, rest @ ..] => (utf_16(path, rest, u16::from_be_bytes)?, Some("the text is UTF-16".to_owned())),
        _ => utf_8(path, bytes)?,
    };
    let start: String = text.trim_start().chars().take(20).flat_map(char::to_lowercase).collect();
    match OTHER_TEXTS.iter().find(|(other, ..)| start.starts_with(other)) {
        Some(found) => Err(other(&(0, found.1, found.2))),
        None => Ok((text, note)),
    }
}

/// Whether no text has a byte, whatever its encoding but UTF-16.
fn is_in_no_text(byte: &u8) -> bool {
    *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0x1a)
}

fn utf_8(path: &Path, mut bytes: Vec<u8>) -> Result<(String, Option<String>), DataError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    if let Some(zero) = bytes.iter().position(|&byte| byte == 0) {
        let line = Lines::new(&bytes).at(zero);
        return Err(DataError::NoText { path: path.to_owned(), line });
    }
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Ok((text, None)),
        Err(error) => error,
    };
    let at = error.utf8_error().valid_up_to();
    let bytes = error.into_bytes();
    let line = Lines::new(&bytes).at(at);
    if bytes.iter().any(is_in_no_text) {
        return Err(DataError::NoText { path: path.to_owned(), line });
    }
    let character = |&byte: &u8| match byte {
        0x80..0xa0 => WINDOWS_1252[usize::from(byte - 0x80)],
        byte => char::from(byte),
    };
    let text = bytes.iter().map(character).collect();
    Ok((text, Some(format!("the text is not UTF-8 (line {line}) and is read as Windows-1252"))))
}

/// UTF-16 behind its byte order mark.
fn utf_16(path: &Path, bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, DataError> {
    let broken = |text: &str| {
        let line = Lines::new(text.as_bytes()).at(text.len());
        DataError::NoText { path: path.to_owned(), line }
    };
    let (pairs, rest) = bytes.as_chunks();
    let mut text = String::with_capacity(bytes.len());
    for character in char::decode_utf16(pairs.iter().map(|&pair| unit(pair))) {
        match character {
            Ok('\0') | Err(_) => return Err(broken(&text)),
            Ok(character) => text.push(character),
        }
    }
    if rest.is_empty() { Ok(text) } else { Err(broken(&text)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn decoded(bytes: &[u8]) -> Result<(String, Option<String>), DataError> {
        decode(Path::new("t.csv"), bytes.to_vec())
    }

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn encodings_are_recognised() {
        let text = "a,b\n1,Zürich 😀\n";
        assert_eq!(decoded(text.as_bytes()).unwrap(), (text.to_owned(), None));
        assert_eq!(decoded(format!("\u{feff}{text}").as_bytes()).unwrap(), (text.to_owned(), None));
        for bytes in [utf_16(text, u16::to_le_bytes), utf_16(text, u16::to_be_bytes)] {
            assert_eq!(decoded(&bytes).unwrap(), (text.to_owned(), Some("the text is UTF-16".to_owned())));
            assert!(matches!(decoded(&bytes[..bytes.len() - 1]), Err(DataError::NoText { line: 2, .. })));
        }
        assert!(matches!(decoded(&[0xff, 0xfe, 0, 0xd8, 0x20, 0]), Err(DataError::NoText { line: 1, .. })));
    }

    #[test]
    fn other_bytes_than_utf_8_are_windows_1252() {
        let (text, note) = decoded(b"a,b\r\n1,caf\xe9\r\n2,\x80 5\r\n").unwrap();
        assert_eq!(text, "a,b\r\n1,café\r\n2,€ 5\r\n");
        assert_eq!(note.as_deref(), Some("the text is not UTF-8 (line 2) and is read as Windows-1252"));
    }

    #[test]
    fn what_is_no_text_is_refused_by_name() {
        for bytes in [&b"a,b\n1,\0\n"[..], b"a,b\n\xff\x01\n"] {
            assert!(matches!(decoded(bytes), Err(DataError::NoText { line: 2, .. })), "{bytes:?}");
        }
        for (bytes, what) in [
            (&b"PK\x03\x04rest"[..], "zip archive"),
            (b"\x89PNG\r\n", "a picture"),
            (b"PAR1\x15\x04PAR1", "a Parquet file"),
            (b"SQLite format 3\0\x10", "an SQLite database"),
            (b"%PDF-1.4\n", "a PDF file"),
            (b"\n<!DOCTYPE HTML>\n<p>", "a web page"),
            (b"@RELATION iris\n", "an ARFF file"),
            (b"{\"a\": 1, \"b\": 2}\n", "JSON"),
            (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ] {
            let message = decoded(bytes).unwrap_err().to_string();
            assert!(message.contains(what), "{message}");
        }
        for name in ["PAR1", "BZh", "%PDF", "ARROW1", "SQLite format 3"] {
            assert!(decoded(format!("{name},b\n1,2\n").as_bytes()).is_ok(), "{name}");
        }
    }
}
