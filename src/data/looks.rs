//! What the pictures of a data set have in common, so that a picture unlike them is recognised.
//!
//! Brightness is a share of the largest value, of all channels together; places and sizes are shares of the frame. A
//! drawing is what differs from the background by more than a quarter of the largest difference.

use super::{Dataset, Values};
use serde::{Deserialize, Serialize};

/// Pictures that are looked at, spread evenly over the rows to train on.
const MOST: usize = 2000;
/// The share of the largest difference from the background from which on a pixel belongs to the drawing.
const INK: f64 = 0.25;
/// The largest difference from the background below which a picture is blank.
const BLANK: f64 = 0.1;
/// Spread of the brightness of borders up to which the pictures have one background.
const ONE_BACKGROUND: f64 = 0.1;
/// Spreads from the mean that are usual.
const USUAL: f64 = 3.0;
/// Beyond them, how far off is usual: in brightness, in size, in place.
const LEEWAY: [f64; 3] = [0.15, 0.05, 0.04];

/// A number over the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean over the pictures.
    pub mean: f64,
    /// Standard deviation over the pictures.
    pub deviation: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count().max(1) as f64;
        let mean = values.clone().sum::<f64>() / count;
        Self { mean, deviation: (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt() }
    }

    /// How far off a value is; up to 1 is usual.
    fn off(&self, value: f64, leeway: f64) -> f64 {
        (value - self.mean).abs() / (leeway + USUAL * self.deviation)
    }

    fn is_share(&self) -> bool {
        (0.0..=1.0).contains(&self.mean) && (0.0..=1.0).contains(&self.deviation)
    }
}

/// What pictures look like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Looks {
    /// Brightness of the background: the median of the outermost pixels of all.
    pub background: f64,
    /// Brightness of a picture.
    pub mean: Spread,
    /// Brightness of its outermost pixels.
    pub border: Spread,
    /// The longer side of the drawing, as a share of its side of the frame.
    pub size: Spread,
    /// Where the drawing's centre of mass lies, from the left.
    pub x: Spread,
    /// And from the top.
    pub y: Spread,
}

/// What one picture looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    mean: f64,
    border: f64,
    /// Nothing of a blank picture.
    drawing: Option<Drawing>,
}

/// Where the drawing of a picture lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawing {
    /// The first and the last column of it.
    pub columns: [usize; 2],
    /// The first and the last row.
    pub rows: [usize; 2],
    /// The longer side, as a share of its side of the frame.
    pub size: f64,
    /// The centre of mass in pixels, from the left and from the top.
    pub centre: [f64; 2],
    frame: [usize; 2],
}

/// In what a picture is unlike those trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unlike {
    /// It is bright where they are dark, or dark where they are bright.
    pub inverted: bool,
    /// Its drawing is of another size, or lies elsewhere.
    pub moved: bool,
    /// It is brighter or darker, inverted or not.
    pub shaded: bool,
    /// Nothing is drawn on it.
    pub blank: bool,
}

impl Drawing {
    /// The drawing on pixels `[height, width]` that differ from the background by `ink`, if there is any.
    pub fn of(ink: &[f64], width: usize) -> Option<Self> {
        let largest = ink.iter().copied().fold(0.0, f64::max);
        if largest < BLANK {
            return None;
        }
        let height = ink.len() / width;
        let (mut columns, mut rows) = ([width, 0], [height, 0]);
        let (mut sum, mut across, mut down) = (0.0, 0.0, 0.0);
        for (at, &ink) in ink.iter().enumerate().filter(|(_, ink)| **ink > INK * largest) {
            let (x, y) = (at % width, at / width);
            columns = [columns[0].min(x), columns[1].max(x)];
            rows = [rows[0].min(y), rows[1].max(y)];
            (sum, across, down) = (sum + ink, across + ink * (x as f64 + 0.5), down + ink * (y as f64 + 0.5));
        }
        let share = |[first, last]: [usize; 2], side: usize| (last + 1 - first) as f64 / side as f64;
        let size = share(columns, width).max(share(rows, height));
        Some(Self { columns, rows, size, centre: [across / sum, down / sum], frame: [width, height] })
    }
}

impl Look {
    /// Of a picture `[channels, height, width]` with values up to `largest`, on a background of this brightness.
    fn of(values: &[u8], [width, height]: [usize; 2], largest: f64, background: f64) -> Self {
        let brightness = brightness(values, width * height, largest);
        let border = Spread::of(rim(width, height).map(|at| brightness[at])).mean;
        let mean = Spread::of(brightness.iter().copied()).mean;
        let ink: Vec<f64> = brightness.iter().map(|value| (value - background).abs()).collect();
        Self { mean, border, drawing: Drawing::of(&ink, width) }
    }
}

/// The mean over the channels of each pixel.
fn brightness(values: &[u8], pixels: usize, largest: f64) -> Vec<f64> {
    let channels = values.len() / pixels;
    let of = |at: usize| (0..channels).map(|channel| f64::from(values[channel * pixels + at])).sum::<f64>();
    (0..pixels).map(|at| of(at) / (channels as f64 * largest)).collect()
}

/// The indices of the outermost pixels.
fn rim(width: usize, height: usize) -> impl Iterator<Item = usize> + Clone {
    let is_rim = move |at: &usize| {
        let (x, y) = (at % width, at / width);
        x == 0 || y == 0 || x + 1 == width || y + 1 == height
    };
    (0..width * height).filter(is_rim)
}

impl Looks {
    /// Of the rows to train on, if they are pictures of bytes; of 2,000 of them, spread evenly, if there are more.
    pub fn of(dataset: &Dataset, rows: &[u32]) -> Option<Self> {
        let (Values::Bytes(values), &[_, height, width]) = (&dataset.values, dataset.shape.as_slice()) else {
            return None;
        };
        let largest = f64::from(dataset.largest);
        if largest <= 0.0 || rows.is_empty() {
            return None;
        }
        let count = rows.len().min(MOST);
        let features = dataset.features();
        let picture = |i: usize| &values[rows[i * rows.len() / count] as usize * features..][..features];
        let rims = (0..count).flat_map(|i| {
            let brightness = brightness(picture(i), width * height, largest);
            rim(width, height).map(move |at| brightness[at])
        });
        let mut rims: Vec<f64> = rims.collect();
        let middle = rims.len() / 2;
        let background = *rims.select_nth_unstable_by(middle, f64::total_cmp).1;
        let looks: Vec<Look> = (0..count).map(|i| Look::of(picture(i), [width, height], largest, background)).collect();
        let drawn = |of: fn(&Drawing) -> f64| Spread::of(looks.iter().filter_map(|look| look.drawing.as_ref()).map(of));
        Some(Self {
            background,
            mean: Spread::of(looks.iter().map(|look| look.mean)),
            border: Spread::of(looks.iter().map(|look| look.border)),
            size: drawn(|drawing| drawing.size),
            x: drawn(|drawing| drawing.centre[0] / drawing.frame[0] as f64),
            y: drawn(|drawing| drawing.centre[1] / drawing.frame[1] as f64),
        })
    }

    /// Whether all are drawn on one background, so that what is drawn can be told from it.
    pub fn have_one_background(&self) -> bool {
        self.border.deviation <= ONE_BACKGROUND && self.size.mean > 0.0
    }

    /// In what a picture `[channels, height, width]` with values up to `largest` is unlike them.
    pub fn compare(&self, values: &[u8], shape: &[usize], largest: f32) -> Unlike {
        let &[_, height, width] = shape else { return Unlike::default() };
        let (frame, largest) = ([width, height], f64::from(largest));
        let look = Look::of(values, frame, largest, self.background);
        let turned: Vec<u8> = values.iter().map(|&value| (largest - f64::from(value)) as u8).collect();
        let turned = Look::of(&turned, frame, largest, self.background);
        let (off, off_turned) = (self.shade_off(&look), self.shade_off(&turned));
        let is_drawn = self.have_one_background();
        let blank = is_drawn && look.drawing.is_none();
        let inverted = (off > 1.0 || blank) && off_turned < off / 2.0;
        let (seen, left) = if inverted { (turned, off_turned) } else { (look, off) };
        Unlike {
            inverted,
            moved: is_drawn && seen.drawing.is_some_and(|drawing| self.is_moved(&drawing)),
            shaded: left > 1.0 && !blank,
            blank: blank && !inverted,
        }
    }

    fn shade_off(&self, look: &Look) -> f64 {
        self.mean.off(look.mean, LEEWAY[0]).max(self.border.off(look.border, LEEWAY[0]))
    }

    fn is_moved(&self, drawing: &Drawing) -> bool {
        let [x, y] = [0, 1].map(|i| drawing.centre[i] / drawing.frame[i] as f64);
        let off = [(self.size, drawing.size, 1), (self.x, x, 2), (self.y, y, 2)];
        off.iter().any(|(usual, value, leeway)| usual.off(*value, LEEWAY[*leeway]) > 1.0)
    }

    /// Whether all numbers are shares, as those of pictures are.
    pub fn are_shares(&self) -> bool {
        let spreads = [self.mean, self.border, self.size, self.x, self.y];
        (0.0..=1.0).contains(&self.background) && spreads.iter().all(Spread::is_share)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::data::{self, Normalize, Options};

    fn digits() -> (Dataset, Looks) {
        let opened = data::open("digits", &Options::default(), None).unwrap();
        let digits = opened.encode(&[], Normalize::None).unwrap().dataset;
        let rows: Vec<u32> = (0..digits.rows() as u32).collect();
        let looks = Looks::of(&digits, &rows).unwrap();
        (digits, looks)
    }

    /// By hand: a white square of 2x2 at the right of 6x4, whose border has 16 pixels.
    #[test]
    fn a_drawing_is_measured() {
        let mut ink = vec![0.0; 24];
        [9, 10, 15, 16].iter().for_each(|&at| ink[at] = 1.0);
        ink[0] = 0.2;
        let drawing = Drawing::of(&ink, 6).unwrap();
        assert_eq!((drawing.columns, drawing.rows, drawing.size), ([3, 4], [1, 2], 0.5));
        assert_eq!(drawing.centre, [4.0, 2.0]);
        assert_eq!(Drawing::of(&[0.05; 24], 6), None);
        assert_eq!(rim(6, 4).count(), 16);
    }

    #[test]
    fn the_digits_themselves_are_as_usual() {
        let (digits, looks) = digits();
        assert!(looks.have_one_background() && looks.are_shares(), "{looks:?}");
        let Values::Bytes(values) = &digits.values else { panic!("bytes") };
        let unlike = values.chunks(64).filter(|picture| looks.compare(picture, &[1, 8, 8], 16.0) != Unlike::default());
        let count = unlike.count();
        assert!(count < 1797 / 50, "{count}");
    }

    #[test]
    fn inverted_moved_and_blank_pictures_are_told() {
        let (digits, looks) = digits();
        let Values::Bytes(values) = &digits.values else { panic!("bytes") };
        let compare = |picture: &[u8]| looks.compare(picture, &[1, 8, 8], 16.0);
        let count = |turn: &dyn Fn(&[u8]) -> Vec<u8>, is: &dyn Fn(Unlike) -> bool| {
            values.chunks(64).filter(|picture| is(compare(&turn(picture)))).count()
        };
        let inverted = count(&|picture| picture.iter().map(|v| 16 - v).collect(), &|unlike| unlike.inverted);
        assert!(inverted > 1797 * 98 / 100, "{inverted}");
        // Half as large, in the upper left corner.
        let small = |picture: &[u8]| {
            let of = |at: usize| if at % 8 < 4 && at / 8 < 4 { picture[at / 8 * 16 + at % 8 * 2] } else { 0 };
            (0..64).map(of).collect()
        };
        let moved = count(&small, &|unlike| unlike.moved && !unlike.inverted);
        assert!(moved > 1797 * 98 / 100, "{moved}");
        assert_eq!(compare(&[0; 64]), Unlike { blank: true, ..Unlike::default() });
        assert!(compare(&[8; 64]).shaded);
    }

    #[test]
    fn tables_have_no_looks() {
        assert_eq!(Looks::of(&data::fixture::labelled(vec![0, 1]), &[0, 1]), None);
    }
}
