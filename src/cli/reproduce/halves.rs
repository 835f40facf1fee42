//! MNIST in two data sets: the digits from 0 to 4, and those from 5 to 9.

use super::other_folder;
use crate::cli::{data_dir, setting};
use crate::data::{Dataset, Normalize, Options, Targets, Values, open};
use crate::error::Error;
use crate::files;
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The folders of the halves in the folder of a figure, and the digits of each.
const HALVES: [(&str, Range<u32>); 2] = [("digits-0-4", 0..5), ("digits-5-9", 5..10)];

/// The folders of both halves.
pub(super) fn folders(out: &Path) -> [PathBuf; 2] {
    HALVES.map(|(name, _)| out.join(name))
}

/// Writes the IDX files of both halves that are not there yet, each half in a folder of its own.
///
/// # Errors
/// MNIST cannot be read, or a file cannot be written; or a file of another content is there, which stays, and nothing is written.
pub(super) fn write(out: &Path) -> Result<(), Error> {
    let mnist = open("mnist", &Options::default(), data_dir().as_deref())?;
    let mnist = mnist.encode(&[], Normalize::None)?.dataset;
    let Some(test) = mnist.test.clone() else { return Err(setting("the folder mnist lacks the test part of MNIST")) };
    let mut missing = vec![];
    for (name, digits) in HALVES {
        for (part, rows) in [("train", 0..test.start), ("t10k", test.clone())] {
            for (file, bytes) in part_of(part, &mnist, (rows, &digits)) {
                let path = out.join(name).join(file);
                match fs::read(&path) {
                    Ok(found) if found == bytes => {}
                    Ok(_) => return Err(other_folder(&path, "does not hold these digits of MNIST")),
                    Err(why) if why.kind() == ErrorKind::NotFound => missing.push((path, bytes)),
                    Err(why) => return Err(Error::file(path, "cannot be read")(why)),
                }
            }
        }
    }
    for folder in folders(out) {
        fs::create_dir_all(&folder).map_err(Error::file(folder, "cannot be made"))?;
    }
    for (path, bytes) in missing {
        files::replace(&path, &bytes).map_err(Error::file(path, "cannot be written"))?;
    }
    Ok(())
}

/// The files, each with its name, of those of some rows whose class is one of `digits`.
fn part_of(part: &str, mnist: &Dataset, (rows, digits): (Range<usize>, &Range<u32>)) -> [(String, Vec<u8>); 2] {
    let Targets::Classes { labels, .. } = &mnist.targets else { panic!("IDX files of labels hold classes") };
    let rows: Vec<u32> = rows.filter(|&row| digits.contains(&labels[row])).map(|row| row as u32).collect();
    let Values::Bytes(pixels) = mnist.values_of(&rows) else { panic!("IDX files of images hold bytes") };
    let classes: Vec<u8> = rows.iter().map(|&row| labels[row as usize] as u8).collect();
    let images = [&[rows.len()], &mnist.shape[1..]].concat();
    [("images-idx3", images, pixels), ("labels-idx1", vec![rows.len()], classes)].map(|(name, dims, bytes)| {
        let header = [0, 0, 8, dims.len() as u8].into_iter();
        let dims = dims.iter().flat_map(|&dim| (dim as u32).to_be_bytes());
        (format!("{part}-{name}-ubyte"), header.chain(dims).chain(bytes).collect())
    })
}
