//! What tells one data set from another, in the file that a run goes on from.

use serde::{Deserialize, Serialize};

/// The data of a run, in hashes (XXH3, 64 bits, as hexadecimal text): they tell data that were changed or mistaken, not
/// data that were forged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// All rows, inputs and targets, whatever their order.
    pub unordered: String,
    /// The rows to train on.
    pub train: PartFingerprint,
    /// The rows to validate on.
    pub validation: PartFingerprint,
    /// The rows to test on.
    pub test: PartFingerprint,
}

/// One part of the data of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartFingerprint {
    /// Number of rows in the part.
    pub rows: u64,
    /// Which rows of the data set they are.
    pub numbers: String,
    /// Their inputs as the data set holds them: bytes as they are read; floats after they are filled in and normalised, so that
    /// the same rows of a table have other hashes under another normalisation.
    pub inputs: String,
    /// A hash of the targets of the rows.
    pub targets: String,
}
