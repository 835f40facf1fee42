//! Output to the terminal.
//!
//! Texts out of files may hold control characters, which are escaped here. Where the reader of a pipe has closed it, nothing
//! more is written, and the command goes on. Any other failure to write is told at the end and makes the command fail.

use crate::error::Error;
use crate::names::{shown, shown_lines};
use crate::train::SETTINGS;
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

/// Settings that are flags of some command and no keys of a recipe.
const FLAGS: [&str; 5] = ["device", "init_from", "out", "resume", "samples"];

/// A text of the library with flags in place of the settings that it has in backticks: of `` `task = regression` `` that is
/// `--task regression`.
pub(super) fn with_flags(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    let mut out = String::new();
    for (at, piece) in pieces.iter().copied().enumerate() {
        let open = at % 2 == 1 && at + 1 < pieces.len();
        if at % 2 == 1 && !open {
            out += "`";
        }
        let (name, value) = piece.split_once(" = ").map_or((piece, None), |(name, value)| (name, Some(value)));
        if open && (FLAGS.contains(&name) || SETTINGS.iter().any(|setting| setting.name == name)) {
            out += &format!("--{}", name.replace('_', "-"));
            out.extend(value.map(|value| format!(" {value}")));
        } else if open {
            out += &format!("`{piece}`");
        } else {
            out += piece;
        }
    }
    out
}

/// One line to stderr that is no error.
pub(super) fn to_stderr(text: Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{}", shown(&with_flags(&text.to_string())));
}

/// The sentence that ends a failed command, on one line whatever the names in it hold.
pub(super) fn error(error: &Error) {
    let text = error.to_string();
    let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let _ = writeln!(io::stderr(), "error: {}", shown(&with_flags(&line)));
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

#[cfg(test)]
mod tests {
    use super::with_flags;

    #[test]
    fn settings_become_flags_and_nothing_else_does() {
        for (text, shown) in [
            ("use `lr`, or `task = regression`", "use --lr, or --task regression"),
            ("`early_stopping` and `device = cpu`", "--early-stopping and --device cpu"),
            ("`x` and `lr2` stay, an open ` too", "`x` and `lr2` stay, an open ` too"),
        ] {
            assert_eq!(with_flags(text), shown);
        }
        assert_eq!(with_flags(""), "");
    }
}
