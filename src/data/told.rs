//! How several faults are told in one sentence.

use std::fmt::Display;

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
