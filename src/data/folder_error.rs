//! What is wrong with a folder of pictures, or of the files of CIFAR-10.

use std::path::PathBuf;
use thiserror::Error;

/// Why a folder could not be read as a data set: what was wrong, where, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message of each variant says what its fields hold")]
pub enum FolderError {
    /// A folder without anything that is known.
    #[error(
        "{folder}: there is no data set in this folder: put a folder of PNG or JPEG files for each class there, or the \
         IDX files train-images-idx3-ubyte and train-labels-idx1-ubyte, or CIFAR-10's data_batch_1.bin and so on"
    )]
    NoData { folder: PathBuf },
    /// A library that was built without the reader of pictures.
    #[error("{folder}: its PNG and JPEG files are read only by a library that is built with the feature cli")]
    NoReader { folder: PathBuf },
    /// A file beside the folders of classes.
    #[error(
        "{path}: nothing says which class it has: put every picture into a folder that is named as its class, as {wanted}"
    )]
    NoClass { path: PathBuf, wanted: PathBuf },
    /// Something else than a picture in the folder of a class.
    #[error("{path}: a PNG or JPEG file is wanted here: remove it")]
    NotPicture { path: PathBuf },
    /// The folder of a class without pictures.
    #[error("{folder}: there is no picture in this folder: put PNG or JPEG files of its class there, or remove it")]
    EmptyClass { folder: PathBuf },
    /// A folder whose name is no text.
    #[error("{folder}: its name is that of a class, and no Unicode text of one line: give it another name")]
    ClassName { folder: PathBuf },
    /// Pictures of several sizes.
    #[error(
        "{path} has {}x{} pixels where {first} has {}x{}: pictures of several sizes cannot be trained on, so bring all \
         to one size",
        found[0], found[1], wanted[0], wanted[1]
    )]
    OtherSize { path: PathBuf, found: [u32; 2], first: PathBuf, wanted: [u32; 2] },
    /// A picture that shows what is behind it.
    #[error("{path}: a part of this picture is transparent: lay it on the background that it is to be seen on")]
    Transparent { path: PathBuf },
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
