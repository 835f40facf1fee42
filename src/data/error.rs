use super::arrays_error::ArraysError;
use super::folder_error::FolderError;
use super::told::{known_names, lines, looked_for, plural, several};
use crate::names::{few, listed, nearest, nearest_of, quoted};
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why data could not be opened, split, normalised or matched to a model: what was wrong, where, and what to do.
///
/// Lines are counted from 1 in the (unpacked) file, so the header of a table is line 1.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message of each variant says what its fields hold")]
pub enum DataError {
    /// The source is neither a known set nor looks like a path.
    #[error(
        "there is no data set {name:?}: the known sets are {}, and anything else must be the path of a folder with IDX \
         files, arrays or pictures, or of a file with a table or arrays, such as a .csv or .npz file",
        known_names()
    )]
    UnknownSource { name: String },
    /// The folder of a known set is not where it is looked for.
    #[error(
        "the data set {name} {}: set WGRAD_DATA to the folder that holds the folder {name}",
        looked_for(.looked.as_deref())
    )]
    NoKnown { name: String, looked: Option<PathBuf> },
    /// A path that leads nowhere.
    #[error("{path}: there is no such file or folder: check the path")]
    NotFound { path: PathBuf },
    /// The operating system refused to read.
    #[error("{path}: it could not be read: {}", crate::files::reason_at(.path, .reason))]
    Read { path: PathBuf, reason: io::Error },
    /// The gzip stream ends early.
    #[error("{path}: the gzip data is cut short: fetch or copy the file again")]
    GzipTruncated { path: PathBuf },
    /// Other bytes than zeros behind the end of gzip data.
    #[error(
        "{path}: other bytes follow the end of the gzip data, at byte {behind}: fetch the file again or cut it there"
    )]
    GzipTail { path: PathBuf, behind: usize },
    /// A gzip file that unpacks to very many times its size.
    #[error(
        "{path}: unpacked it has more than {most} bytes, which is over {times} times its packed size: unpack it with \
         gzip -d and give the plain file, if such a file is what you expect"
    )]
    GzipTooLarge { path: PathBuf, most: usize, times: usize },
    /// More bytes than half of the memory that is free.
    #[error(
        "{path}: its data have more than {room} bytes, which is half of the memory that is free: give fewer rows or \
         free some memory"
    )]
    NoMemory { path: PathBuf, room: usize },
    /// The gzip stream does not decode.
    #[error("{path}: the gzip data is damaged ({reason}): fetch or copy the file again")]
    GzipDamaged { path: PathBuf, reason: io::Error },
    /// A data set with one class, which leaves nothing to learn.
    #[error("{path}: every row has the class {class:?} and training needs at least two classes: check the labels")]
    OneClass { path: PathBuf, class: String },
    /// A target column of one number, which leaves nothing to learn.
    #[error("{path}: the target {column:?} is {value} in every row, so there is nothing to learn: name another target")]
    ConstantTarget { path: PathBuf, column: String, value: f64 },
    /// A fault of a target that was not named.
    #[error("{fault}; or name another column than {column:?} in the setting target")]
    OfTarget { column: String, fault: Box<DataError> },
    /// Data in memory that are no rows with targets.
    #[error("data in memory: {what}")]
    InMemory { what: String },
    /// Several faults of one file.
    #[error("{}", several(faults))]
    Several { faults: Vec<(DataError, usize)> },
    /// A target column was named for a data set of images.
    #[error("{name}: the target column {target:?} was named, but only tables have columns: leave the target out")]
    TargetOfImages { name: String, target: String },
    /// Regression on images, whose labels are classes.
    #[error("{name}: its images have classes and no numbers to learn: leave the task at classification")]
    RegressionOfImages { name: String },
    /// A column was named for a data set of images.
    #[error("{name}: the column {column:?} was named, but only tables have columns: leave that out")]
    ListOfImages { name: String, column: String },
    /// A setting of tables was given for a data set of images.
    #[error("{name}: the setting {setting} was given, but only tables have that: leave it out")]
    SettingOfImages { name: String, setting: &'static str },

    /// A setting of pictures was given for other data.
    #[error("{name}: the setting {setting} was given, but only pictures have that: leave it out")]
    SettingOfPictures { name: String, setting: &'static str },
    /// A folder lacks one of the IDX files.
    #[error("{folder}: the file {file} (or {file}.gz) is not in this folder: put it there")]
    NoIdxFile { folder: PathBuf, file: String },
    /// A folder of pictures, or of CIFAR-10's files.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file or folder of NumPy's arrays.
    #[error(transparent)]
    Arrays(#[from] ArraysError),
    /// A fault of a picture that a table names.
    #[error("{table}, line {line}, column {column:?}: {fault}")]
    InTable { table: PathBuf, line: usize, column: String, fault: Box<DataError> },
    /// A folder with IDX files of several sets.
    #[error("{folder}: it holds the files of several sets, {}: give each a folder of its own", listed(sets))]
    SeveralIdxSets { folder: PathBuf, sets: Vec<String> },
    /// The file does not begin as the wanted kind of IDX file does.
    #[error(
        "{path}: it begins with the number {found} where an IDX file of {kind} begins with {expected}: check that this \
         is the right file"
    )]
    IdxMagic { path: PathBuf, found: u32, expected: u32, kind: &'static str },
    /// The file ends inside the header.
    #[error("{path}: it has {found} bytes where the header of an IDX file alone has {expected}: fetch the file again")]
    IdxHeader { path: PathBuf, found: usize, expected: usize },
    /// Fewer items than the header says.
    #[error("{path}: its header promises {expected} bytes of data but only {found} follow: fetch the file again")]
    IdxShort { path: PathBuf, found: usize, expected: u128 },
    /// More items than the header says.
    #[error("{path}: its header promises {expected} bytes of data but {found} follow: fetch the file again")]
    IdxLong { path: PathBuf, found: usize, expected: u128 },
    /// A header with a dimension of zero.
    #[error("{path}: its header says that it holds no items (dimensions {dims:?}): give a file with data")]
    IdxEmpty { path: PathBuf, dims: Vec<usize> },
    /// Images and labels that do not belong together.
    #[error(
        "{images} holds {image_count} images but {labels} holds {label_count} labels: give files that belong \
         together"
    )]
    CountsDiffer { images: PathBuf, image_count: usize, labels: PathBuf, label_count: usize },
    /// Training and test images of different sizes.
    #[error(
        "{path}: the test images are {}x{} pixels but the training images are {}x{}: give files that \
         belong together",
        .test[0], .test[1], .train[0], .train[1]
    )]
    SizesDiffer { path: PathBuf, train: [usize; 2], test: [usize; 2] },

    /// A table without a single byte of text.
    #[error("{path}: the file is empty where a header row with the column names is wanted: give a file with data")]
    NoHeader { path: PathBuf },
    /// A header that fits none of the rows.
    #[error(
        "{path}, line {line}: the header has {header} field{} where each row below has {rows}: name every column once, or \
         take out lines that stand above the names",
        plural(*.header)
    )]
    HeaderWidth { path: PathBuf, line: usize, header: usize, rows: usize },
    /// Rows that cannot be read: the first few with their lines, and how many there are.
    #[error("{path}{}", lines(faults, *.count))]
    Faults { path: PathBuf, faults: Vec<(usize, String)>, count: usize },
    /// A table that cannot have both features and a target.
    #[error(
        "{path}: {column:?} is the only column where features and a target are wanted: check what separates the \
         columns, and name it with `separator` if it was not recognised"
    )]
    OneColumn { path: PathBuf, column: String },
    /// The named target is not a column.
    #[error("{path}: there is no target column {target:?}; {}", nearest_of("column", target, columns))]
    UnknownTarget { path: PathBuf, target: String, columns: Vec<String> },
    /// Text after or between commas that names nothing, or a column twice.
    #[error("{path}: the target column {column:?} is named twice: name it once")]
    TargetTwice { path: PathBuf, column: String },
    /// A column that is a target and to be ignored.
    #[error("{path}: the column {column:?} is to be ignored and is also the target: leave out one of them")]
    TargetIgnored { path: PathBuf, column: String },
    /// A column of a list that is not there.
    #[error(
        "{path}: there is no column {column:?}, which the setting {list} names; {}",
        nearest_of("column", column, columns)
    )]
    UnknownListed { path: PathBuf, column: String, list: &'static str, columns: Vec<String> },
    /// A column in two lists.
    #[error(
        "{path}: the settings {} and {} both name the column {column:?}: take it out of one", lists[0], lists[1]
    )]
    InTwoLists { path: PathBuf, column: String, lists: [&'static str; 2] },
    /// A target in a list of features.
    #[error(
        "{path}: the column {column:?} is the target: take it out of the lists categorical and numeric; the setting task \
         says whether it holds classes or numbers"
    )]
    TargetListed { path: PathBuf, column: String },
    /// All columns are targets or ignored.
    #[error(
        "{path}: beside the targets ({}) and what is ignored no column is left to learn from: name fewer columns",
        listed(targets)
    )]
    NoFeatures { path: PathBuf, targets: Vec<String> },
    /// A column that the model reads is not in the table.
    #[error(
        "{path}: the column {column:?}, which the model reads, is missing; {}",
        nearest_of("column", column, columns)
    )]
    MissingColumn { path: PathBuf, column: String, columns: Vec<String> },
    /// A header and nothing else.
    #[error("{path}: there are no rows below the header: give a file with data")]
    NoRows { path: PathBuf },
    /// A target that is not there.
    #[error("{path}, line {line}, column {column:?}: the field is empty: fill it in or remove the row")]
    EmptyField { path: PathBuf, line: usize, column: String },
    /// A word that stands for a missing target.
    #[error(
        "{path}, line {line}, column {column:?}: {text:?} stands for a missing value where a target is wanted: fill \
         it in, write it in another way or remove the row"
    )]
    MissingTarget { path: PathBuf, line: usize, column: String, text: String },
    /// A target of several that is neither 0 nor 1.
    #[error(
        "{path}, line {line}, column {column:?}: there is {text:?} where several target columns want 0 or 1 (or false \
         or true, or no or yes): correct the field, or set the task to regression if the columns hold numbers"
    )]
    NotLabel { path: PathBuf, line: usize, column: String, text: String },
    /// All features say nothing of new rows.
    #[error(
        "{path}: no column is left to learn from, for all name rows or hold free text or nothing: {}; name those to keep in \
         the settings categorical or numeric",
        few(left)
    )]
    AllLeftOut { path: PathBuf, left: Vec<String> },
    /// A column that is to be one of numbers and has none.
    #[error("{path}: the column {column:?} holds neither numbers nor dates: take it out of the setting numeric")]
    NoNumbers { path: PathBuf, column: String },
    /// A text in a column of dates.
    #[error(
        "{path}, line {line}, column {column:?}: there is {text:?} where a date written as {format} is wanted: correct the \
         field or leave it empty"
    )]
    NotDate { path: PathBuf, line: usize, column: String, text: String, format: String },
    /// Text in a column of numbers.
    #[error(
        "{path}, line {line}, column {column:?}: there is {text:?} where a number is wanted: correct the field or \
         leave it empty"
    )]
    NotNumber { path: PathBuf, line: usize, column: String, text: String },
    /// Text where a regression, or a target of several columns, takes a number.
    #[error(
        "{path}, line {line}, column {column:?}: there is {text:?} where a number is to be learnt: correct the field, \
         or learn one column of classes with `task = classification`"
    )]
    TargetNotNumber { path: PathBuf, line: usize, column: String, text: String },
    /// A number that is infinite or out of the range of float32.
    #[error(
        "{path}, line {line}, column {column:?}: {text:?} is not a finite 32-bit number: correct the field or \
         remove the row"
    )]
    NotFinite { path: PathBuf, line: usize, column: String, text: String },
    /// A class name over several lines, which is what an open quotation mark leads to.
    #[error(
        "{path}, line {line}, column {column:?}: the text goes on over the end of the line: close its quotation mark \
         or take the line break out"
    )]
    LineBreak { path: PathBuf, line: usize, column: String },
    /// Bytes that are no text.
    #[error("{path}, line {line}: there are bytes that are no text: save the table as CSV in UTF-8")]
    NoText { path: PathBuf, line: usize },
    /// A file that is known to be something else than a table of text.
    #[error("{path}: this is {what} and no table of text: {todo}")]
    OtherKind { path: PathBuf, what: &'static str, todo: &'static str },
    /// Whatever else the CSV reader refuses.
    #[error("{path}: the table could not be read ({reason}): check the file")]
    Csv { path: PathBuf, reason: csv::Error },
    /// Other targets than the model's.
    #[error("{name}: the targets are {what} where the model has classes: give the kind of data it was trained on")]
    NotClasses { name: String, what: &'static str },
    /// Another number of target columns than the model has.
    #[error(
        "{path}: there are {found} target columns ({}) where the model has {}, {}: name as many",
        listed(targets), .model.len(), listed(model)
    )]
    TargetCount { path: PathBuf, found: usize, targets: Vec<String>, model: Vec<String> },
    /// The data has a class that the model was not trained on.
    #[error("{name}: the model does not know the class {class:?}; {}", nearest_of("class", class, known))]
    UnknownClass { name: String, class: String, known: Vec<String> },

    /// A fraction that is no fraction.
    #[error("the {part} fraction is {value}: give a number of at least 0 and less than 1")]
    Fraction { part: &'static str, value: f64 },
    /// Fractions that leave no room for training.
    #[error(
        "the validation fraction {validation} and the test fraction {test} leave nothing to train on: make their \
         sum less than 1"
    )]
    FractionSum { validation: f64, test: f64 },
    /// Too few rows for the fractions.
    #[error(
        "{name}: holding out {validation} rows for validation and {test} for the test leaves no row to train on: \
         lower the fractions"
    )]
    NoTrainingRows { name: String, validation: usize, test: usize },
    /// A test fraction for a set with a test part of its own.
    #[error("{name}: the set brings its own test part of {rows} rows: leave the share for test at 0")]
    OwnTestPart { name: String, rows: usize },
    /// More rows than a 32-bit row index can count.
    #[error("{name}: {rows} rows are more than can be indexed: give at most 4294967295")]
    TooManyRows { name: String, rows: usize },

    /// A column to split by was named for images.
    #[error("{name}: the rows are to be split by the column {}, but only tables have columns", quoted(column))]
    SplitOfImages { name: String, column: String },
    /// The column to split by is not there.
    #[error(
        "{name}: there is no column {} beside the target to split by {noun}; {}",
        quoted(column),
        nearest_of("column", column, columns)
    )]
    UnknownSplitColumn { name: String, noun: &'static str, column: String, columns: Vec<String> },
    /// The column to split by is the only one beside the target.
    #[error("{name}: beside the {noun} {} and the target no column is left to learn from", quoted(column))]
    OnlySplitColumn { name: String, noun: &'static str, column: String },
    /// A library opened the table without the column of groups in its options.
    #[error("{name}: the column {} was not opened as one of groups: name it in the option group", quoted(column))]
    GroupsNotTexts { name: String, column: String },
    /// A column of times that holds neither numbers nor dates.
    #[error(
        "{name}: the column {} holds texts such as {} where times are wanted: write them as numbers or dates, or name \
         another column",
        quoted(column),
        quoted(text)
    )]
    TimesAreTexts { name: String, column: String, text: String },
    /// A row without a time.
    #[error(
        "{name}: the column {} has no time in row {row} below the header: fill it in with a number or a date, or remove \
         the row",
        quoted(column)
    )]
    NoTime { name: String, column: String, row: usize },
    /// Fewer groups or times than parts.
    #[error(
        "{name}: the column {} has {found} {noun}{}, which is too few for the parts: hold out fewer parts, or split by \
         another column",
        quoted(column), if *found == 1 { "" } else { "s" }
    )]
    FewUnits { name: String, noun: &'static str, column: String, found: usize },
    /// A file for validation or test of another kind than the training data.
    #[error("{name}: {wanted} as the training data is wanted here: give a file of that kind")]
    PartKind { name: String, wanted: &'static str },
    /// Images of another size than those to train on.
    #[error("{name}: its images are {found:?} where the training images are {wanted:?}: give images of that size")]
    PartShape { name: String, found: Vec<usize>, wanted: Vec<usize> },
    /// A file for validation or test with targets of another kind.
    #[error("{name}: its targets are {found} where those of the training data are {wanted}: give targets of that kind")]
    PartTargets { name: String, found: String, wanted: String },
    /// A file for validation or test has a class that the training file has not.
    #[error(
        "{name}: the training data have no class {}: correct it or remove its rows; {}",
        quoted(class),
        nearest_of("class", class, known)
    )]
    NewClass { name: String, class: String, known: Vec<String> },

    /// A name that is no normalisation.
    #[error("there is no normalisation {name:?}; {}", nearest(name, known))]
    UnknownNormalize { name: String, known: Vec<&'static str> },
    /// ImageNet's numbers for rows that are no coloured pictures of bytes.
    #[error(
        "{name}: imagenet normalises red, green and blue pictures, which its rows are not: choose another normalisation"
    )]
    ImageNetOfOthers { name: String },
    /// A name that is no separator.
    #[error("there is no separator {name:?}; {}", nearest(name, known))]
    UnknownSeparator { name: String, known: Vec<&'static str> },
    /// A name that is no decimal mark.
    #[error("there is no decimal mark {name:?}; {}", nearest(name, known))]
    UnknownDecimal { name: String, known: Vec<&'static str> },
    /// A name that is no task.
    #[error("there is no task {name:?}; {}", nearest(name, known))]
    UnknownTask { name: String, known: Vec<&'static str> },

    /// A picture was given to a model of something else.
    #[error(
        "{path}: a picture cannot stand for a row of shape {shape:?} with values up to {largest}: give the model \
         the kind of data it was trained on"
    )]
    NotForPictures { path: PathBuf, shape: Vec<usize>, largest: f32 },
    /// The picture does not decode.
    #[error("{path}: the picture could not be decoded ({reason}): give a whole picture file")]
    Picture { path: PathBuf, reason: String },
    /// The picture is larger than is decoded here.
    #[error("{path}: the picture is too large to be decoded ({reason}): make it smaller")]
    PictureTooLarge { path: PathBuf, reason: String },
}

impl DataError {
    /// Whether it is a fault of what a target column holds.
    pub(super) fn is_of_target(&self, target: &str) -> bool {
        match self {
            Self::EmptyField { column, .. }
            | Self::MissingTarget { column, .. }
            | Self::NotLabel { column, .. }
            | Self::TargetNotNumber { column, .. }
            | Self::NotFinite { column, .. }
            | Self::ConstantTarget { column, .. } => column == target,
            Self::OneClass { .. } => true,
            Self::Several { faults } => faults.iter().any(|(fault, _)| fault.is_of_target(target)),
            _ => false,
        }
    }
}
