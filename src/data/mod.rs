//! The data floor: opening data sets and single inputs, splitting, encoding tables, and fitting the normalisation.
//!
//! What is fitted to data (the encoding of a table's columns, the normalisation) is fitted to the training part alone: a
//! source is [`open`]ed, [`split()`], and then [encoded](Opened::encode) for the rows to train on. The numbers of a table are
//! read, filled in and normalised in float64, and rounded to float32 at the end.
//!
//! Everything here is plain rows in memory; nothing knows of devices or networks.

mod arrays;
mod arrays_error;
mod audit;
pub mod augment;
mod classes;
mod decimal;
mod digits;
mod error;
mod faults;
#[cfg(test)]
mod fixture;
mod folder;
mod folder_error;
mod framing;
mod from_memory;
mod idx;
mod known;
mod listed;
mod looks;
mod normalize;
mod opened;
mod part;
#[cfg(feature = "cli")]
mod picture;
mod pool;
#[cfg(feature = "cli")]
mod progress;
mod resize;
mod source;
mod split;
mod table;
mod targets;
mod told;
mod units;
mod views;

pub use arrays::{is_array, is_arrays, read_rows};
pub use arrays_error::ArraysError;
pub use audit::{Figure, Finding, Part, audit};
pub use classes::labels_for;
pub use error::DataError;
#[cfg(feature = "cli")]
pub use folder::Filed;
#[cfg(feature = "cli")]
pub(crate) use folder::left_out;
pub use folder::{holds_pictures, is_picture, validation_folder};
pub use folder_error::FolderError;
pub use framing::{Framing, View, ViewPart};
pub use from_memory::{from_bytes, from_floats};
pub use idx::{Images, is_idx, read_images};
pub use known::{KNOWN, Known, is_known};
pub use looks::{Drawing, Look, Looks, Spread, Unlike};
pub use normalize::{Affine, Normalize, is_coarse};
pub use opened::{Encoded, Opened};
pub use part::{read_part, read_whole};
#[cfg(feature = "cli")]
pub use picture::{Picture, PictureRow, Rendering};
pub use pool::{Place, Pool};
#[cfg(feature = "cli")]
pub use progress::show_progress;
pub use split::{Fractions, Split, bootstrap, share_out, split};
pub use table::{
    Column, DatePart, Decimal, Dialect, Encoding, Fields, Format, Kind, Like, Notation, Pictured, Separator, Table,
    Trained, read_features, read_labelled,
};
pub use targets::{Targets, Task};
pub use units::{By, Units};
pub use views::{PictureOptions, Seen};

use std::ops::Range;
use std::path::Path;

/// Values as they lie on the device, `[rows, features]` row-major. Bytes stay bytes, and are normalised there.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Unsigned bytes: the pixels of images.
    Bytes(Vec<u8>),
    /// Finite numbers: the features of a table, normalised already.
    Floats(Vec<f32>),
}

impl Values {
    /// The number of values, rows times features.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Rows of numbers of one shape with their targets, all in memory; at least one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What the user sees: "digits", "mnist", the name of the folder or file.
    pub name: String,
    /// The values of all rows, `[rows, features]` row-major.
    pub values: Values,
    /// The shape of one row: images `[channels, height, width]`, tables `[features]`.
    pub shape: Vec<usize>,
    /// The largest value the kind of data can have: 255 for IDX bytes, 16 for the digits; 0 is "not known" (tables).
    pub largest: f32,
    /// The targets of all rows.
    pub targets: Targets,
    /// The names of a table's features, as [`Encoding::features`] gives them; empty for images.
    pub columns: Vec<String>,
    /// How a table's columns became features; empty for images.
    pub encoding: Encoding,
    /// The target columns of a table, separated by commas.
    pub target: Option<String>,
    /// How the table was written that a model is trained on; none for images.
    pub dialect: Option<Dialect>,
    /// The rows of the set's own test part, if it has one; they come last.
    pub test: Option<Range<usize>>,
    /// How pictures of other sizes come to that of the rows.
    pub framing: Framing,
    /// Pictures in full, where training cuts parts out of them that evaluation does not see.
    pub pool: Option<Pool>,
}

impl Dataset {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.targets.rows()
    }

    /// The number of values in a row.
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the rows are images, of shape `[channels, height, width]`.
    pub fn is_image(&self) -> bool {
        self.shape.len() == 3
    }

    /// The values of some rows in the order in which these are named, `[rows, features]` row-major.
    pub fn values_of(&self, rows: &[u32]) -> Values {
        fn picked<T: Copy>(values: &[T], rows: &[u32], features: usize) -> Vec<T> {
            rows.iter().flat_map(|&row| &values[row as usize * features..][..features]).copied().collect()
        }
        match &self.values {
            Values::Bytes(bytes) => Values::Bytes(picked(bytes, rows, self.features())),
            Values::Floats(floats) => Values::Floats(picked(floats, rows, self.features())),
        }
    }
}

/// How a source is to be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The target column of a table, or several separated by commas; a column that has the whole text as its name wins.
    /// Without it that is the one column named label, target or class, else the last.
    pub target: Option<&'a str>,
    /// The column of a table that holds the paths of pictures, which are the features then.
    pub image: Option<&'a str>,
    /// What is learnt; without it the target columns decide, see [`open`].
    pub task: Option<Task>,
    /// Columns of a table that are left out, whatever they hold.
    pub ignore: &'a [String],
    /// Columns of a table whose fields are texts, each different one a value, however many there are.
    pub categorical: &'a [String],
    /// Columns of a table that hold numbers or dates; whatever else stands there is missing.
    pub numeric: &'a [String],
    /// Texts that stand for a missing field, beside an empty one and, among numbers, the usual words.
    pub missing: &'a [String],
    /// Whether the day comes before the month, in dates that can be read in both ways.
    pub day_first: Option<bool>,
    /// The column of a table that [`By::Group`] names: its fields are texts.
    pub group: Option<&'a str>,
    /// How the text of a table is written, where that is not to be recognised.
    pub format: Format,
    /// How pictures are read, and what is seen of them.
    pub pictures: PictureOptions,
    /// A folder in which the decoded pictures of folders are kept, so that a second opening takes less time; none without it.
    pub cache: Option<&'a Path>,
}

/// Opens a data set by name or path.
///
/// - `digits`: the set in the program;
/// - `mnist` and `cifar10`: the folder of that name in `data_dir`, which is the value of `WGRAD_DATA`;
/// - a folder with the IDX files `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, and `t10k-` likewise if there
///   is a test part, each plain or gzip, `.idx` in place of `-idx` allowed, with the prefix and `test` of EMNIST likewise;
/// - a folder with the binary files of CIFAR-10, or with the folder of its archive: `data_batch_1.bin` to
///   `data_batch_5.bin`, `test_batch.bin` if there is a test part, and the names of the classes in `batches.meta.txt`;
/// - a folder with a folder of pictures for each class, or with such folders in `train` and `test`; grey if all are, else red,
///   green and blue, and seen as [`Options::pictures`] says. It takes the feature `cli`;
/// - a `.npz` file, or a folder with `.npy` files, whose arrays are called `x` and `y`, `X` and `y`, `images` and `labels`, or
///   `data` and `target` or `targets`; of parts `x_train`, `train_images` and so on, likewise with `val` and `test`. Whole
///   numbers are classes, floats numbers to learn, several columns of 0 and 1 are labels;
/// - any other file or pipe, or `-` for standard input: a table of text, plain or gzip, whose other columns than the target
///   are features: numbers, or else texts.
///
/// A name wins over a path; write `./digits` for a folder of that name, and `./-` for a file.
///
/// Of one target column, classification makes classes. Of several it makes labels, of columns that hold 0 and 1 (or
/// false and true, or no and yes). Regression makes numbers. Without a task, one column is regression if all it holds are
/// numbers, and some have a fractional part or there are more than 20 different ones; several are classification if all they
/// hold is 0 and 1, else regression.
///
/// # Errors
///
/// When the source is not there or is of another kind, options for tables or regression are given for images, or the
/// files are not whole, well-formed and of at least two classes.
///
/// ```
/// use wgrad::data::{Options, open};
///
/// let digits = open("digits", &Options::default(), None)?;
/// assert_eq!((digits.rows(), digits.targets.names().len()), (1797, 10));
/// # Ok::<(), wgrad::data::DataError>(())
/// ```
pub fn open(source: &str, options: &Options<'_>, data_dir: Option<&Path>) -> Result<Opened, DataError> {
    let path = Path::new(source);
    let name = name_of(path);
    if let Some(image) = options.image.filter(|_| !is_table_of(source)) {
        return Err(FolderError::ImageOfOther { name, image: image.to_owned() }.into());
    }
    let opened = match source {
        "digits" => digits::load().framed(&options.pictures)?,
        _ if is_known(source) => match data_dir.map(|folder| folder.join(source)) {
            Some(found) if found.is_dir() => folder::open(name, &found, options)?,
            looked => return Err(DataError::NoKnown { name, looked }),
        },
        _ if path.is_dir() => folder::open(name, path, options)?,
        _ if is_arrays(path) && path.exists() => arrays::open(name, path, options.task)?.framed(&options.pictures)?,
        _ if options.image.is_some() && (source == source::STANDARD_INPUT || path.exists()) => {
            return listed::open(name, path, options, None);
        }
        _ if source == source::STANDARD_INPUT || path.exists() => {
            return Opened::of_table(name, table::open(path, options)?).framed(&options.pictures);
        }
        _ if source.contains(['/', '\\', '.']) => return Err(DataError::NotFound { path: path.to_owned() }),
        _ => {
            return Err(DataError::UnknownSource { name: source.to_owned() });
        }
    };
    let name = opened.name.clone();
    match options {
        Options { target: Some(target), .. } => Err(DataError::TargetOfImages { name, target: (*target).to_owned() }),
        Options { task: Some(Task::Regression), .. } if opened.targets.task() != Task::Regression => {
            Err(DataError::RegressionOfImages { name })
        }
        Options { ignore: [column, ..], .. }
        | Options { categorical: [column, ..], .. }
        | Options { numeric: [column, ..], .. } => Err(DataError::ListOfImages { name, column: column.clone() }),
        _ => match of_tables(options) {
            Some(setting) => Err(DataError::SettingOfImages { name, setting }),
            None => Ok(opened),
        },
    }
}

/// The first setting of tables that is given.
fn of_tables(options: &Options<'_>) -> Option<&'static str> {
    let given = [
        ("missing", !options.missing.is_empty()),
        ("day_first", options.day_first.is_some()),
        ("separator", options.format.separator.is_some()),
        ("decimal", options.format.decimal.is_some()),
        ("header", options.format.header.is_some()),
    ];
    given.into_iter().find(|(_, is_given)| *is_given).map(|(setting, _)| setting)
}

/// What the user sees of a path: its last part.
pub fn name_of(path: &Path) -> String {
    match path.file_name() {
        _ if path.as_os_str() == source::STANDARD_INPUT => "standard input".to_owned(),
        Some(name) => name.to_string_lossy().into_owned(),
        None => path.display().to_string(),
    }
}

/// Whether a source is the path of a file or folder, and neither the name of a known data set nor `-`.
pub fn is_path(source: &str) -> bool {
    !is_known(source) && source != source::STANDARD_INPUT
}

/// Whether a source is that of a table, if it is there.
fn is_table_of(source: &str) -> bool {
    let path = Path::new(source);
    !is_known(source) && !path.is_dir() && !is_arrays(path)
}

/// Whether a path has the ending of a table, `.csv` or `.csv.gz`.
pub fn is_table(path: &Path) -> bool {
    let lower = path.to_string_lossy().to_lowercase();
    lower.ends_with(".csv") || lower.ends_with(".csv.gz")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use fixture::{idx_folder, write};

    fn open(source: &str, data_dir: Option<&Path>) -> Result<Opened, DataError> {
        super::open(source, &Options::default(), data_dir)
    }

    #[test]
    fn known_sets_open_by_name() {
        let digits = open("digits", None).unwrap();
        assert_eq!((digits.name.as_str(), digits.rows()), ("digits", KNOWN[0].rows));
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("mnist")).unwrap();
        idx_folder(&dir.path().join("mnist"));
        let mnist = open("mnist", Some(dir.path())).unwrap();
        assert_eq!((mnist.name.as_str(), mnist.rows()), ("mnist", 6));
    }

    #[test]
    fn paths_open_by_kind_and_take_their_own_name() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("shapes");
        std::fs::create_dir(&folder).unwrap();
        idx_folder(&folder);
        assert_eq!(open(folder.to_str().unwrap(), None).unwrap().name, "shapes");
        for file in ["Points.CSV", "points.data", "points.txt", "points"] {
            let path = write(dir.path(), file, b"x,label\n1,a\n2,b\n");
            let points = open(path.to_str().unwrap(), None).unwrap();
            assert_eq!((points.name.as_str(), points.rows(), points.is_image()), (file, 2, false));
        }
    }

    #[test]
    fn a_missing_mnist_says_where_it_was_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        let message = open("mnist", Some(dir.path())).unwrap_err().to_string();
        assert!(message.contains(dir.path().join("mnist").to_str().unwrap()), "{message}");
        assert!(message.contains("set WGRAD_DATA"), "{message}");
        let message = open("mnist", None).unwrap_err().to_string();
        assert!(message.contains("WGRAD_DATA is not set"), "{message}");
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let error = open("iris", None).unwrap_err();
        assert!(matches!(error, DataError::UnknownSource { .. }));
        let message = error.to_string();
        assert!(message.contains("digits, mnist, cifar10") && message.contains(".csv"), "{message}");
        for source in ["no/such/folder", "nosuch.csv"] {
            assert!(matches!(open(source, None), Err(DataError::NotFound { .. })), "{source}");
        }
    }

    #[test]
    fn options_of_tables_are_refused_for_images() {
        let refusal = |options| super::open("digits", &options, None).unwrap_err();
        let options = Options::default();
        let target = refusal(Options { target: Some("label"), ..options });
        assert!(matches!(target, DataError::TargetOfImages { .. }));
        let regression = refusal(Options { task: Some(Task::Regression), ..options });
        assert!(regression.to_string().contains("digits: its images have classes"), "{regression}");
        let ignored = refusal(Options { ignore: &["x".to_owned()], ..options });
        assert!(ignored.to_string().contains("digits: the column \"x\" was named"), "{ignored}");
        super::open("digits", &Options { task: Some(Task::Classification), ..options }, None).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let table = write(dir.path(), "points.csv", b"x,label\n1,a\n2,b\n");
        let pictures = PictureOptions { crop: "8".parse().ok(), ..PictureOptions::default() };
        let refused = super::open(table.to_str().unwrap(), &Options { pictures, ..options }, None).unwrap_err();
        assert!(refused.to_string().contains("points.csv: the setting crop was given, but only pictures"), "{refused}");
    }

    #[test]
    fn images_are_encoded_as_they_are() {
        let Encoded { dataset: digits, notes, .. } =
            open("digits", None).unwrap().encode(&[], Normalize::None).unwrap();
        assert_eq!((digits.rows(), digits.features(), digits.is_image(), digits.largest), (1797, 64, true, 16.0));
        assert!(digits.encoding.is_empty() && digits.columns.is_empty() && notes.is_empty());
    }
}
