//! Pictures as single inputs.

use super::DataError;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage, imageops::FilterType};
use std::fs::File;
use std::io::{Cursor, ErrorKind, Read};
use std::path::Path;

/// The largest side that is decoded, in pixels.
const SIDE: u32 = 16_384;
/// The most memory for a decoded picture, in bytes.
const MEMORY: u64 = 256 << 20;

/// A picture as one row of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The pixels, `[channels, height, width]` row-major, 0 to the largest value of the model's data.
    pub bytes: Vec<u8>,
    /// What was done to the picture beyond decoding it, in a short clause, or nothing.
    pub note: Option<String>,
}

/// Reads a PNG or JPEG picture, known by its content, as a row of shape `[channels, height, width]` with one (grey) or
/// three (red, green, blue) channels and values from 0 to `largest`.
///
/// A picture of another size is brought to the wanted one without regard to its proportions, one of other colours is
/// converted, and transparent places are laid on white; the note says so.
///
/// # Errors
///
/// When the file cannot be read, is not a whole PNG or JPEG file or too large a picture, or the shape is not that of
/// images with 1 or 3 channels and `largest` not in 1 to 255.
pub fn load(path: &Path, shape: &[usize], largest: f32) -> Result<Picture, DataError> {
    let refused = || DataError::NotForPictures { path: path.to_owned(), shape: shape.to_vec(), largest };
    let &[channels @ (1 | 3), height, width] = shape else {
        return Err(refused());
    };
    let (Ok(height), Ok(width)) = (u32::try_from(height), u32::try_from(width)) else {
        return Err(refused());
    };
    if !(1..=SIDE).contains(&height) || !(1..=SIDE).contains(&width) || !(1.0..=255.0).contains(&largest) {
        return Err(refused());
    }
    let image = decode(path)?;
    let (colours, size) = (colours(&image), (image.width(), image.height()));
    let (image, on_white) = lay_on_white(image);
    let image = if channels == 1 { image.to_luma8().into() } else { DynamicImage::from(image.to_rgb8()) };
    let image = if size == (width, height) { image } else { image.resize_exact(width, height, FilterType::CatmullRom) };

    let wanted = if channels == 1 { "grey" } else { "RGB" };
    let mut steps = Vec::new();
    if (size, colours.as_str()) != ((width, height), wanted) {
        steps.push(format!("{}x{} {colours} brought to {width}x{height} {wanted}", size.0, size.1));
    }
    if u64::from(size.0) * u64::from(height) != u64::from(size.1) * u64::from(width) {
        steps.push("proportions changed".to_owned());
    }
    if on_white {
        steps.push("transparency laid on white".to_owned());
    }
    if largest != 255.0 {
        steps.push(format!("values brought from 0..255 to 0..{largest}"));
    }
    let scaled = |value: u8| (f32::from(value) * largest / 255.0).round() as u8;
    let pixels = image.as_bytes();
    let planes = (0..channels).flat_map(|channel| pixels.iter().skip(channel).step_by(channels));
    let bytes = planes.map(|&value| scaled(value)).collect();
    Ok(Picture { bytes, note: (!steps.is_empty()).then(|| steps.join(", ")) })
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

/// The picture without transparency, and whether it had any.
fn lay_on_white(image: DynamicImage) -> (DynamicImage, bool) {
    if !image.color().has_alpha() {
        return (image, false);
    }
    let rgba = image.to_rgba8();
    let transparent = rgba.pixels().any(|pixel| pixel[3] < 255);
    let on_white = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in rgb.pixels_mut().zip(rgba.pixels()) {
        to.0 = [0, 1, 2].map(|channel| on_white(from[channel], from[3]));
    }
    (rgb.into(), transparent)
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
