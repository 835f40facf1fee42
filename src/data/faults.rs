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
