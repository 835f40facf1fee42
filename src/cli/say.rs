//! Output to the terminal.
//!
//! Texts out of files may hold control characters, which are escaped here. Where the reader of a pipe has closed it, nothing
//! more is written, and the command goes on. Any other failure to write is told at the end and makes the command fail.

use crate::error::Error;
use crate::names::{shown, shown_lines};
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;

/// The first failure to write to stdout.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// One line to stdout.
pub(super) fn line(text: Arguments<'_>) {
    note_loss(writeln!(io::stdout(), "{}", shown_lines(&text.to_string())));
}

fn note_loss(written: io::Result<()>) {
    if let (Err(error), Ok(mut lost)) = (written, LOST.lock())
        && error.kind() != ErrorKind::BrokenPipe
    {
        lost.get_or_insert(error);
    }
}

/// What kept some of the output from being written, if anything did.
pub(super) fn lost() -> Option<Error> {
    note_loss(io::stdout().flush());
    let why = LOST.lock().ok()?.take()?;
    Some(Error::File { path: "the output".into(), what: "cannot be written", why })
}

/// One JSON object to stdout.
pub(super) fn json(value: &serde_json::Value) {
    let text = value.to_string();
    // JSON escapes control characters of ASCII alone.
    let escaped = |c: char| if c.is_control() { format!("\\u{:04x}", c as u32) } else { c.to_string() };
    let text = if text.chars().any(char::is_control) { text.chars().map(escaped).collect() } else { text };
    note_loss(writeln!(io::stdout(), "{text}"));
}

/// One line to stderr that is no error.
pub(super) fn to_stderr(text: Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{}", shown(&text.to_string()));
}

/// The sentence that ends a failed command, on one line whatever the names in it hold.
pub(super) fn error(error: &Error) {
    let text = error.to_string();
    let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let _ = writeln!(io::stderr(), "error: {}", shown(&line));
}

/// `println!` that survives a closed pipe.
macro_rules! say {
    ($($arg:tt)*) => { $crate::cli::say::line(format_args!($($arg)*)) };
}

/// `eprintln!` that survives a closed pipe.
macro_rules! note {
    ($($arg:tt)*) => { $crate::cli::say::to_stderr(format_args!($($arg)*)) };
}

pub(super) use {note, say};
