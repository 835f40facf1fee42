//! How several faults are told in one sentence.

use super::KNOWN;
use std::fmt::Display;
use std::path::Path;

/// Faults that a message tells in full.
const TOLD: usize = 5;

/// Faults in one sentence, with the number of rows that are as bad as the one that is named.
pub(super) fn several<E: Display>(faults: &[(E, usize)]) -> String {
    let told = faults.iter().take(TOLD).map(|(fault, more)| match more {
        0 => fault.to_string(),
        1 => format!("{fault} (and 1 more row)"),
        more => format!("{fault} (and {more} more rows)"),
    });
    let more = match faults.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!("; and {more} faults more"),
    };
    told.collect::<Vec<_>>().join("; ") + &more
}

/// One fault of a line as a sentence, or the first few of several and how many more there are.
pub(super) fn lines(faults: &[(usize, String)], count: usize) -> String {
    if let ([(line, what)], 1) = (faults, count) {
        return format!(", line {line}: {what}: correct that");
    }
    let shown: Vec<String> = faults.iter().map(|(line, what)| format!("line {line}: {what}")).collect();
    let more = if count > faults.len() { format!("; and {} more", count - faults.len()) } else { String::new() };
    format!(": {count} lines cannot be read ({}{more}): correct these", shown.join("; "))
}

/// What makes a noun plural behind a number.
pub(super) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The names of the known data sets.
pub(super) fn known_names() -> String {
    KNOWN.iter().map(|known| known.name).collect::<Vec<_>>().join(", ")
}

/// Where the folder of a known data set was looked for.
pub(super) fn looked_for(folder: Option<&Path>) -> String {
    match folder {
        Some(folder) => format!("was looked for in {} and that folder is not there", folder.display()),
        None => "is not in the program and WGRAD_DATA is not set".to_owned(),
    }
}
