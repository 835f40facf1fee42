//! Files for the tests of this floor.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::opened::{Content, Opened};
use super::{Dataset, Encoding, Framing, Targets, Values};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use std::path::{Path, PathBuf};

pub(super) fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn idx(magic: u32, dims: &[u32], data: &[u8]) -> Vec<u8> {
    let words = std::iter::once(&magic).chain(dims).flat_map(|word| word.to_be_bytes());
    words.chain(data.iter().copied()).collect()
}

/// Four training images of 2x1 pixels with the labels 7, 3, 7, 3 and two test images with the labels 10, 3.
pub(super) fn idx_folder(folder: &Path) {
    write(folder, "train-images-idx3-ubyte", &idx(2051, &[4, 2, 1], &[0, 1, 2, 3, 4, 5, 6, 7]));
    write(folder, "train-labels-idx1-ubyte.gz", &gzip(&idx(2049, &[4], &[7, 3, 7, 3])));
    write(folder, "t10k-images.idx3-ubyte", &idx(2051, &[2, 2, 1], &[8, 9, 10, 255]));
    write(folder, "t10k-labels-idx1-ubyte", &idx(2049, &[2], &[10, 3]));
}

/// A set of one feature with the given labels, whose values are the row numbers.
pub(super) fn labelled(labels: Vec<u32>) -> Dataset {
    let classes = labels.iter().max().map_or(0, |&largest| largest + 1);
    Dataset {
        name: "made up".to_owned(),
        values: Values::Floats((0..labels.len()).map(|row| row as f32).collect()),
        shape: vec![1],
        largest: 0.0,
        targets: Targets::Classes { labels, names: (0..classes).map(|class| class.to_string()).collect() },
        columns: vec!["x".to_owned()],
        encoding: Encoding::default(),
        target: Some("label".to_owned()),
        dialect: None,
        test: None,
        framing: Framing::default(),
        pool: None,
    }
}

/// What a set of given targets is before it is encoded; it has no features.
pub(super) fn opened(targets: Targets) -> Opened {
    let content = Content::Table { path: PathBuf::from("made up"), columns: vec![], missing: vec![] };
    Opened::of("made up".to_owned(), targets, content)
}
