//! Data that have been read but not yet made into rows of numbers, as that takes the training part alone.

use super::framing::Framing;
use super::normalize::{FeatureMoments, Fit, Form, fit};
use super::pool::Pool;
use super::table::{Dialect, Encoding, Raw, RawColumn, left_out};
use super::{Affine, DataError, Dataset, Normalize, Targets, Values};
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
    /// How a table is written; none for images.
    pub dialect: Option<Dialect>,
    /// The rows of the set's own test part, if it has one; they come last.
    pub test: Option<Range<usize>>,
    /// What was taken for a table's target and why, and what was recognised, in clauses.
    pub notes: Vec<String>,
    /// How pictures of other sizes come to that of the rows.
    pub framing: Framing,
    /// Pictures in full, where training cuts parts out of them that evaluation does not see.
    pub pool: Option<Pool>,
    pub(super) content: Content,
}

/// A data set made into rows of numbers, and what its training rows say.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// The rows, with features and targets as numbers.
    pub dataset: Dataset,
    /// How its values are normalised: the floats of a table are already, the bytes of images are on the device.
    pub normalize: Affine,
    /// The features that do not vary over the rows to train on. Of images that are not normalised they are not looked for.
    pub constant: Vec<usize>,
    /// What was done to which columns of a table, in clauses.
    pub notes: Vec<String>,
}

/// The features as they were read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Images { bytes: Vec<u8>, shape: Vec<usize>, largest: f32 },
    Floats { values: Vec<f32>, shape: Vec<usize>, columns: Vec<String> },
    Table { path: PathBuf, columns: Vec<RawColumn>, missing: Vec<String> },
}

impl Content {
    /// Whether the rows are pictures of three channels, in bytes.
    fn is_of_colours(&self) -> bool {
        matches!(self, Self::Images { shape, .. } if matches!(shape[..], [3, ..]))
    }
}

impl Opened {
    /// A table that was read.
    pub(super) fn of_table(name: String, raw: Raw) -> Self {
        let Raw { path, columns, missing, targets, target, dialect, notes } = raw;
        let content = Content::Table { path, columns, missing };
        let (target, dialect) = (Some(target), Some(dialect));
        Self { target, dialect, notes, ..Self::of(name, targets, content) }
    }

    /// Rows of which nothing is known but what they are.
    pub(super) fn of(name: String, targets: Targets, content: Content) -> Self {
        let (target, dialect, test, notes, framing, pool) = (None, None, None, vec![], Framing::default(), None);
        Self { name, targets, target, dialect, test, notes, framing, pool, content }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.targets.rows()
    }

    /// Whether the rows are images.
    pub fn is_image(&self) -> bool {
        match &self.content {
            Content::Images { .. } => true,
            Content::Floats { shape, .. } => shape.len() == 3,
            Content::Table { .. } => false,
        }
    }

    /// The data set as rows of numbers, and its normalisation. The bytes of images pass as they are. What stands for the
    /// missing numbers of a table, which texts it has, and every normalisation are taken from the rows `train` alone.
    ///
    /// # Errors
    ///
    /// When no column of a table is left to learn from, because all name or count rows or hold free text or nothing.
    ///
    /// # Panics
    ///
    /// When there are no rows to train on and the data are a table or are to be normalised, or one is not there.
    pub fn encode(self, train: &[u32], normalize: Normalize) -> Result<Encoded, DataError> {
        let Self { name, targets, target, dialect, test, framing, pool, content, .. } = self;
        let rows = targets.rows();
        if normalize == Normalize::ImageNet && !content.is_of_colours() {
            return Err(DataError::ImageNetOfOthers { name });
        }
        let dataset = |values, shape, largest, columns, encoding| Dataset {
            name,
            values,
            shape,
            largest,
            targets,
            columns,
            encoding,
            target,
            dialect,
            test,
            framing,
            pool,
        };
        match content {
            Content::Images { bytes, shape, largest } => {
                let features = shape.iter().product();
                let is_fitted = normalize != Normalize::None;
                let moments = is_fitted.then(|| FeatureMoments::of_rows(&bytes, features, train));
                let form = Form { largest: largest.into(), channel: shape[1..].iter().product(), indicators: &[] };
                let fit = moments.map(|moments| fit(normalize, &moments, form));
                let (affine, constant) =
                    fit.map_or_else(|| (Affine::none(features), vec![]), |fit| (fit.affine, fit.constant));
                let dataset = dataset(Values::Bytes(bytes), shape, largest, vec![], Encoding::default());
                Ok(Encoded { dataset, normalize: affine, constant, notes: vec![] })
            }
            Content::Floats { mut values, shape, columns } => {
                let features = shape.iter().product();
                let moments = FeatureMoments::of_rows(&values, features, train);
                let form = Form { largest: 0.0, channel: shape[1..].iter().product(), indicators: &[] };
                let Fit { affine, constant } = fit(normalize, &moments, form);
                for (at, value) in values.iter_mut().enumerate() {
                    *value = affine.apply(at % features, f64::from(*value)) as f32;
                }
                let encoding = Encoding::of_numbers(&columns, &moments.mean);
                let dataset = dataset(Values::Floats(values), shape, 0.0, columns, encoding);
                Ok(Encoded { dataset, normalize: affine, constant, notes: vec![] })
            }
            Content::Table { path, columns, missing } => {
                let (encoding, kept, left) = Encoding::fit(&path, &columns, train, &missing)?;
                let cells = || kept.iter().map(|&place| &columns[place].cells);
                let (moments, indicators) = encoding.moments(cells(), train);
                let form = Form { largest: 0.0, channel: 1, indicators: &indicators };
                let Fit { affine, constant } = fit(normalize, &moments, form);
                let (values, done) = encoding.apply(cells(), rows, &affine);
                let mut notes: Vec<String> = left_out(&left).into_iter().collect();
                notes.extend(done.all());
                notes.extend(done.coarse(&moments, &affine));
                let (shape, columns) = (vec![encoding.width()], encoding.features());
                let dataset = dataset(Values::Floats(values), shape, 0.0, columns, encoding);
                Ok(Encoded { dataset, normalize: affine, constant, notes })
            }
        }
    }
}
