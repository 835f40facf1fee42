//! MNIST in two data sets: the digits from 0 to 4, and those from 5 to 9.

use crate::cli::{data_dir, setting};
use crate::data::{Dataset, Normalize, Options, Targets, Values, open};
use crate::error::Error;
use crate::files;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Writes the IDX files of both halves, each in a folder of its own, and gives the folders.
pub(super) fn write(out: &Path) -> Result<[PathBuf; 2], Error> {
    let mnist = open("mnist", &Options::default(), data_dir().as_deref())?;
    let mnist = mnist.encode(&[], Normalize::None)?.dataset;
    let Some(test) = mnist.test.clone() else { return Err(setting("the folder mnist lacks the test part of MNIST")) };
    let folders = [out.join("digits-0-4"), out.join("digits-5-9")];
    for (folder, digits) in folders.iter().zip([0..5, 5..10]) {
        fs::create_dir_all(folder).map_err(Error::file(folder, "cannot be made"))?;
        write_part(folder, "train", &mnist, (0..test.start, &digits))?;
        write_part(folder, "t10k", &mnist, (test.clone(), &digits))?;
    }
    Ok(folders)
}

/// Writes those of some rows whose class is one of `digits`.
fn write_part(
    folder: &Path,
    part: &str,
    mnist: &Dataset,
    (rows, digits): (Range<usize>, &Range<u32>),
) -> Result<(), Error> {
    let Targets::Classes { labels, .. } = &mnist.targets else { panic!("IDX files of labels hold classes") };
    let rows: Vec<u32> = rows.filter(|&row| digits.contains(&labels[row])).map(|row| row as u32).collect();
    let Values::Bytes(pixels) = mnist.values_of(&rows) else { panic!("IDX files of images hold bytes") };
    let classes: Vec<u8> = rows.iter().map(|&row| labels[row as usize] as u8).collect();
    let images = [&[rows.len()], &mnist.shape[1..]].concat();
    for (name, dims, bytes) in [("images-idx3", images, pixels), ("labels-idx1", vec![rows.len()], classes)] {
        let header = [0, 0, 8, dims.len() as u8].into_iter();
        let dims = dims.iter().flat_map(|&dim| (dim as u32).to_be_bytes());
        let path = folder.join(format!("{part}-{name}-ubyte"));
        files::replace(&path, &header.chain(dims).chain(bytes).collect::<Vec<u8>>())
            .map_err(Error::file(path, "cannot be written"))?;
    }
    Ok(())
}
