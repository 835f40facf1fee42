//! What is wrong with a folder or a table of pictures, or with the files of CIFAR-10.

use std::path::PathBuf;
use thiserror::Error;

/// Why a folder could not be read as a data set: what was wrong, where, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message of each variant says what its fields hold")]
pub enum FolderError {
    /// A folder without anything that is known.
    #[error(
        "{folder}: there is no data set in this folder: put a folder of PNG, JPEG, WebP, BMP, GIF or TIFF files for each \
         class there, or the IDX files train-images-idx3-ubyte and train-labels-idx1-ubyte, CIFAR-10's data_batch_1.bin and \
         so on, or the arrays x.npy and y.npy"
    )]
    NoData { folder: PathBuf },
    /// A library that was built without the reader of pictures.
    #[error("{folder}: its pictures are read only by a library that is built with the feature cli")]
    NoReader { folder: PathBuf },
    /// A file beside the folders of classes.
    #[error(
        "{path}: nothing says which class it has: put every picture into a folder that is named as its class, as {wanted}"
    )]
    NoClass { path: PathBuf, wanted: PathBuf },
    /// Something else than a picture in the folder of a class.
    #[error("{path}: a PNG, JPEG, WebP, BMP, GIF or TIFF file is wanted here: remove it")]
    NotPicture { path: PathBuf },
    /// The folder of a class without pictures.
    #[error("{folder}: there is no picture in this folder: put pictures of its class there, or remove it")]
    EmptyClass { folder: PathBuf },
    /// A folder whose name is no text.
    #[error("{folder}: its name is that of a class, and no Unicode text of one line: give it another name")]
    ClassName { folder: PathBuf },
    /// Pictures of several sizes where only one is known.
    #[error(
        "{path} has {}x{} pixels where {first} has {}x{}, and the pictures that were trained on are of one size and seen \
         whole: bring all to one size",
        found[1], found[0], wanted[1], wanted[0]
    )]
    OtherSize { path: PathBuf, found: [usize; 2], first: PathBuf, wanted: [usize; 2] },
    /// A picture of which less is left than is to be seen.
    #[error("{of} has {}, which is smaller than the crop of {}x{}: set a smaller `crop` or a larger `scale`",
        brought_to(*found, *brought), crop[1], crop[0])]
    SmallerThanCrop { of: String, found: [usize; 2], brought: [usize; 2], crop: [usize; 2] },
    /// A picture of which a model wants to see more than there is.
    #[error("{path} has {}, which is smaller than the {}x{} that the model sees of it: cut its long side or leave it out",
        brought_to(*found, *brought), seen[1], seen[0])]
    Narrow { path: PathBuf, found: [usize; 2], brought: [usize; 2], seen: [usize; 2] },
    /// A class of which no picture could be read.
    #[error("the class {class:?} has no picture that can be read: put whole pictures there, or remove its folder")]
    NoneRead { class: String },
    /// More pixels than half of the memory that is free.
    #[error(
        "{folder}: its pictures take {} MB, and half of the memory that is free is {} MB: set `crop` and `scale` to {fits} or \
         less, or free some memory",
        needed >> 20, room >> 20
    )]
    NoRoom { folder: PathBuf, needed: usize, room: usize, fits: usize },
    /// A column of pictures that is named as something else too.
    #[error("{table}: the settings image and {setting} both name the column {image:?}: take it out of one")]
    ImageTwice { table: PathBuf, image: String, setting: &'static str },
    /// A setting that says how columns become features, where pictures are the features.
    #[error(
        "{table}: the setting {setting} was given, but the features are the pictures of the column {image:?} and no other \
         column: leave it out"
    )]
    SettingOfColumns { table: PathBuf, setting: &'static str, image: String },
    /// A column of pictures was named for something else than a table.
    #[error("{name}: the column of pictures {image:?} was named, but only tables have columns: leave image out")]
    ImageOfOther { name: String, image: String },
    /// A batch of CIFAR-10 is not there.
    #[error("{path}: this file of CIFAR-10 is not there: put all of data_batch_1.bin to data_batch_5.bin there")]
    NoBatch { path: PathBuf },
    /// A batch of CIFAR-10 that does not hold whole rows.
    #[error(
        "{path}: it has {found} bytes where each picture of CIFAR-10 takes 3073, so 10000 of them 30730000: fetch or \
         unpack the file again"
    )]
    BatchLength { path: PathBuf, found: usize },
    /// A label beyond the ten classes.
    #[error("{path}: picture {row} has the label {label} where 0 to 9 are wanted: check that this is CIFAR-10's file")]
    BatchLabel { path: PathBuf, row: usize, label: u8 },
    /// Other names of classes than ten different ones.
    #[error("{path}: ten different names of classes are wanted, one a line: fetch or unpack the file again")]
    BatchNames { path: PathBuf },
}

/// The size of a picture, and what it becomes, both width by height.
fn brought_to(found: [usize; 2], brought: [usize; 2]) -> String {
    let found_text = format!("{}x{} pixels", found[1], found[0]);
    if found == brought { found_text } else { format!("{found_text}, brought to {}x{}", brought[1], brought[0]) }
}
