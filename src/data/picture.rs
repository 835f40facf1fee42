//! Pictures as single inputs.

use super::DataError;
use super::looks::{Drawing, Looks};
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use std::fs::File;
use std::io::{Cursor, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The largest side that is decoded, in pixels.
const SIDE: u32 = 16_384;
/// The most memory for a decoded picture, in bytes.
const MEMORY: u64 = 256 << 20;
/// The brightness on which transparent places are laid where no other is known.
const WHITE: u8 = 255;

/// A picture as one row of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureRow {
    /// The pixels, `[channels, height, width]` row-major, 0 to the largest value of the model's data.
    pub bytes: Vec<u8>,
    /// What was done to the picture beyond decoding it, in a short clause, or nothing.
    pub note: Option<String>,
}

/// How a picture becomes a row.
#[derive(Clone, Debug, Default)]
pub struct Rendering<'a> {
    /// `[channels, height, width]` with one (grey) or three (red, green, blue) channels.
    pub shape: &'a [usize],
    /// The largest value, which stands for white: 1 to 255.
    pub largest: f32,
    /// What the pictures of the training part look like, where it is known: transparent places are laid on their
    /// background, else on white.
    pub looks: Option<&'a Looks>,
    /// Dark becomes bright and bright dark, before anything else.
    pub invert: bool,
    /// The drawing is cut out, scaled to the size that drawings of the training part have, and laid with its centre of
    /// mass where theirs is. For that `looks` must be known.
    pub center: bool,
}

/// A decoded picture, before it is fitted to a model.
#[derive(Clone, Debug)]
pub struct Picture {
    path: PathBuf,
    image: DynamicImage,
}

impl Picture {
    /// Reads a PNG or JPEG file, known by its content, and turns it upright as its EXIF data says.
    ///
    /// # Errors
    /// The file cannot be read, is not a whole PNG or JPEG file or too large a picture.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Ok(Self { path: path.to_owned(), image: decode(path)? })
    }

    /// A grey picture out of another file, with values up to `largest`.
    ///
    /// # Panics
    /// The bytes are not `width` x `height`.
    pub fn grey(path: &Path, bytes: &[u8], [width, height]: [u32; 2], largest: f32) -> Self {
        let bytes = bytes.iter().map(|&value| (f32::from(value) * 255.0 / largest).round() as u8).collect();
        let image = image::GrayImage::from_raw(width, height, bytes).expect("a picture has its own size");
        Self { path: path.to_owned(), image: image.into() }
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> [u32; 2] {
        [self.image.width(), self.image.height()]
    }

    /// Whether it has no colours.
    pub(super) fn is_grey(&self) -> bool {
        !self.image.color().has_color()
    }

    /// Its colours and bits, as in "16-bit grey".
    pub(super) fn kind(&self) -> String {
        colours(&self.image)
    }

    /// Whether a part of it is transparent.
    pub(super) fn is_transparent(&self) -> bool {
        self.image.color().has_alpha() && self.image.to_rgba8().pixels().any(|pixel| pixel[3] < 255)
    }

    /// The picture as a row. One of another size is brought to the wanted one without regard to its proportions, one of
    /// other colours is converted; the note says so.
    ///
    /// # Errors
    /// The wanted shape is not that of images with 1 or 3 channels, or the largest value not in 1 to 255.
    pub fn row(&self, wanted: &Rendering<'_>) -> Result<PictureRow, DataError> {
        let (shape, largest) = (wanted.shape, wanted.largest);
        let refused = || DataError::NotForPictures { path: self.path.clone(), shape: shape.to_vec(), largest };
        let &[channels @ (1 | 3), height, width] = shape else {
            return Err(refused());
        };
        let (Ok(height), Ok(width)) = (u32::try_from(height), u32::try_from(width)) else {
            return Err(refused());
        };
        if !(1..=SIDE).contains(&height) || !(1..=SIDE).contains(&width) || !(1.0..=255.0).contains(&largest) {
            return Err(refused());
        }
        let mut image = self.image.clone();
        if wanted.invert {
            image.invert();
        }
        let ground = wanted.looks.map_or(WHITE, |looks| (looks.background * 255.0).round() as u8);
        let (image, was_transparent) = lay_on(image, ground);
        let image = if channels == 1 { image.to_luma8().into() } else { DynamicImage::from(image.to_rgb8()) };
        let centred = wanted.looks.filter(|_| wanted.center).and_then(|looks| centre(&image, (width, height), looks));
        let note = self.note(wanted, centred.is_some(), was_transparent);
        let image = match centred {
            Some(image) if channels == 1 => image.to_luma8().into(),
            Some(image) => image,
            None if (image.width(), image.height()) == (width, height) => image,
            None => image.resize_exact(width, height, FilterType::CatmullRom),
        };
        let scaled = |value: u8| (f32::from(value) * largest / 255.0).round() as u8;
        let pixels = image.as_bytes();
        let planes = (0..channels).flat_map(|channel| pixels.iter().skip(channel).step_by(channels));
        let bytes = planes.map(|&value| scaled(value)).collect();
        Ok(PictureRow { bytes, note })
    }

    /// What is done to it to make a row, in a clause.
    fn note(&self, wanted: &Rendering<'_>, is_centred: bool, was_transparent: bool) -> Option<String> {
        let (found, largest) = (colours(&self.image), wanted.largest);
        let [wide, high] = self.size().map(|side| side as usize);
        let &[channels, height, width] = wanted.shape else { return None };
        let mut steps = Vec::new();
        let kind = if channels == 1 { "grey" } else { "RGB" };
        if (wide, high, found.as_str()) != (width, height, kind) {
            steps.push(format!("{wide}x{high} {found} brought to {width}x{height} {kind}"));
        }
        if wanted.invert {
            steps.push("inverted".to_owned());
        }
        if is_centred {
            steps.push("the drawing centred".to_owned());
        } else if wide * height != high * width {
            steps.push("proportions changed".to_owned());
        }
        if was_transparent {
            let ground = if wanted.looks.is_some() { "the background of the training pictures" } else { "white" };
            steps.push(format!("transparency laid on {ground}"));
        }
        if largest != 255.0 {
            steps.push(format!("values brought from 0..255 to 0..{largest}"));
        }
        (!steps.is_empty()).then(|| steps.join(", "))
    }
}

/// The drawing of an image as drawings of the training part lie in a frame of `width` x `height`, as MNIST's were made:
/// scaled, with its proportions, until its longer side has their size, and its centre of mass laid where theirs is. A
/// blank image has none.
fn centre(image: &DynamicImage, (width, height): (u32, u32), looks: &Looks) -> Option<DynamicImage> {
    let image = image.to_rgb8();
    let own = background(&image);
    let drawing = Drawing::of(&ink(&image, own), image.width() as usize)?;
    let [left, top] = [drawing.columns[0] as u32, drawing.rows[0] as u32];
    let [wide, high] = [drawing.columns, drawing.rows].map(|[first, last]| (last + 1 - first) as u32);
    let cut = imageops::crop_imm(&image, left, top, wide, high).to_image();
    let room = [width, height].map(|side| f64::from(side) * looks.size.mean);
    let scale = (room[0] / f64::from(wide)).min(room[1] / f64::from(high));
    let [wide, high] = [wide, high].map(|side| ((f64::from(side) * scale).round() as u32).max(1));
    let cut = imageops::resize(&cut, wide, high, FilterType::CatmullRom);
    let middle = Drawing::of(&ink(&cut, own), wide as usize)?.centre;
    let place = |side: u32, share: f64, middle: f64| (f64::from(side) * share - middle).round() as i64;
    let (left, top) = (place(width, looks.x.mean, middle[0]), place(height, looks.y.mean, middle[1]));
    let ground = (looks.background * 255.0).round() as u8;
    let mut out = RgbImage::from_pixel(width, height, Rgb([ground; 3]));
    for (x, y, pixel) in cut.enumerate_pixels() {
        let (x, y) = (i64::from(x) + left, i64::from(y) + top);
        if (0..i64::from(width)).contains(&x) && (0..i64::from(height)).contains(&y) {
            // What differs from its own background differs as much from theirs.
            let moved = |i: usize| i16::from(pixel[i]) - i16::from(own[i]) + i16::from(ground);
            let value = [0, 1, 2].map(|i| moved(i).clamp(0, 255) as u8);
            out.put_pixel(x as u32, y as u32, Rgb(value));
        }
    }
    Some(out.into())
}

/// The median of the outermost pixels, by channel.
fn background(image: &RgbImage) -> [u8; 3] {
    let (right, bottom) = (image.width() - 1, image.height() - 1);
    let across = (0..=right).flat_map(|x| [(x, 0), (x, bottom)]);
    let rim: Vec<(u32, u32)> = across.chain((0..=bottom).flat_map(|y| [(0, y), (right, y)])).collect();
    [0, 1, 2].map(|channel| {
        let mut values: Vec<u8> = rim.iter().map(|&(x, y)| image.get_pixel(x, y)[channel]).collect();
        values.sort_unstable();
        values[values.len() / 2]
    })
}

/// How far each pixel is from the background, 0 to 1, where that is furthest.
fn ink(image: &RgbImage, background: [u8; 3]) -> Vec<f64> {
    let off = |pixel: &Rgb<u8>| (0..3).map(|i| pixel[i].abs_diff(background[i])).max().unwrap_or(0);
    image.pixels().map(|pixel| f64::from(off(pixel)) / 255.0).collect()
}

/// Decodes within the limits and turns the picture upright as its EXIF data says.
fn decode(path: &Path) -> Result<DynamicImage, DataError> {
    let bytes = read_plain(path)?;
    let refused = |error: ImageError| {
        let (path, reason) = (path.to_owned(), error.to_string());
        match error {
            ImageError::Limits(_) => DataError::PictureTooLarge { path, reason },
            _ => DataError::Picture { path, reason },
        }
    };
    let format = image::guess_format(&bytes).map_err(refused)?;
    if format == ImageFormat::Jpeg && !jpeg_is_whole(&bytes) {
        return Err(DataError::Picture { path: path.to_owned(), reason: "it is cut short".to_owned() });
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(refused)?;
    // The decoders bound their own buffers only, so the picture itself is counted here.
    limits.reserve(decoder.total_bytes()).map_err(refused)?;
    let orientation = decoder.orientation().map_err(refused)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn read_plain(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MEMORY + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > MEMORY => {
            let reason = format!("the file has more than {MEMORY} bytes");
            Err(DataError::PictureTooLarge { path: path.to_owned(), reason })
        }
        Ok(_) => Ok(bytes),
        Err(reason) if reason.kind() == ErrorKind::NotFound => Err(DataError::NotFound { path: path.to_owned() }),
        Err(reason) => Err(DataError::Read { path: path.to_owned(), reason }),
    }
}

/// Whether a JPEG file has its end marker: the decoder paints what is missing grey and says nothing.
///
/// A marker is 0xff and a byte that is not 0 (an escaped 0xff), 0xff (filling) or 0xd0 to 0xd7 (a restart). All but the
/// end marker 0xd9 begin a segment with a length; picture data follows some and holds no marker.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..);
    while let Some(segments) = rest {
        let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff | 0xd0..=0xd7);
        let Some(at) = segments.windows(2).position(is_marker) else {
            return false;
        };
        match segments[at + 1..] {
            [0xd9, ..] => return true,
            [_, high, low, ..] => rest = segments.get(at + 2 + usize::from(u16::from_be_bytes([high, low]))..),
            _ => return false,
        }
    }
    false
}

fn colours(image: &DynamicImage) -> String {
    let colour = image.color();
    let name = if colour.has_color() { "RGB" } else { "grey" };
    let bits = 8 * u32::from(colour.bytes_per_pixel()) / u32::from(colour.channel_count());
    if bits == 8 { name.to_owned() } else { format!("{bits}-bit {name}") }
}

/// The picture without transparency, laid on grey of a brightness, and whether it had any.
fn lay_on(image: DynamicImage, ground: u8) -> (DynamicImage, bool) {
    if !image.color().has_alpha() {
        return (image, false);
    }
    let rgba = image.to_rgba8();
    let transparent = rgba.pixels().any(|pixel| pixel[3] < 255);
    let laid = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + u32::from(ground) * (255 - alpha) + 127) / 255) as u8
    };
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in rgb.pixels_mut().zip(rgba.pixels()) {
        to.0 = [0, 1, 2].map(|channel| laid(from[channel], from[3]));
    }
    (rgb.into(), transparent)
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
