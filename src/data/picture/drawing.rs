//! The drawing on a picture, cut out and laid where drawings of a training part lie.

use crate::data::looks::{Drawing, Looks};
use image::imageops::{self, FilterType};
use image::{DynamicImage, Rgb, RgbImage};

/// The drawing of an image as drawings of the training part lie in a frame of `width` x `height`, as MNIST's were made:
/// scaled, with its proportions, until its longer side has their size, and its centre of mass laid where theirs is. A
/// blank image has none.
pub(super) fn centre(image: &DynamicImage, (width, height): (u32, u32), looks: &Looks) -> Option<DynamicImage> {
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
