//! Folders as people have them: names of classes, what systems leave behind, files that are not what they are called.

use super::{images, opened};
use crate::data::fixture::write;
use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use std::fs;
use std::path::Path;

fn save(folder: &Path, name: &str, format: ImageFormat) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let image = DynamicImage::from(GrayImage::from_pixel(4, 3, Luma([9])));
    // These two know colours only.
    let coloured = matches!(format, ImageFormat::Gif | ImageFormat::WebP);
    let image = if coloured { image.to_rgb8().into() } else { image };
    image.save_with_format(path, format).unwrap();
}

#[test]
fn names_of_classes_may_have_blanks_and_letters_of_all_scripts() {
    let dir = tempfile::tempdir().unwrap();
    for name in
        ["black cat/1.png", "Katze (schön)/ä b.png", "猫/三.png", "__MACOSX/x/._1.png", ".ipynb_checkpoints/1.png"]
    {
        save(dir.path(), name, ImageFormat::Png);
    }
    write(dir.path(), "猫/Thumbs.db", b"");
    let set = opened(dir.path()).unwrap();
    assert_eq!((set.rows(), set.targets.names()), (3, &["Katze (schön)", "black cat", "猫"].map(str::to_owned)[..]));
    assert_eq!(set.notes, Vec::<String>::new());
}

#[test]
fn classes_that_differ_in_case_alone_are_told() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["Cat/1.png", "cat/1.png", "dog/1.png"] {
        save(dir.path(), name, ImageFormat::Png);
    }
    let Ok(set) = opened(dir.path()) else { return };
    if set.targets.names().len() == 3 {
        assert!(set.notes[0].contains("\"Cat\" and \"cat\" differ in upper and lower case alone"), "{:?}", set.notes);
    }
}

#[test]
fn the_content_says_what_a_file_is() {
    let dir = tempfile::tempdir().unwrap();
    let formats = [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Tiff, ImageFormat::WebP];
    for (at, format) in formats.into_iter().enumerate() {
        save(dir.path(), &format!("{}/{at}.jpg", at % 2), format);
        assert_eq!(
            format
                .extensions_str()
                .iter()
                .filter(|ending| !crate::data::is_picture(&dir.path().join("x").with_extension(ending)))
                .count(),
            0
        );
    }
    let set = opened(dir.path()).unwrap();
    let (bytes, shape) = images(&set);
    assert_eq!((bytes, shape), (&[9; 5 * 36][..], &[3, 3, 4][..]));
    let notes = set.notes.join("\n");
    assert!(notes.contains("of 5 pictures are grey and became RGB"), "{notes}");
    write(dir.path(), "1/7.jpg", b"some text");
    let message = opened(dir.path()).unwrap_err().to_string();
    assert!(message.contains("7.jpg: the picture could not be decoded (its content is none of PNG, JPEG"), "{message}");
}

#[test]
fn transparent_places_are_laid_on_white_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), "a/1.png", ImageFormat::Png);
    fs::create_dir(dir.path().join("b")).unwrap();
    image::GrayAlphaImage::from_pixel(4, 3, image::LumaA([100, 51])).save(dir.path().join("b/1.png")).unwrap();
    let set = opened(dir.path()).unwrap();
    assert_eq!(images(&set).0[12..], [224; 12]);
    assert!(set.notes.join("\n").contains("1 of 2 pictures are transparent in part and were laid on white"));
}
