//! Pictures as single inputs.

mod drawing;
mod file;

use super::DataError;
use super::folder_error::FolderError;
use super::framing::{Framing, View};
use super::looks::Looks;
use super::views::planar;
use drawing::centre;
use file::{File, SIDE};
use image::imageops::FilterType;
use image::{DynamicImage, RgbImage};
use std::path::{Path, PathBuf};

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
    /// How the picture comes to its size, unless its drawing is cut out.
    pub framing: Framing,
    /// Another part of the picture, or at another size, than `framing` sees.
    pub view: Option<View>,
}

/// A decoded picture, before it is fitted to a model.
#[derive(Clone, Debug)]
pub struct Picture {
    path: PathBuf,
    image: DynamicImage,
    /// Whether its file has the four colours of print.
    cmyk: bool,
}

/// What a file says of its picture before that is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Its height and width when it is upright.
    pub(super) size: [usize; 2],
    /// Whether it has no colours.
    pub(super) is_grey: bool,
}

impl Head {
    /// Reads the start of a file, or all of it where that is not enough.
    ///
    /// # Errors
    /// As [`Picture::read`] but for faults that lie behind the start.
    pub(super) fn read(path: &Path) -> Result<Self, DataError> {
        let (size, is_grey) = file::head(path)?;
        Ok(Self { size, is_grey })
    }
}

impl Picture {
    /// Reads a PNG, JPEG, WebP, BMP, GIF or TIFF file, known by its content, and turns it upright as its EXIF data says. Of a
    /// moving picture it is the first.
    ///
    /// # Errors
    /// The file cannot be read, is not a whole file of these kinds or too large a picture.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let File { image, cmyk } = file::decode(path)?;
        Ok(Self { path: path.to_owned(), image, cmyk })
    }

    /// A grey picture out of another file, with values up to `largest`.
    ///
    /// # Panics
    /// The bytes are not `width` x `height`.
    pub fn grey(path: &Path, bytes: &[u8], [width, height]: [u32; 2], largest: f32) -> Self {
        let bytes = bytes.iter().map(|&value| (f32::from(value) * 255.0 / largest).round() as u8).collect();
        let image = image::GrayImage::from_raw(width, height, bytes).expect("a picture has its own size");
        Self { path: path.to_owned(), image: image.into(), cmyk: false }
    }

    /// Its colours and bits, as in "16-bit grey".
    pub(super) fn kind(&self) -> String {
        if self.cmyk { "CMYK".to_owned() } else { colours(&self.image) }
    }

    /// Its height and width in pixels.
    pub(super) fn size(&self) -> [usize; 2] {
        size_of(&self.image)
    }

    /// Its pixels, `[height, width, channels]`, with its transparent places laid on white, and whether it had such.
    pub(super) fn pixels(self, channels: usize) -> (Vec<u8>, bool) {
        let (image, was_transparent) = flat(self.image, channels, WHITE);
        (image.into_bytes(), was_transparent)
    }

    /// The picture as a row. One of another size is brought to the wanted one as `framing` says, one of other colours is
    /// converted; the note says so.
    ///
    /// # Errors
    /// The wanted shape is not that of images with 1 or 3 channels, the largest value is not in 1 to 255, or the picture is
    /// too long and narrow for what is seen of it.
    pub fn row(&self, wanted: &Rendering<'_>) -> Result<PictureRow, DataError> {
        let (shape, largest) = (wanted.shape, wanted.largest);
        let &[channels @ (1 | 3), height, width] = shape else {
            return Err(self.refused(wanted));
        };
        let is_side = |side: usize| (1..=SIDE as usize).contains(&side);
        if !is_side(height) || !is_side(width) || !(1.0..=255.0).contains(&largest) {
            return Err(self.refused(wanted));
        }
        let mut image = self.image.clone();
        if wanted.invert {
            image.invert();
        }
        let ground = wanted.looks.map_or(WHITE, |looks| (looks.background * 255.0).round() as u8);
        let (image, was_transparent) = flat(image, channels, ground);
        let (across, down) = (width as u32, height as u32);
        let centred = wanted.looks.filter(|_| wanted.center).and_then(|looks| centre(&image, (across, down), looks));
        let note = self.note(wanted, centred.is_some(), was_transparent);
        let pixels = match centred {
            Some(image) if channels == 1 => image.to_luma8().into_raw(),
            Some(image) => image.into_bytes(),
            None => self.framed(image, wanted, [height, width])?,
        };
        let scaled = |value: u8| (f32::from(value) * largest / 255.0).round() as u8;
        let mut bytes = planar(&pixels, channels);
        if largest != 255.0 {
            bytes.iter_mut().for_each(|value| *value = scaled(*value));
        }
        Ok(PictureRow { bytes, note })
    }

    fn refused(&self, wanted: &Rendering<'_>) -> DataError {
        let (path, shape, largest) = (self.path.clone(), wanted.shape.to_vec(), wanted.largest);
        DataError::NotForPictures { path, shape, largest }
    }

    /// Its own pixels in red, green and blue, upright, with transparent places on white.
    pub fn to_rgb(&self) -> RgbImage {
        lay_on(self.image.clone(), WHITE).0.to_rgb8()
    }

    /// What is seen of the picture, which is grey or of three colours: `[height, width, channels]`.
    fn framed(&self, image: DynamicImage, wanted: &Rendering<'_>, size: [usize; 2]) -> Result<Vec<u8>, DataError> {
        let (from, framing) = (size_of(&image), wanted.framing);
        let narrow = |brought| {
            DataError::from(FolderError::Narrow { path: self.path.clone(), found: from, brought, seen: size })
        };
        if let Some(view) = wanted.view {
            return view.frame(image.as_bytes(), from, size).ok_or_else(|| narrow(view.brought(from)));
        }
        if from == size {
            return Ok(image.into_bytes());
        }
        if framing.is_cubic() {
            return Ok(image.resize_exact(size[1] as u32, size[0] as u32, FilterType::CatmullRom).into_bytes());
        }
        framing.frame(image.as_bytes(), from, size).ok_or_else(|| narrow(framing.brought(from, size)))
    }

    /// What is done to it to make a row, in a clause.
    fn note(&self, wanted: &Rendering<'_>, is_centred: bool, was_transparent: bool) -> Option<String> {
        let (found, largest) = (self.kind(), wanted.largest);
        let size @ [high, wide] = size_of(&self.image);
        let &[channels, height, width] = wanted.shape else { return None };
        let mut steps = Vec::new();
        let kind = if channels == 1 { "grey" } else { "RGB" };
        match wanted.framing {
            Framing::Middle { short } if !is_centred => {
                let brought = wanted.framing.brought(size, [height, width]);
                if found != kind {
                    steps.push(format!("{found} brought to {kind}"));
                }
                if brought != size {
                    steps.push(format!("brought to a shorter side of {short} pixels"));
                }
                if brought != [height, width] {
                    steps.push(format!("the middle of {width}x{height} taken"));
                }
            }
            _ => {
                if (wide, high, found.as_str()) != (width, height, kind) {
                    steps.push(format!("{wide}x{high} {found} brought to {width}x{height} {kind}"));
                }
                if !is_centred && wide * height != high * width {
                    steps.push("proportions changed".to_owned());
                }
            }
        }
        if wanted.invert {
            steps.push("inverted".to_owned());
        }
        if is_centred {
            steps.push("the drawing centred".to_owned());
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

/// Height and width in pixels.
fn size_of(image: &DynamicImage) -> [usize; 2] {
    [image.height() as usize, image.width() as usize]
}

/// The picture in 8 bits, grey or with three colours, its transparent places laid on grey of a brightness; and whether it had
/// any.
fn flat(image: DynamicImage, channels: usize, ground: u8) -> (DynamicImage, bool) {
    let (image, was_transparent) = lay_on(image, ground);
    let image = if channels == 1 { image.into_luma8().into() } else { DynamicImage::from(image.into_rgb8()) };
    (image, was_transparent)
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
mod tests;
