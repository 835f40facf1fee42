#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(feature = "cli")]
use crate::data::PictureOptions;
use crate::data::fixture::write;
use crate::data::opened::{Content, Opened};
use crate::data::{DataError, FolderError, Options, open};
use std::fs;
use std::path::Path;

fn opened(folder: &Path) -> Result<Opened, DataError> {
    open(folder.to_str().unwrap(), &Options::default(), None)
}

#[cfg(feature = "cli")]
fn opened_as(folder: &Path, pictures: PictureOptions) -> Result<Opened, DataError> {
    open(folder.to_str().unwrap(), &Options { pictures, ..Options::default() }, None)
}

fn images(opened: &Opened) -> (&[u8], &[usize]) {
    let Content::Images { bytes, shape, largest: 255.0 } = &opened.content else { panic!("{opened:?}") };
    (bytes, shape)
}

/// Rows of CIFAR-10: a label and 3,072 bytes, here all equal.
fn batch(rows: &[(u8, u8)]) -> Vec<u8> {
    rows.iter().flat_map(|&(label, value)| [vec![label], vec![value; 3072]].concat()).collect()
}

/// Two rows in each batch but the last, which has one; a row to test on.
fn cifar(folder: &Path) {
    for i in 0..5u8 {
        let rows = [(i, 2 * i), (9 - i, 2 * i + 1)];
        write(folder, &format!("data_batch_{}.bin", i + 1), &batch(&rows[..if i == 4 { 1 } else { 2 }]));
    }
    write(folder, "test_batch.bin", &batch(&[(3, 255)]));
}

#[test]
fn the_batches_of_cifar_follow_one_another_and_the_test_part_is_last() {
    let dir = tempfile::tempdir().unwrap();
    cifar(dir.path());
    let set = opened(dir.path()).unwrap();
    let (bytes, shape) = images(&set);
    let firsts: Vec<u8> = bytes.chunks(3072).map(|picture| picture[0]).collect();
    assert_eq!((shape, firsts), (&[3, 32, 32][..], vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 255]));
    assert_eq!(set.test, Some(9..10));
    let (labels, names) = set.targets.classes().unwrap();
    assert_eq!(labels, [0, 9, 1, 8, 2, 7, 3, 6, 4, 3]);
    assert_eq!((names.len(), names[3].as_str(), names[9].as_str()), (10, "cat", "truck"));

    // The planes keep their order, and the names of the file win.
    let planes = [vec![5], vec![1; 1024], vec![2; 1024], vec![3; 1024]].concat();
    write(dir.path(), "data_batch_1.bin", &planes);
    write(dir.path(), "batches.meta.txt", b"a\r\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
    fs::remove_file(dir.path().join("test_batch.bin")).unwrap();
    let set = opened(dir.path()).unwrap();
    assert_eq!(images(&set).0[..3072], planes[1..]);
    assert_eq!((set.test.clone(), set.targets.names()[9].as_str()), (None, "j"));
}

#[test]
fn the_archive_of_cifar_is_found_by_name_and_by_path() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("cifar10/cifar-10-batches-bin");
    fs::create_dir_all(&inner).unwrap();
    cifar(&inner);
    assert_eq!(opened(&dir.path().join("cifar10")).unwrap().rows(), 10);
    let named = open("cifar10", &Options::default(), Some(dir.path())).unwrap();
    assert_eq!((named.name.as_str(), named.rows()), ("cifar10", 10));
    let message = open("cifar10", &Options::default(), None).unwrap_err().to_string();
    assert!(message.contains("the folder cifar10"), "{message}");
}

#[test]
fn broken_batches_of_cifar_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let with = |file: &str, bytes: &[u8]| {
        cifar(dir.path());
        write(dir.path(), file, bytes);
        opened(dir.path()).unwrap_err().to_string()
    };
    for bytes in [&batch(&[(1, 1)])[..3072], &[], &batch(&[(1, 1), (2, 2)])[..3074]] {
        let message = with("data_batch_2.bin", bytes);
        let wanted = ["data_batch_2.bin", &format!("{} bytes", bytes.len()), "3073", "30730000"];
        assert!(wanted.iter().all(|part| message.contains(part)), "{message}");
    }
    let message = with("data_batch_2.bin", &batch(&[(1, 1), (10, 2)]));
    assert!(message.contains("picture 2 has the label 10"), "{message}");
    write(dir.path(), "data_batch_2.bin", &batch(&[(1, 1)]));
    for names in ["a\nb\n", "a\na\nc\nd\ne\nf\ng\nh\ni\nj\n"] {
        let message = with("batches.meta.txt", names.as_bytes());
        assert!(message.contains("batches.meta.txt: ten different names"), "{message}");
    }
    fs::remove_file(dir.path().join("batches.meta.txt")).unwrap();
    fs::remove_file(dir.path().join("data_batch_4.bin")).unwrap();
    let message = opened(dir.path()).unwrap_err().to_string();
    assert!(message.contains("data_batch_4.bin: this file"), "{message}");
}

#[test]
fn a_folder_without_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a/b")).unwrap();
    write(dir.path(), "notes.txt", b"");
    let error = opened(dir.path()).unwrap_err();
    assert!(matches!(error, DataError::Folder(FolderError::NoData { .. })), "{error}");
}

#[cfg(feature = "cli")]
mod kept;
#[cfg(feature = "cli")]
mod named;
#[cfg(feature = "cli")]
mod several_sizes;

#[cfg(feature = "cli")]
mod pictures {
    use super::*;
    use crate::data::{Filed, Picture, Rendering, Targets, holds_pictures, validation_folder};
    use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage};

    /// A picture of 3x2 pixels, each with another value.
    fn grey(seed: u8) -> DynamicImage {
        GrayImage::from_fn(3, 2, |x, y| Luma([seed.wrapping_add(40 * (3 * y + x) as u8)])).into()
    }

    fn colour(seed: u8) -> DynamicImage {
        RgbImage::from_fn(3, 2, |x, y| Rgb([seed + x as u8, (10 * y as u8).wrapping_mul(seed), 255 - seed - x as u8]))
            .into()
    }

    fn save(image: &DynamicImage, folder: &Path, name: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image.save(path).unwrap();
    }

    #[test]
    fn grey_pictures_are_read_in_order_of_class_and_name() {
        let dir = tempfile::tempdir().unwrap();
        for (name, seed) in [("10/b.png", 1), ("9/c.PNG", 2), ("9/a.png", 3), ("10/a.png", 4)] {
            save(&grey(seed), dir.path(), name);
        }
        for hidden in [".DS_Store", "Thumbs.db", "9/.hidden.png", "10/desktop.ini"] {
            write(dir.path(), hidden, b"");
        }
        let set = opened(dir.path()).unwrap();
        let (bytes, shape) = images(&set);
        let firsts: Vec<u8> = bytes.chunks(6).map(|picture| picture[0]).collect();
        assert_eq!((shape, firsts), (&[1, 2, 3][..], vec![4, 1, 3, 2]));
        assert_eq!(bytes[..6], [4, 44, 84, 124, 164, 204]);
        let targets = Targets::Classes { labels: vec![1, 1, 0, 0], names: vec!["9".into(), "10".into()] };
        assert_eq!((&set.targets, set.test, set.notes.len()), (&targets, None, 0));
    }

    /// The judge is what prediction makes of each file.
    #[test]
    fn pictures_of_several_kinds_are_as_prediction_sees_them() {
        let dir = tempfile::tempdir().unwrap();
        let deep = ImageBuffer::from_fn(3, 2, |x, y| Luma([7000 * (x + y) as u16 + 77]));
        let deep_colour = ImageBuffer::from_fn(3, 2, |x, y| Rgb([9000 * x as u16 + 99, 60_000, 31_000 * y as u16]));
        let opaque = GrayAlphaImage::from_fn(3, 2, |x, y| LumaA([50 * (x + y) as u8, 255]));
        let opaque_colour = RgbaImage::from_fn(3, 2, |x, y| Rgba([90, 50 * x as u8, 70 * y as u8, 255]));
        let kinds: [(&str, DynamicImage); 7] = [
            ("a/1.png", grey(5)),
            ("a/2.png", deep.into()),
            ("a/3.png", opaque.into()),
            ("b/4.png", colour(20)),
            ("b/5.png", deep_colour.into()),
            ("b/6.png", opaque_colour.into()),
            ("b/7.jpg", colour(120)),
        ];
        kinds.iter().for_each(|(name, image)| save(image, dir.path(), name));
        let set = opened(dir.path()).unwrap();
        let (bytes, shape) = images(&set);
        assert_eq!(shape, [3, 2, 3]);
        let wanted = Rendering { shape, largest: 255.0, ..Rendering::default() };
        for ((name, _), found) in kinds.iter().zip(bytes.chunks(18)) {
            let row = Picture::read(&dir.path().join(name)).unwrap().row(&wanted).unwrap();
            assert_eq!(row.bytes, found, "{name}");
        }
        let notes = set.notes.join("\n");
        assert!(notes.contains("2 of 7 pictures are grey and became RGB"), "{notes}");
        assert!(notes.contains("1 of 7 pictures are 16-bit RGB and became RGB"), "{notes}");
        // The same where colours come first.
        fs::rename(dir.path().join("a"), dir.path().join("c")).unwrap();
        let turned = opened(dir.path()).unwrap();
        assert_eq!(images(&turned).0, [&bytes[3 * 18..], &bytes[..3 * 18]].concat());
    }

    #[test]
    fn a_test_part_comes_last_and_what_is_left_out_is_told() {
        let dir = tempfile::tempdir().unwrap();
        for (name, seed) in [("train/b/1.png", 1), ("test/a/1.png", 2), ("train/a/1.png", 3), ("test/b/9.png", 4)] {
            save(&grey(seed), dir.path(), name);
        }
        save(&grey(9), dir.path(), "val/a/1.png");
        write(dir.path(), "labels.csv", b"");
        assert!(holds_pictures(dir.path()).unwrap());
        let set = opened(dir.path()).unwrap();
        let firsts: Vec<u8> = images(&set).0.chunks(6).map(|picture| picture[0]).collect();
        assert_eq!((firsts, set.test.clone()), (vec![3, 1, 2, 4], Some(2..4)));
        assert_eq!(set.targets.classes().unwrap().0, [0, 1, 0, 1]);
        let notes = set.notes.join("\n");
        assert!(!notes.contains("val") && notes.contains("labels.csv"), "{notes}");
        let own = validation_folder(dir.path().to_str().unwrap(), None);
        assert_eq!(own, Some(dir.path().join("val")));
        // Pictures to test on without classes are no test part.
        fs::remove_dir_all(dir.path().join("test")).unwrap();
        save(&grey(8), dir.path(), "test/1.png");
        let filed = Filed::of(dir.path()).unwrap();
        assert_eq!((filed.paths.len(), filed.test), (2, None));
        assert!(filed.notes.join("\n").contains("labels.csv, test"), "{:?}", filed.notes);
        // A class may be called train.
        let words = dir.path().join("train");
        fs::rename(words.join("a"), words.join("train")).unwrap();
        assert_eq!(opened(&words).unwrap().targets.names(), ["b", "train"]);
    }

    #[test]
    fn what_cannot_be_trained_on_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let with = |name: &str, image: Option<&DynamicImage>, wanted: &[&str]| {
            match image {
                Some(image) => save(image, dir.path(), name),
                None => _ = write(dir.path(), name, b"no picture"),
            }
            let message = opened(dir.path()).unwrap_err().to_string();
            let told = message.replace('\\', "/");
            assert!(wanted.iter().all(|part| told.contains(part)), "{name}: {message}");
            fs::remove_file(dir.path().join(name)).unwrap();
        };
        save(&grey(1), dir.path(), "a/1.png");
        let message = opened(dir.path()).unwrap_err().to_string();
        assert!(message.contains("the class \"a\"") && message.contains("two classes"), "{message}");
        save(&grey(2), dir.path(), "b/1.png");
        opened(dir.path()).unwrap();
        with("b/2.png", None, &["b/2.png", "could not be decoded"]);
        with("a/0.png", None, &["a/0.png", "could not be decoded"]);
        with("b/notes.txt", None, &["b/notes.txt", "GIF or TIFF file is wanted"]);
        with("c.png", Some(&grey(1)), &["c.png", "which class", "CLASS/c.png"]);
        with("notes.txt", None, &["notes.txt", "which class"]);
        write(dir.path(), "a/2.jpg", b"no picture");
        with("b/2.png", None, &["a/2.jpg", "b/2.png"]);
        fs::remove_file(dir.path().join("a/2.jpg")).unwrap();
        fs::create_dir_all(dir.path().join("c")).unwrap();
        let message = opened(dir.path()).unwrap_err().to_string();
        assert!(message.contains("there is no picture in this folder"), "{message}");
        fs::create_dir_all(dir.path().join("c/d.png")).unwrap();
        let message = opened(dir.path()).unwrap_err().to_string();
        assert!(message.contains("d.png: a PNG, JPEG, WebP, BMP, GIF or TIFF file is wanted"), "{message}");
    }

    /// More pictures than are decoded at once would be with one thread, in the order of their names on any number.
    #[test]
    fn rows_do_not_depend_on_the_threads() {
        let dir = tempfile::tempdir().unwrap();
        (0..60u8).for_each(|i| save(&grey(i), dir.path(), &format!("{}/{i:02}.png", i % 2)));
        let of = |threads| crate::threads::with(threads, || opened(dir.path()).unwrap());
        let one = of(1);
        assert_eq!(one, of(3));
        let firsts: Vec<u8> = images(&one).0.chunks(6).map(|picture| picture[0]).collect();
        assert_eq!(firsts, (0..60).step_by(2).chain((1..60).step_by(2)).collect::<Vec<u8>>());
    }
}
