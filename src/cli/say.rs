//! Output. A closed pipe is no failure of ours: what cannot be written is not.

use crate::error::Error;
use std::fmt::Arguments;
use std::io::Write;

/// One line to stdout.
pub(super) fn line(text: Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// One JSON object to stdout.
pub(super) fn json(value: &serde_json::Value) {
    line(format_args!("{value}"));
}

/// One line to stderr that is no error.
pub(super) fn to_stderr(text: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The sentence that ends a failed command, on one line whatever the names in it hold.
pub(super) fn error(error: &Error) {
    let text = error.to_string();
    let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let _ = writeln!(std::io::stderr(), "error: {line}");
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
