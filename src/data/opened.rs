//! Data that have been read but not yet made into rows of numbers, as that takes the training part alone.

use super::table::{Cells, Encoding};
use super::{DataError, Dataset, Targets, Values};
use std::ops::Range;
use std::path::PathBuf;

/// A data set that was opened and can be split: its targets, and its features as they were read. [`Opened::encode`]
/// makes rows of numbers of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// What the user sees: "digits", "mnist", the name of the folder or file.
    pub name: String,
    /// The targets of all rows; at least one row, and of classes at least two.
    pub targets: Targets,
    /// The target columns of a table, separated by commas.
    pub target: Option<String>,
    /// The rows of the set's own test part, if it has one; they come last.
    pub test: Option<Range<usize>>,
    /// What was recognised of how a table is written, and what was left out of it, in clauses.
    pub notes: Vec<String>,
    /// Where the task was not given and is not the usual one class a row: what was taken, and why, in a clause.
    pub inferred: Option<String>,
    pub(super) content: Content,
}

/// The features as they were read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Images { bytes: Vec<u8>, shape: Vec<usize>, largest: f32 },
    Table { path: PathBuf, columns: Vec<(String, Cells)> },
}

impl Opened {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.targets.rows()
    }

    /// Whether the rows are images.
    pub fn is_image(&self) -> bool {
        matches!(self.content, Content::Images { .. })
    }

    /// The data set as rows of numbers. Images pass as they are. What stands for the missing numbers of a table, and
    /// which texts it has, is taken from the rows `train` alone; what was done to which columns comes along, in clauses.
    ///
    /// # Errors
    ///
    /// When a column of a table has nothing in the rows `train`, or holds too many texts.
    ///
    /// # Panics
    ///
    /// When a table is given no rows to train on, or one that it does not have.
    pub fn encode(self, train: &[u32]) -> Result<(Dataset, Vec<String>), DataError> {
        let Self { name, targets, target, test, content, .. } = self;
        let (values, shape, largest, encoding, notes) = match content {
            Content::Images { bytes, shape, largest } => {
                (Values::Bytes(bytes), shape, largest, Encoding::default(), vec![])
            }
            Content::Table { path, columns } => {
                let encoding = Encoding::fit(&path, &columns, train)?;
                let (values, done) = encoding.apply(columns.iter().map(|(_, cells)| cells), targets.rows());
                let (notes, shape) = (done.all(), vec![encoding.width()]);
                (Values::Floats(values), shape, 0.0, encoding, notes)
            }
        };
        let columns = encoding.features();
        Ok((Dataset { name, values, shape, largest, targets, columns, encoding, target, test }, notes))
    }
}
