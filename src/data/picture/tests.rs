#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::data::fixture::write;
use image::{GrayImage, ImageFormat, Luma, LumaA, Rgb, RgbaImage};
use std::path::PathBuf;

fn saved(folder: &Path, image: impl Into<DynamicImage>, format: ImageFormat) -> PathBuf {
    // The name says nothing, so that the format must be known by its content.
    let path = folder.join("picture");
    image.into().save_with_format(&path, format).unwrap();
    path
}

fn load(path: &Path, shape: &[usize], largest: f32) -> Result<PictureRow, DataError> {
    Picture::read(path)?.row(&Rendering { shape, largest, ..Rendering::default() })
}

fn loaded(image: impl Into<DynamicImage>, shape: &[usize], largest: f32) -> PictureRow {
    let dir = tempfile::tempdir().unwrap();
    load(&saved(dir.path(), image, ImageFormat::Png), shape, largest).unwrap()
}

#[test]
fn a_fitting_picture_is_taken_as_it_is() {
    let image = GrayImage::from_vec(3, 2, vec![0, 10, 20, 30, 40, 255]).unwrap();
    let expected = PictureRow { bytes: vec![0, 10, 20, 30, 40, 255], note: None };
    assert_eq!(loaded(image, &[1, 2, 3], 255.0), expected);
}

#[test]
fn colours_lie_in_planes() {
    let image = RgbImage::from_vec(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
    assert_eq!(loaded(image, &[3, 1, 2], 255.0), PictureRow { bytes: vec![1, 4, 2, 5, 3, 6], note: None });
    let grey = GrayImage::from_vec(2, 1, vec![7, 9]).unwrap();
    let picture = loaded(grey, &[3, 1, 2], 255.0);
    assert_eq!(picture.bytes, [7, 9, 7, 9, 7, 9]);
    assert_eq!(picture.note.unwrap(), "2x1 grey brought to 2x1 RGB");
}

#[test]
fn another_size_and_colour_is_noted() {
    let picture = loaded(RgbImage::from_pixel(64, 48, Rgb([90, 90, 90])), &[1, 28, 28], 255.0);
    assert_eq!(picture.bytes, [90; 28 * 28]);
    assert_eq!(picture.note.unwrap(), "64x48 RGB brought to 28x28 grey, proportions changed");
    // Shrinking averages: a fine pattern of black and white becomes grey.
    let fine = GrayImage::from_fn(32, 32, |x, y| Luma([if (x + y) % 2 == 0 { 0 } else { 255 }]));
    let picture = loaded(fine, &[1, 8, 8], 255.0);
    assert!(picture.bytes.iter().all(|value| (118..=137).contains(value)), "{:?}", picture.bytes);
    assert_eq!(picture.note.unwrap(), "32x32 grey brought to 8x8 grey");
}

#[test]
fn values_are_brought_to_the_range_of_the_data() {
    let picture = loaded(GrayImage::from_vec(4, 1, vec![0, 7, 8, 255]).unwrap(), &[1, 1, 4], 16.0);
    assert_eq!(picture.bytes, [0, 0, 1, 16]);
    assert_eq!(picture.note.unwrap(), "values brought from 0..255 to 0..16");
}

#[test]
fn transparency_and_depth_are_noted() {
    let image = RgbaImage::from_vec(2, 1, vec![0, 0, 0, 0, 0, 0, 0, 255]).unwrap();
    let picture = loaded(image, &[1, 1, 2], 255.0);
    assert_eq!(picture.bytes, [255, 0]);
    assert_eq!(picture.note.unwrap(), "2x1 RGB brought to 2x1 grey, transparency laid on white");
    let half = image::GrayAlphaImage::from_pixel(1, 1, LumaA([100, 51]));
    assert_eq!(loaded(half, &[1, 1, 1], 255.0).bytes, [224]);
    let deep = image::ImageBuffer::<Luma<u16>, _>::from_pixel(1, 1, Luma([65_535]));
    let picture = loaded(deep, &[1, 1, 1], 255.0);
    assert_eq!((picture.bytes, picture.note.unwrap().as_str()), (vec![255], "1x1 16-bit grey brought to 1x1 grey"));
}

#[test]
fn jpeg_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(dir.path(), GrayImage::from_pixel(8, 8, Luma([200])), ImageFormat::Jpeg);
    let picture = load(&path, &[1, 8, 8], 255.0).unwrap();
    assert!(picture.bytes.iter().all(|value| value.abs_diff(200) <= 2), "{:?}", picture.bytes);
    assert_eq!(picture.note, None);
}

#[test]
fn other_kinds_of_rows_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(dir.path(), GrayImage::new(2, 2), ImageFormat::Png);
    for shape in [&[4][..], &[2, 2], &[2, 2, 2], &[1, 0, 2], &[1, 2, usize::MAX], &[1, 1, 2, 2]] {
        assert!(matches!(load(&path, shape, 255.0), Err(DataError::NotForPictures { .. })), "{shape:?}");
    }
    for largest in [0.0, 256.0, f32::NAN] {
        assert!(matches!(load(&path, &[1, 2, 2], largest), Err(DataError::NotForPictures { .. })), "{largest}");
    }
}

#[test]
fn broken_and_missing_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none.png");
    assert!(matches!(load(&none, &[1, 2, 2], 255.0), Err(DataError::NotFound { .. })));
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let noise = GrayImage::from_fn(64, 64, |x, y| Luma([(x * 31 + y * 97 + x * y) as u8]));
        let bytes = std::fs::read(saved(dir.path(), noise, format)).unwrap();
        for length in [12, bytes.len() / 2, bytes.len() - 20] {
            let cut = write(dir.path(), "cut", &bytes[..length]);
            let error = load(&cut, &[1, 2, 2], 255.0).unwrap_err();
            assert!(matches!(error, DataError::Picture { .. }), "{format:?} of {length} bytes: {error}");
        }
    }
    let text = write(dir.path(), "text.png", b"not a picture");
    assert!(matches!(load(&text, &[1, 2, 2], 255.0), Err(DataError::Picture { .. })));
}

#[test]
fn a_bomb_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let wide = saved(dir.path(), GrayImage::new(20_000, 1), ImageFormat::Png);
    assert!(matches!(load(&wide, &[1, 2, 2], 255.0), Err(DataError::PictureTooLarge { .. })));
    // A header of 16,000x16,000 RGB pixels before the data of another picture, with its own check sum.
    let mut bytes = std::fs::read(saved(dir.path(), RgbImage::new(2, 2), ImageFormat::Png)).unwrap();
    bytes[16..24].copy_from_slice(&[0, 0, 0x3e, 0x80, 0, 0, 0x3e, 0x80]);
    let mut sum = flate2::Crc::new();
    sum.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.sum().to_be_bytes());
    let bomb = write(dir.path(), "bomb.png", &bytes);
    assert!(matches!(load(&bomb, &[1, 2, 2], 255.0), Err(DataError::PictureTooLarge { .. })));
}

/// What the pictures of a training part look like that is drawn in white on a dark ground.
fn looks() -> Looks {
    let spread = |mean| crate::data::Spread { mean, deviation: 0.01 };
    Looks { background: 0.2, mean: spread(0.2), border: spread(0.2), size: spread(0.5), x: spread(0.5), y: spread(0.5) }
}

fn rendered(image: impl Into<DynamicImage>, rendering: Rendering<'_>) -> PictureRow {
    let picture = Picture { path: PathBuf::new(), image: image.into(), cmyk: false };
    picture.row(&Rendering { shape: &[1, 8, 8], largest: 255.0, ..rendering }).unwrap()
}

#[test]
fn transparency_is_laid_on_the_background_of_the_training_pictures() {
    let looks = looks();
    let image = RgbaImage::from_fn(8, 8, |x, _| image::Rgba([255, 255, 255, if x == 3 { 255 } else { 0 }]));
    let row = rendered(image.clone(), Rendering { looks: Some(&looks), ..Rendering::default() });
    assert_eq!(row.bytes[..8], [51, 51, 51, 255, 51, 51, 51, 51]);
    assert!(row.note.unwrap().ends_with("transparency laid on the background of the training pictures"));
    // What is inverted is the colour, not the transparency.
    let row = rendered(image, Rendering { looks: Some(&looks), invert: true, ..Rendering::default() });
    assert_eq!(row.bytes[..8], [51, 51, 51, 0, 51, 51, 51, 51]);
    assert!(row.note.unwrap().contains("inverted"));
}

#[test]
fn a_drawing_is_centred_with_its_proportions() {
    let looks = looks();
    // 40x20 pixels of white in a corner of black become 4x2 in the middle of 8x8.
    let image = GrayImage::from_fn(200, 120, |x, y| {
        Luma([if (150..190).contains(&x) && (90..110).contains(&y) { 255 } else { 0 }])
    });
    let row = rendered(image, Rendering { looks: Some(&looks), center: true, ..Rendering::default() });
    let bright: Vec<usize> = (0..64).filter(|&at| row.bytes[at] > 200).collect();
    assert_eq!(bright, [26, 27, 28, 29, 34, 35, 36, 37]);
    assert!((0..64).filter(|at| !bright.contains(at)).all(|at| row.bytes[at] == 51), "{:?}", row.bytes);
    assert_eq!(row.note.unwrap(), "200x120 grey brought to 8x8 grey, the drawing centred");
    // Black on white is cut out as well, and stays darker than its ground; a blank picture stays as it is.
    let image =
        GrayImage::from_fn(80, 80, |x, y| Luma([if (10..30).contains(&x) && (10..30).contains(&y) { 0 } else { 255 }]));
    let row = rendered(image, Rendering { looks: Some(&looks), center: true, ..Rendering::default() });
    assert_eq!((row.bytes[0], row.bytes[27]), (51, 0));
    let row = rendered(
        GrayImage::from_pixel(80, 80, Luma([9])),
        Rendering { looks: Some(&looks), center: true, ..Rendering::default() },
    );
    assert_eq!((row.bytes, row.note.unwrap().as_str()), (vec![9; 64], "80x80 grey brought to 8x8 grey"));
}

/// A picture of a file that Pillow wrote: red to the left, blue to the right, green at the top.
fn of_pillow(name: &str, channels: usize) -> (PictureRow, [usize; 2]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/pictures").join(name);
    let picture = Picture::read(&path).unwrap();
    let size = picture.size();
    assert_eq!(Head::read(&path).unwrap().size, size, "{name}");
    let shape = [channels, size[0], size[1]];
    (picture.row(&Rendering { shape: &shape, largest: 255.0, ..Rendering::default() }).unwrap(), size)
}

#[test]
fn all_formats_are_read_by_their_content_and_turned_upright() {
    for (name, scale, within) in [
        ("palette.png", 1, 0),
        ("moving.gif", 1, 0),
        ("plain.bmp", 1, 0),
        ("lzw.tif", 1, 0),
        ("lossless.webp", 1, 0),
        ("lossy.webp", 8, 60),
        ("turned.jpg", 8, 12),
        ("cmyk.jpg", 8, 12),
    ] {
        let (row, size) = of_pillow(name, 3);
        assert_eq!(size, [4 * scale, 6 * scale], "{name}");
        let pixel = |y: usize, x: usize| [0, 1, 2].map(|c| row.bytes[(c * size[0] + y) * size[1] + x]);
        let half = scale / 2;
        let places = [
            ([3 * scale + half, half], [200, 30, 20]),
            ([3 * scale + half, 5 * scale + half], [20, 40, 210]),
            ([half, scale + half], [10, 180, 30]),
        ];
        for ([y, x], wanted) in places {
            let found = pixel(y, x);
            assert!((0..3).all(|c| found[c].abs_diff(wanted[c]) <= within), "{name} at {y}, {x}: {found:?}");
        }
        let is_told = row.note.is_some_and(|note| note.contains("CMYK brought to 48x32 RGB"));
        assert_eq!(is_told, name == "cmyk.jpg", "{name}");
    }
    let (row, _) = of_pillow("glass.webp", 3);
    assert_eq!((row.bytes[0], row.bytes[2], row.note.unwrap()), (255, 10, "transparency laid on white".to_owned()));
    assert_eq!(of_pillow("bits.png", 1).0.note, None);
}
