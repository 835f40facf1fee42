//! Sheets of pictures, written as PNG files.

use super::setting;
use crate::error::Error;
use crate::files;
use image::{ImageFormat, Rgb, RgbImage};
use std::io::Cursor;
use std::path::Path;

/// Pixels of grey around each picture.
const BORDER: u32 = 2;

/// What lies between pictures.
const GREY: Rgb<u8> = Rgb([128; 3]);

/// The ending of what is written.
const ENDING: &str = "png";

/// One picture of a sheet.
pub(super) struct Tile {
    /// The pixels, `[channels, height, width]`, 0 to `largest`.
    pub(super) bytes: Vec<u8>,
    /// Channels, height and width.
    pub(super) shape: [usize; 3],
    /// The value that stands for white.
    pub(super) largest: f32,
}

impl Tile {
    /// The picture number `at` of rows of so many bytes each, of which the first ones are its pixels.
    pub(super) fn of(bytes: &[u8], (at, of_row): (usize, usize), shape: [usize; 3], largest: f32) -> Self {
        let bytes = bytes[at * of_row..][..shape.iter().product()].to_vec();
        Self { bytes, shape, largest }
    }

    /// Width and height at which the longer side has about `side` pixels.
    fn size(&self, side: u32) -> [u32; 2] {
        let [_, height, width] = self.shape;
        let longer = height.max(width).max(1) as f64;
        [width, height].map(|pixels| ((pixels as f64 * f64::from(side) / longer).round() as u32).max(1))
    }

    /// The colour of a pixel: of three channels, or else grey by the first.
    fn pixel(&self, x: usize, y: usize) -> Rgb<u8> {
        let [channels, height, width] = self.shape;
        let value = |channel: usize| {
            let value = self.bytes[channel * height * width + y * width + x];
            (f32::from(value) * 255.0 / self.largest.max(1.0)).round() as u8
        };
        if channels == 3 { Rgb([0, 1, 2].map(value)) } else { Rgb([value(0); 3]) }
    }

    /// Draws it by the nearest pixels, with its upper left corner at a place.
    fn draw(&self, [left, top]: [u32; 2], side: u32, on: &mut RgbImage) {
        let [_, height, width] = self.shape;
        let [wide, high] = self.size(side);
        let near = |at: u32, of: u32, pixels: usize| (at as usize * pixels + pixels / 2) / of as usize;
        for y in 0..high {
            for x in 0..wide {
                let from = [near(x, wide, width).min(width - 1), near(y, high, height).min(height - 1)];
                on.put_pixel(left + x, top + y, self.pixel(from[0], from[1]));
            }
        }
    }
}

/// The side at which pictures of a shape are shown: small ones grow, large ones shrink.
pub(super) fn side([_, height, width]: [usize; 3]) -> u32 {
    height.max(width).clamp(64, 128) as u32
}

/// Pictures in lines of so many, each with its longer side of about `side` pixels.
pub(super) fn sheet(tiles: &[Tile], columns: usize, side: u32) -> RgbImage {
    let columns = columns.clamp(1, tiles.len().max(1));
    let lines = tiles.len().div_ceil(columns);
    let sizes: Vec<[u32; 2]> = tiles.iter().map(|tile| tile.size(side)).collect();
    let cell = [0, 1].map(|i| BORDER + sizes.iter().map(|size| size[i]).max().unwrap_or(0));
    let [wide, high] = [(columns, cell[0]), (lines, cell[1])].map(|(count, cell)| BORDER + count as u32 * cell);
    let mut image = RgbImage::from_pixel(wide, high, GREY);
    for (at, tile) in tiles.iter().enumerate() {
        let place = [at % columns, at / columns];
        tile.draw([0, 1].map(|i| BORDER + place[i] as u32 * cell[i]), side, &mut image);
    }
    image
}

/// Refuses a file that is there already, or that is to be no PNG file.
///
/// # Errors
/// In one sentence that says so.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    let shown = path.display();
    if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case(ENDING)) {
        return Err(setting(format!("{shown}: pictures are written as PNG: give a name that ends in .{ENDING}")));
    }
    if path.symlink_metadata().is_ok() {
        return Err(setting(format!("{shown} is there and is not overwritten: give another name")));
    }
    Ok(())
}

/// Writes a picture into a new PNG file.
///
/// # Errors
/// As [`check`]; or it cannot be written.
pub(super) fn save(image: &RgbImage, path: &Path) -> Result<(), Error> {
    check(path)?;
    png(image).and_then(|bytes| files::replace(path, &bytes)).map_err(Error::file(path, "cannot be written"))
}

/// The bytes of a PNG file.
///
/// # Errors
/// The picture is too large for one.
pub(super) fn png(image: &RgbImage) -> std::io::Result<Vec<u8>> {
    let mut bytes = Cursor::new(vec![]);
    image.write_to(&mut bytes, ImageFormat::Png).map_err(std::io::Error::other)?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_lie_in_lines_between_grey() {
        let grey = |value: u8| Tile { bytes: vec![value; 2], shape: [1, 1, 2], largest: 16.0 };
        let colours = Tile { bytes: vec![255, 1, 0, 2, 0, 3], shape: [3, 2, 1], largest: 255.0 };
        let image = sheet(&[grey(16), grey(8), colours], 2, 4);
        assert_eq!(image.dimensions(), (2 + 2 * 6, 2 + 2 * 6));
        let at = |x, y| image.get_pixel(x, y).0;
        assert_eq!(
            [at(0, 0), at(2, 2), at(5, 3), at(6, 3), at(2, 4)],
            [[128; 3], [255; 3], [255; 3], [128; 3], [128; 3]]
        );
        assert_eq!(at(8, 2), [128; 3]);
        assert_eq!([at(2, 8), at(3, 11), at(4, 8)], [[255, 0, 0], [1, 2, 3], [128; 3]]);
        assert_eq!(sheet(&[grey(0)], 8, 4).dimensions(), (8, 6));
    }
}
