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
