//! The draws of an epoch: which part of which picture each row of the network's input is.

use super::{Augment, Flip, Scale};
use crate::data::pool::Place;
use crate::random::{Domain, key, philox};

/// A pixel's width in a box's coordinates.
const ONE: u64 = 1 << 16;

/// What is drawn for one row, as kernels read it; see [`crate::ops::augment`].
///
/// Coordinates are in 65536ths of a pixel of the picture.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Drawn {
    /// Number of the row in the data set.
    pub row: u32,
    /// The picture's first byte.
    pub first: u32,
    /// Height and width of the picture in pixels.
    pub size: [u32; 2],
    /// Top and left of the box.
    pub top: [i32; 2],
    /// Height and width of an output pixel.
    pub step: [u32; 2],
    /// 1 if left becomes right, else 0.
    pub flip: u32,
    /// What values are multiplied by.
    pub brightness: f32,
    /// What the distance from the mean grey is multiplied by.
    pub contrast: f32,
    /// Nothing: a box has twelve words.
    pub rest: u32,
}

/// What draws depend on beside the picture.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    /// How pictures are augmented.
    pub augment: Augment,
    /// Height and width of the network's input.
    pub out: [usize; 2],
    /// The seed of the run.
    pub seed: u64,
}

/// A word as a number from 0 to less than 1.
fn uniform(word: u32) -> f64 {
    f64::from(word) / 2f64.powi(32)
}

/// A whole number below `count` from a word.
fn below(word: u32, count: u64) -> u64 {
    (u64::from(word) * count) >> 32
}

/// A factor from 1 − `by` to 1 + `by`, and at least 0.
fn factor(word: u32, by: f64) -> f32 {
    let low = (1.0 - by).max(0.0);
    (low + uniform(word) * (1.0 + by - low)) as f32
}

impl Draws {
    /// The box of a picture in an epoch, both counted from 0. It depends on nothing else than these, so that neither the size of
    /// a batch nor a stop and resume changes it.
    ///
    /// The words of Philox with the seed as its key and (block, row, epoch, [`Domain::Augment`]) as its counter are, in order,
    /// for the flip, brightness, contrast, the shorter side, top and left. Where half of the pictures begin mirrored, that is
    /// the lowest bit of the first word of block 2 in epoch 0.
    pub fn draw(&self, place: Place, row: u32, epoch: u32) -> Drawn {
        let Self { augment, out, seed } = *self;
        let words = |block, epoch| philox([block, row, epoch, Domain::Augment as u32], key(seed));
        let [flip, brightness, contrast, side] = words(0, epoch);
        let [top, left, ..] = words(1, epoch);
        let flip = match augment.flip {
            None => false,
            Some(Flip::Share(share)) => uniform(flip) < share,
            Some(Flip::Alternate) => (words(2, 0)[0] ^ epoch) & 1 == 1,
        };
        let size = [place.height, place.width].map(u64::from);
        let sized = scaled(size, augment.scale, side);
        let padding = augment.crop.map_or(0, |crop| crop.padding as u64);
        let part = |i: usize, word: u32| {
            // What is larger than the padded picture begins at its edge: checked before training.
            let room = (sized[i] + 2 * padding).saturating_sub(out[i] as u64);
            let offset = below(word, room + 1) as i64 - padding as i64;
            let step = (size[i] * ONE + sized[i] / 2) / sized[i];
            let top = (offset * (size[i] * ONE) as i64).div_euclid(sized[i] as i64);
            (top as i32, step as u32)
        };
        let (rows, columns) = (part(0, top), part(1, left));
        Drawn {
            row,
            first: place.offset as u32,
            size: [place.height, place.width],
            top: [rows.0, columns.0],
            step: [rows.1, columns.1],
            flip: u32::from(flip),
            brightness: factor(brightness, augment.brightness),
            contrast: factor(contrast, augment.contrast),
            rest: 0,
        }
    }

    /// Most pixels of a picture, in a column or a row, that a pixel of the network's input is made of.
    pub fn taps(&self, places: &[Place]) -> usize {
        let Some(scale) = self.augment.scale else { return 3 };
        let shortest = |place: &Place| u64::from(place.height.min(place.width));
        let longest = places.iter().map(shortest).max().unwrap_or(1);
        2 * longest.div_ceil(scale.low as u64) as usize + 2
    }
}

/// Height and width of a picture whose shorter side is brought to one of a scale. The longer side is cut to whole pixels, as
/// torchvision does.
fn scaled([height, width]: [u64; 2], scale: Option<Scale>, word: u32) -> [u64; 2] {
    let Some(Scale { low, high }) = scale else { return [height, width] };
    let (low, high) = (low as u64, high as u64);
    let side = low + below(word, high - low + 1);
    if height <= width { [side, side * width / height] } else { [side * height / width, side] }
}

#[cfg(test)]
#[path = "draw_tests.rs"]
mod tests;
