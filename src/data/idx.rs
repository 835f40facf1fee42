//! The IDX format of MNIST: a big-endian header `magic, dim...` and then unsigned bytes, plain or gzip.

use super::classes::{Texts, sorted};
use super::opened::{Content, Opened};
use super::source::{read_bytes, read_start};
use super::{DataError, Targets};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The magic number of images: unsigned bytes (8), 3 dimensions.
pub(super) const IMAGES: u32 = 0x0803;
/// The magic number of labels: unsigned bytes (8), 1 dimension.
const LABELS: u32 = 0x0801;
/// The type codes of the format, in the third byte of a file.
const TYPES: [u8; 6] = [0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e];

/// What is told of EMNIST, whose files hold rows for columns.
const ON_THEIR_SIDE: &str = "the images of EMNIST are mirrored and lie on their side: they are taken as they are, so pictures \
                             for predict must lie likewise";

/// The images of one IDX file, without labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// The pixels, `[count, height, width]` row-major, 0 to 255.
    pub bytes: Vec<u8>,
    /// The number of images, at least 1.
    pub count: usize,
    /// Pixels from top to bottom, at least 1.
    pub height: usize,
    /// Pixels from left to right, at least 1.
    pub width: usize,
}

/// Whether a file, plain or gzip, begins as IDX files of any type and dimensions do.
///
/// # Errors
///
/// When the file cannot be read, or is gzip and broken within its first bytes.
pub fn is_idx(path: &Path) -> Result<bool, DataError> {
    let start = read_start(path, 4)?;
    Ok(matches!(start[..], [0, 0, kind, dims] if TYPES.contains(&kind) && dims > 0))
}

/// Reads an IDX file of images, plain or gzip.
///
/// # Errors
///
/// When the file cannot be read, is not an IDX file of unsigned bytes with three dimensions, holds no pixels, or has
/// another length than its header says.
pub fn read_images(path: &Path) -> Result<Images, DataError> {
    let ([count, height, width], bytes) = read(path, IMAGES)?;
    Ok(Images { bytes, count, height, width })
}

/// What an IDX file with a magic number holds.
fn kind_of(magic: u32) -> &'static str {
    if magic == IMAGES { "images (unsigned bytes, 3 dimensions)" } else { "labels (unsigned bytes, 1 dimension)" }
}

/// The dimensions and the data of an IDX file with `D` dimensions.
///
/// The length is checked against the bytes there are, so a false header costs no memory; the product of 32-bit
/// dimensions fits into 128 bits.
fn read<const D: usize>(path: &Path, magic: u32) -> Result<([usize; D], Vec<u8>), DataError> {
    let mut bytes = read_bytes(path)?;
    let expected = 4 * (1 + D);
    let words = bytes.chunks_exact(4).take(1 + D).map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    let words: Vec<u32> = words.collect();
    if let Some(&found) = words.first()
        && found != magic
    {
        return Err(DataError::IdxMagic { path: path.to_owned(), found, expected: magic, kind: kind_of(magic) });
    }
    if words.len() < 1 + D {
        return Err(DataError::IdxHeader { path: path.to_owned(), found: bytes.len(), expected });
    }
    let dims: [usize; D] = std::array::from_fn(|i| words[1 + i] as usize);
    let promised: u128 = dims.iter().map(|&dim| dim as u128).product();
    bytes.drain(..expected);
    let (path, found) = (path.to_owned(), bytes.len());
    match (found as u128).cmp(&promised) {
        Ordering::Less => Err(DataError::IdxShort { path, found, expected: promised }),
        Ordering::Greater => Err(DataError::IdxLong { path, found, expected: promised }),
        Ordering::Equal if promised == 0 => Err(DataError::IdxEmpty { path, dims: dims.to_vec() }),
        Ordering::Equal => Ok((dims, bytes)),
    }
}

/// Opens a folder with the training pair of files and, if it is there, the test pair.
///
/// The names are those of MNIST, behind a prefix such as `emnist-letters-` if all have it; the test part may be named
/// `test` in place of `t10k`. Shape `[1, height, width]`; the classes are the label values of both parts.
pub(super) fn open_folder(name: String, folder: &Path) -> Result<Opened, DataError> {
    let set = only_set(folder)?;
    let Some(train) = find_pair(folder, &format!("{set}train"))? else {
        return Err(missing(folder, "train-images-idx3-ubyte"));
    };
    let (mut images, mut labels) = read_pair(&train)?;
    let train_rows = labels.len();
    let mut test_part = None;
    let test = find_pair(folder, &format!("{set}t10k"))?;
    if let Some(test) = test.map_or_else(|| find_pair(folder, &format!("{set}test")), |pair| Ok(Some(pair)))? {
        let (test_images, test_labels) = read_pair(&test)?;
        let (train_size, test_size) = ([images.height, images.width], [test_images.height, test_images.width]);
        if train_size != test_size {
            return Err(DataError::SizesDiffer { path: folder.to_owned(), train: train_size, test: test_size });
        }
        images.bytes.extend(test_images.bytes);
        labels.extend(test_labels);
        test_part = Some(train_rows..labels.len());
    }
    let names: [String; 256] = std::array::from_fn(|value| value.to_string());
    let mut numbered = Texts::default();
    for value in labels {
        numbered.push(&names[usize::from(value)]);
    }
    let (rows, texts) = numbered.finish();
    let (labels, names) = sorted(rows, texts);
    if let [class] = &names[..] {
        return Err(DataError::OneClass { path: folder.to_owned(), class: class.clone() });
    }
    let shape = vec![1, images.height, images.width];
    let content = Content::Images { bytes: images.bytes, shape, largest: 255.0 };
    let notes = if set.to_lowercase().contains("emnist") { vec![ON_THEIR_SIDE.to_owned()] } else { vec![] };
    Ok(Opened { test: test_part, notes, ..Opened::of(name, Targets::Classes { labels, names }, content) })
}

struct Pair {
    images: PathBuf,
    labels: PathBuf,
}

fn missing(folder: &Path, file: &str) -> DataError {
    DataError::NoIdxFile { folder: folder.to_owned(), file: file.to_owned() }
}

/// What stands before the usual names of the files of the only set in a folder; nothing if one has those names themselves,
/// or if there is none.
fn only_set(folder: &Path) -> Result<String, DataError> {
    let failed = |reason| DataError::Read { path: folder.to_owned(), reason };
    let mut sets = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let file = entry.map_err(failed)?.file_name();
        let file = file.to_string_lossy();
        let file = file.strip_suffix(".gz").unwrap_or(&file);
        let ends = ["train-images-idx3-ubyte", "train-images.idx3-ubyte"];
        sets.extend(ends.iter().find_map(|end| file.strip_suffix(end)).map(str::to_owned));
    }
    match sets.len() {
        0 | 1 => Ok(sets.pop_first().unwrap_or_default()),
        _ if sets.contains("") => Ok(String::new()),
        _ => {
            let sets = sets.iter().map(|set| set.trim_end_matches('-').to_owned()).collect();
            Err(DataError::SeveralIdxSets { folder: folder.to_owned(), sets })
        }
    }
}

/// The files of one part, or nothing if both are missing; one without the other is an error.
fn find_pair(folder: &Path, part: &str) -> Result<Option<Pair>, DataError> {
    let missing = |kind: &str| missing(folder, &format!("{part}-{kind}-ubyte"));
    match (find(folder, part, "images", 3), find(folder, part, "labels", 1)) {
        (Some(images), Some(labels)) => Ok(Some(Pair { images, labels })),
        (Some(_), None) => Err(missing("labels-idx1")),
        (None, Some(_)) => Err(missing("images-idx3")),
        (None, None) => Ok(None),
    }
}

fn find(folder: &Path, part: &str, kind: &str, dims: u32) -> Option<PathBuf> {
    let names = ["-", "."].map(|dash| format!("{part}-{kind}{dash}idx{dims}-ubyte"));
    let paths = names.iter().flat_map(|name| [folder.join(name), folder.join(format!("{name}.gz"))]);
    paths.into_iter().find(|path| path.is_file())
}

fn read_pair(pair: &Pair) -> Result<(Images, Vec<u8>), DataError> {
    let images = read_images(&pair.images)?;
    let ([count], labels) = read(&pair.labels, LABELS)?;
    if images.count != count {
        return Err(DataError::CountsDiffer {
            images: pair.images.clone(),
            image_count: images.count,
            labels: pair.labels.clone(),
            label_count: count,
        });
    }
    Ok((images, labels))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::data::fixture::{gzip, idx, idx_folder, write};

    /// Reads bytes as a file of images.
    fn images(bytes: &[u8]) -> Result<Images, DataError> {
        let dir = tempfile::tempdir().unwrap();
        read_images(&write(dir.path(), "images", bytes))
    }

    /// Opens the folder of the fixture with some files written anew.
    fn changed(files: &[(&str, Vec<u8>)]) -> Result<Opened, DataError> {
        let dir = tempfile::tempdir().unwrap();
        idx_folder(dir.path());
        for (name, bytes) in files {
            write(dir.path(), name, bytes);
        }
        open_folder("changed".to_owned(), dir.path())
    }

    #[test]
    fn a_folder_opens_with_its_test_part_last() {
        let dataset = changed(&[]).unwrap();
        let bytes = vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255];
        assert_eq!(dataset.content, Content::Images { bytes, shape: vec![1, 2, 1], largest: 255.0 });
        assert_eq!(dataset.test, Some(4..6));
        let (labels, classes) = dataset.targets.classes().unwrap();
        assert_eq!((labels, classes), (&[1, 0, 1, 0, 2, 0][..], &["3", "7", "10"].map(str::to_owned)[..]));
    }

    #[test]
    fn the_test_pair_may_be_missing() {
        let dir = tempfile::tempdir().unwrap();
        idx_folder(dir.path());
        fs::remove_file(dir.path().join("t10k-images.idx3-ubyte")).unwrap();
        let message = open_folder(String::new(), dir.path()).unwrap_err().to_string();
        assert!(message.contains("t10k-images-idx3-ubyte"), "{message}");
        fs::remove_file(dir.path().join("t10k-labels-idx1-ubyte")).unwrap();
        let dataset = open_folder(String::new(), dir.path()).unwrap();
        assert_eq!((dataset.rows(), dataset.test), (4, None));
        fs::remove_file(dir.path().join("train-labels-idx1-ubyte.gz")).unwrap();
        let message = open_folder(String::new(), dir.path()).unwrap_err().to_string();
        assert!(message.contains("train-labels-idx1-ubyte"), "{message}");
        fs::remove_file(dir.path().join("train-images-idx3-ubyte")).unwrap();
        let message = open_folder(String::new(), dir.path()).unwrap_err().to_string();
        assert!(message.contains("train-images-idx3-ubyte"), "{message}");
    }

    #[test]
    fn names_of_emnist_are_known() {
        let dir = tempfile::tempdir().unwrap();
        idx_folder(dir.path());
        for entry in fs::read_dir(dir.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().replace("t10k", "test");
            fs::rename(&path, dir.path().join(format!("emnist-letters-{name}"))).unwrap();
        }
        let opened = || open_folder(String::new(), dir.path());
        let letters = opened().unwrap();
        assert_eq!((letters.rows(), letters.test, letters.notes.len()), (6, Some(4..6), 1));
        write(dir.path(), "emnist-digits-train-images-idx3-ubyte.gz", b"");
        let message = opened().unwrap_err().to_string();
        assert!(message.contains("\"emnist-digits\", \"emnist-letters\""), "{message}");
        idx_folder(dir.path());
        assert_eq!(opened().unwrap().notes.len(), 0);
    }

    #[test]
    fn images_are_read_plain_and_packed() {
        let file = idx(2051, &[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        let expected = Images { bytes: vec![1, 2, 3, 4, 5, 6], count: 2, height: 1, width: 3 };
        assert_eq!(images(&file).unwrap(), expected);
        assert_eq!(images(&gzip(&file)).unwrap(), expected);
        assert!(matches!(images(&gzip(&file)[..20]), Err(DataError::GzipTruncated { .. })));
    }

    #[test]
    fn another_magic_number_is_named() {
        let message = images(&idx(2049, &[2], &[1, 2])).unwrap_err().to_string();
        assert!(
            message.contains("2049") && message.contains("2051") && message.contains("unsigned bytes"),
            "{message}"
        );
        let message = changed(&[("train-labels-idx1-ubyte", idx(0x0d01, &[1], &[0; 4]))]).unwrap_err().to_string();
        assert!(message.contains("3329") && message.contains("2049"), "{message}");
    }

    #[test]
    fn the_length_must_be_what_the_header_says() {
        for length in [0, 3, 4, 15] {
            let header = &idx(2051, &[1, 1, 1], &[])[..length];
            let error = images(header).unwrap_err();
            assert!(matches!(error, DataError::IdxHeader { found, expected: 16, .. } if found == length), "{error}");
        }
        let error = images(&idx(2051, &[2, 1, 2], &[1, 2, 3])).unwrap_err();
        assert!(matches!(error, DataError::IdxShort { found: 3, expected: 4, .. }), "{error}");
        let error = images(&idx(2051, &[2, 1, 2], &[1, 2, 3, 4, 5])).unwrap_err();
        assert!(matches!(error, DataError::IdxLong { found: 5, expected: 4, .. }), "{error}");
    }

    #[test]
    fn a_header_that_promises_too_much_costs_nothing() {
        let error = images(&idx(2051, &[1 << 20, 1 << 20, 1 << 20], &[1])).unwrap_err();
        assert!(matches!(error, DataError::IdxShort { expected, .. } if expected == 1 << 60), "{error}");
        let error = images(&idx(2051, &[u32::MAX; 3], &[1])).unwrap_err();
        assert!(
            matches!(error, DataError::IdxShort { expected, .. } if expected == u128::from(u32::MAX).pow(3)),
            "{error}"
        );
    }

    #[test]
    fn no_items_are_refused() {
        for dims in [[0, 2, 2], [2, 0, 2], [2, 2, 0]] {
            assert!(matches!(images(&idx(2051, &dims, &[])), Err(DataError::IdxEmpty { .. })), "{dims:?}");
        }
    }

    #[test]
    fn files_must_belong_together() {
        let error = changed(&[("train-labels-idx1-ubyte", idx(2049, &[3], &[7, 3, 7]))]).unwrap_err();
        assert!(matches!(error, DataError::CountsDiffer { image_count: 4, label_count: 3, .. }), "{error}");
        let error = changed(&[("t10k-images-idx3-ubyte", idx(2051, &[2, 1, 2], &[0; 4]))]).unwrap_err();
        assert!(matches!(error, DataError::SizesDiffer { train: [2, 1], test: [1, 2], .. }), "{error}");
        let same = |name, count| (name, idx(2049, &[count], &[7; 4][..count as usize]));
        let error = changed(&[same("train-labels-idx1-ubyte", 4), same("t10k-labels-idx1-ubyte", 2)]).unwrap_err();
        assert!(error.to_string().contains("at least two classes"), "{error}");
        // One class in each part is enough, if they are two.
        assert_eq!(changed(&[same("train-labels-idx1-ubyte", 4)]).unwrap().targets.names(), ["3", "7", "10"]);
    }

    #[test]
    fn idx_is_known_by_its_first_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let known = |bytes: &[u8]| is_idx(&write(dir.path(), "file", bytes)).unwrap();
        assert!(known(&idx(2051, &[], &[])) && known(&gzip(&idx(2049, &[1], &[1]))) && known(&[0, 0, 0x0d, 2]));
        assert!(!known(b"\x89PNG") && !known(&[0, 0, 8]) && !known(&[0, 0, 7, 3]) && !known(&[0, 0, 8, 0]));
        assert!(matches!(is_idx(&dir.path().join("none")), Err(DataError::NotFound { .. })));
    }
}
