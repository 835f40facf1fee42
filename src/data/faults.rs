//! Several faults of one file.

use super::DataError;

/// The faults of one file, told together.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(DataError, usize)>);

impl Faults {
    /// Puts a fault down, and how many more rows have it.
    pub(super) fn push(&mut self, fault: DataError, more: usize) {
        self.0.push((fault, more));
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them and one more.
    pub(super) fn and(mut self, fault: DataError) -> DataError {
        self.push(fault, 0);
        match self.check() {
            Err(fault) => fault,
            Ok(()) => unreachable!("a fault was put down"),
        }
    }

    /// The faults, if there are any.
    pub(super) fn check(mut self) -> Result<(), DataError> {
        match self.0.len() {
            0 => Ok(()),
            1 if self.0[0].1 == 0 => Err(self.0.remove(0).0),
            _ => Err(DataError::Several { faults: self.0 }),
        }
    }
}

/// Faults that a message tells in full.
const TOLD: usize = 5;

/// Faults in one sentence, with the number of rows that are as bad as the one that is named.
pub(super) fn several(faults: &[(DataError, usize)]) -> String {
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

/// One fault as a sentence, or the first few of several and how many more there are.
pub(super) fn lines(faults: &[(usize, String)], count: usize) -> String {
    if let ([(line, what)], 1) = (faults, count) {
        return format!(", line {line}: {what}: correct that");
    }
    let shown: Vec<String> = faults.iter().map(|(line, what)| format!("line {line}: {what}")).collect();
    let more = if count > faults.len() { format!("; and {} more", count - faults.len()) } else { String::new() };
    format!(": {count} lines cannot be read ({}{more}): correct these", shown.join("; "))
}
