//! Folders of photographs: what is seen of pictures, what is kept in full, and that prediction sees the same.

use super::{images, opened, opened_as};
use crate::data::{Framing, Opened, Picture, PictureOptions, Place, Rendering, Seen};
use image::{GrayImage, Luma, Rgb, RgbImage};
use std::fs;
use std::path::Path;

/// A picture of many values.
fn save(folder: &Path, name: &str, [width, height]: [u32; 2]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let value = |x: u32, y: u32, c: u32| (x * 7 * (c + 1) + y * 13 + x * y) as u8;
    RgbImage::from_fn(width, height, |x, y| Rgb([0, 1, 2].map(|c| value(x, y, c)))).save(path).unwrap();
}

fn photographs(folder: &Path) {
    save(folder, "a/1.png", [50, 31]);
    save(folder, "a/2.png", [20, 90]);
    save(folder, "b/1.png", [40, 40]);
    save(folder, "b/2.png", [1, 1]);
}

fn with(crop: Option<&str>, scale: Option<&str>) -> PictureOptions {
    let (crop, scale) = (crop.map(|text| text.parse().unwrap()), scale.map(|text| text.parse().unwrap()));
    PictureOptions { crop, scale, ..PictureOptions::default() }
}

/// The rows must be those that prediction makes of the files.
fn check_rows(set: &Opened, folder: &Path, files: &[&str]) {
    let (bytes, shape) = images(set);
    let rendering = Rendering { shape, largest: 255.0, framing: set.framing, ..Rendering::default() };
    assert_eq!(bytes.len(), files.len() * shape.iter().product::<usize>());
    for (file, found) in files.iter().zip(bytes.chunks(shape.iter().product())) {
        let row = Picture::read(&folder.join(file)).unwrap().row(&rendering).unwrap();
        assert!(row.bytes == found, "{file}");
    }
}

const FILES: [&str; 4] = ["a/1.png", "a/2.png", "b/1.png", "b/2.png"];

#[test]
fn without_settings_the_middle_of_64_pixels_is_seen_and_told() {
    let dir = tempfile::tempdir().unwrap();
    photographs(dir.path());
    let set = opened(dir.path()).unwrap();
    assert_eq!((images(&set).1, set.framing), (&[3, 64, 64][..], Framing::Middle { short: 64 }));
    check_rows(&set, dir.path(), &FILES);
    let notes = set.notes.join("\n");
    assert!(notes.contains("from 1x1 to 20x90") && notes.contains("shorter side of 64 pixels"), "{notes}");
    assert_eq!(set.pool, None);
}

#[test]
fn what_training_cuts_from_is_kept_in_full() {
    let dir = tempfile::tempdir().unwrap();
    photographs(dir.path());
    let sizes = |set: &Opened| -> Vec<[u32; 2]> {
        let pool = set.pool.as_ref().unwrap();
        let mut at = 0;
        for place in &pool.places {
            assert_eq!(place.offset, at);
            at += 3 * (place.height * place.width) as usize;
        }
        assert_eq!(at, pool.bytes.len());
        pool.places.iter().map(|place| [place.height, place.width]).collect()
    };
    let set = opened_as(dir.path(), with(Some("24x16"), Some("24..32"))).unwrap();
    assert_eq!((images(&set).1, set.framing), (&[3, 24, 16][..], Framing::Middle { short: 28 }));
    check_rows(&set, dir.path(), &FILES);
    assert_eq!(sizes(&set), [[31, 50], [90, 20], [32, 32], [1, 1]]);
    let pool = set.pool.unwrap();
    assert_eq!(pool.bytes[..3 * 50 * 31], Picture::read(&dir.path().join("a/1.png")).unwrap().pixels(3).0);
    // The larger side of a crop is what the shorter side becomes, so that every picture is large enough.
    let set = opened_as(dir.path(), with(Some("24x16"), None)).unwrap();
    assert_eq!((images(&set).1, set.framing), (&[3, 24, 16][..], Framing::Middle { short: 24 }));
    assert_eq!(sizes(&set), [[24, 38], [90, 20], [24, 24], [1, 1]]);
    check_rows(&set, dir.path(), &FILES);
    // One scale and no crop: nothing is drawn.
    let set = opened_as(dir.path(), with(None, Some("20"))).unwrap();
    assert_eq!((images(&set).1, set.pool.is_none()), (&[3, 20, 20][..], true));
    let message = opened_as(dir.path(), with(Some("40"), Some("30..50"))).unwrap_err().to_string();
    assert!(
        message.contains("1.png has 50x31 pixels, brought to 48x30, which is smaller than the crop of 40x40"),
        "{message}"
    );
    assert!(message.contains("`crop`") && message.contains("`scale`"), "{message}");
}

#[test]
fn of_pictures_of_one_size_the_middle_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["train/a/1.png", "train/b/1.png", "test/a/1.png"] {
        save(dir.path(), name, [12, 10]);
    }
    let files = ["train/a/1.png", "train/b/1.png", "test/a/1.png"];
    let set = opened_as(dir.path(), with(Some("8 padding=2"), None)).unwrap();
    assert_eq!((images(&set).1, set.framing), (&[3, 8, 8][..], Framing::Middle { short: 10 }));
    check_rows(&set, dir.path(), &files);
    let pool = set.pool.as_ref().unwrap();
    let place = |offset| Place { offset, height: 10, width: 12 };
    assert_eq!((&pool.places[..], pool.bytes.len()), (&[place(0), place(360), Place::default()][..], 720));
    // Padding alone changes nothing for evaluation.
    let padded = opened_as(dir.path(), with(Some("10x12 padding=4"), None)).unwrap();
    assert_eq!((images(&padded).1, padded.framing, &padded.pool), (&[3, 10, 12][..], Framing::Stretched, &None));
    check_rows(&padded, dir.path(), &files);
    let message = opened_as(dir.path(), with(Some("16"), None)).unwrap_err().to_string();
    assert!(message.contains("has 12x10 pixels, which is smaller than the crop of 16x16"), "{message}");
    // The same as those of a model or of the rows to train on, whatever their own sizes are.
    save(dir.path(), "test/b/1.png", [33, 44]);
    let like = Some(Seen { framing: set.framing, shape: [3, 8, 8] });
    let other = opened_as(&dir.path().join("test"), PictureOptions { like, ..PictureOptions::default() }).unwrap();
    assert_eq!((images(&other).1, other.pool.is_none()), (&[3, 8, 8][..], true));
    check_rows(&other, dir.path(), &["test/a/1.png", "test/b/1.png"]);
    let like = Some(Seen { framing: Framing::Stretched, shape: [3, 10, 12] });
    let refused = opened_as(&dir.path().join("test"), PictureOptions { like, ..PictureOptions::default() });
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("has 33x44 pixels where") && message.contains("12x10"), "{message}");
}

#[test]
fn pictures_that_cannot_be_read_are_left_out_if_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    photographs(dir.path());
    for name in ["test/a/1.png", "test/b/1.png"] {
        save(dir.path(), name, [9, 9]);
    }
    fs::create_dir(dir.path().join("train")).unwrap();
    for class in ["a", "b"] {
        fs::rename(dir.path().join(class), dir.path().join("train").join(class)).unwrap();
    }
    let bytes = fs::read(dir.path().join("train/a/2.png")).unwrap();
    fs::write(dir.path().join("train/a/0.png"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(dir.path().join("train/b/1.png"), b"no picture").unwrap();
    let message = opened(dir.path()).unwrap_err().to_string();
    assert!(message.contains("0.png: ") && message.contains("1.png: "), "{message}");
    let skip = PictureOptions { skip_broken: true, ..PictureOptions::default() };
    let set = opened_as(dir.path(), skip).unwrap();
    assert_eq!((set.rows(), set.test.clone(), set.targets.classes().unwrap().0), (5, Some(3..5), &[0, 0, 1, 0, 1][..]));
    let notes = set.notes.join("\n");
    assert!(notes.contains("2 of 7 pictures cannot be read and are left out, the first of them"), "{notes}");
    check_rows(&set, dir.path(), &["train/a/1.png", "train/a/2.png", "train/b/2.png", "test/a/1.png", "test/b/1.png"]);
    for file in ["train/b/2.png", "test/b/1.png"] {
        fs::write(dir.path().join(file), b"").unwrap();
    }
    let message = opened_as(dir.path(), skip).unwrap_err().to_string();
    assert!(message.contains("the class \"b\" has no picture that can be read"), "{message}");
}

#[test]
fn a_picture_too_narrow_for_a_model_is_refused() {
    let image = GrayImage::from_pixel(10, 40, Luma([7]));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.png");
    image.save(&path).unwrap();
    let row = |framing, shape: &[usize]| {
        let rendering = Rendering { shape, largest: 255.0, framing, ..Rendering::default() };
        Picture::read(&path).unwrap().row(&rendering)
    };
    let message = row(Framing::Middle { short: 16 }, &[1, 16, 20]).unwrap_err().to_string();
    assert!(message.contains("10x40 pixels, brought to 16x64") && message.contains("20x16"), "{message}");
    let seen = row(Framing::Middle { short: 16 }, &[3, 16, 16]).unwrap();
    assert_eq!(
        seen.note.unwrap(),
        "grey brought to RGB, brought to a shorter side of 16 pixels, the middle of 16x16 taken"
    );
    assert_eq!(
        row(Framing::Stretched, &[1, 3, 3]).unwrap().note.unwrap(),
        "10x40 grey brought to 3x3 grey, proportions changed"
    );
}
