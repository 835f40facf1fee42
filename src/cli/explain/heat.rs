//! A map in colours over its picture.

use image::{Rgb, RgbImage};

/// Colours from the least to the largest value, at even distances.
const COLOURS: [[f64; 3]; 5] =
    [[0.0, 0.0, 143.0], [0.0, 128.0, 255.0], [64.0, 255.0, 191.0], [255.0, 192.0, 0.0], [160.0, 0.0, 0.0]];

/// How much of a pixel is the colour of the map.
const SHARE: f64 = 0.5;

/// The colour of a share from 0 to 1.
fn colour(share: f64) -> [f64; 3] {
    let at = share.clamp(0.0, 1.0) * (COLOURS.len() - 1) as f64;
    let low = (at as usize).min(COLOURS.len() - 2);
    let (low, high, part) = (COLOURS[low], COLOURS[low + 1], at - low as f64);
    [0, 1, 2].map(|i| low[i] + (high[i] - low[i]) * part)
}

/// For a pixel, the two of a map's `from` between whose centres its own lies, and its distance from the first. The map begins at
/// `first` and is `to` long. There are none beyond the map.
fn between(at: u32, [first, to]: [f64; 2], from: usize) -> Option<(usize, usize, f64)> {
    let place = f64::from(at) + 0.5 - first;
    if !(0.0..to).contains(&place) {
        return None;
    }
    let place = place * from as f64 / to - 0.5;
    let place = place.clamp(0.0, (from - 1) as f64);
    let low = place as usize;
    Some((low, (low + 1).min(from - 1), place - low as f64))
}

/// Lays a map `[height, width]` over the part of a picture that the network sees (top and left, height and width): brought to its
/// size with bilinear interpolation, and coloured from its least to its largest value.
pub(super) fn over(picture: &RgbImage, map: &[f64], [height, width]: [usize; 2], seen: [[f64; 2]; 2]) -> RgbImage {
    let least = map.iter().copied().fold(f64::INFINITY, f64::min);
    let range = map.iter().copied().fold(f64::NEG_INFINITY, f64::max) - least;
    let share = |value: f64| if range > 0.0 { (value - least) / range } else { 0.5 };
    let [wide, high] = [picture.width(), picture.height()];
    let along = |axis: usize| [seen[0][axis], seen[1][axis]];
    let columns: Vec<_> = (0..wide).map(|x| between(x, along(1), width)).collect();
    let mut out = picture.clone();
    for y in 0..high {
        let Some((top, bottom, down)) = between(y, along(0), height) else { continue };
        for (x, column) in columns.iter().enumerate() {
            let &Some((left, right, across)) = column else { continue };
            let line = |y: usize| {
                let [near, far] = [left, right].map(|x| map[y * width + x]);
                near + (far - near) * across
            };
            let value = line(top) + (line(bottom) - line(top)) * down;
            let heat = colour(share(value));
            let Rgb(pixel) = out.get_pixel_mut(x as u32, y);
            *pixel = [0, 1, 2].map(|i| (f64::from(pixel[i]) * (1.0 - SHARE) + heat[i] * SHARE).round() as u8);
        }
    }
    out
}

/// The middle of the largest value's place, in pixels of the picture of which the network sees a part (top and left, height and
/// width): x and y. A map with one value has none.
pub(super) fn peak(map: &[f64], [height, width]: [usize; 2], seen: [[f64; 2]; 2]) -> Option<[u32; 2]> {
    let largest = (0..map.len()).rev().max_by(|&a, &b| map[a].total_cmp(&map[b]))?;
    if map.iter().all(|value| *value == map[0]) {
        return None;
    }
    let middle =
        |at: usize, of: usize, axis: usize| (seen[0][axis] + (at as f64 + 0.5) * seen[1][axis] / of as f64) as u32;
    Some([middle(largest % width, width, 1), middle(largest / width, height, 0)])
}

/// Where a pixel lies, by thirds of the picture.
pub(super) fn place([x, y]: [u32; 2], [wide, high]: [u32; 2]) -> &'static str {
    const WORDS: [[&str; 3]; 3] =
        [["upper left", "top", "upper right"], ["left", "centre", "right"], ["lower left", "bottom", "lower right"]];
    let third = |at: u32, of: u32| (at as usize * 3 / of.max(1) as usize).min(2);
    WORDS[third(y, high)][third(x, wide)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_grows_with_straight_lines_between_its_pixels() {
        let wanted = [(0, 1, 0.0), (0, 1, 0.25), (0, 1, 0.75), (1, 1, 0.0)].map(Some);
        assert_eq!([0, 1, 2, 3].map(|at| between(at, [0.0, 4.0], 2)), wanted);
        assert_eq!([1, 2, 7].map(|at| between(at, [2.0, 4.0], 2)), [None, Some((0, 1, 0.0)), None]);
        let black = RgbImage::new(4, 2);
        let drawn = over(&black, &[-1.0, 3.0], [1, 2], [[0.0; 2], [2.0, 4.0]]);
        for (x, share) in [0.0, 0.25, 0.75, 1.0].into_iter().enumerate() {
            let wanted = colour(share).map(|value| (value / 2.0).round() as u8);
            assert_eq!([drawn.get_pixel(x as u32, 0).0, drawn.get_pixel(x as u32, 1).0], [wanted; 2], "{x}");
        }
        assert_eq!(over(&RgbImage::new(1, 1), &[7.0], [1, 1], [[0.0; 2], [1.0; 2]]).dimensions(), (1, 1));
    }

    #[test]
    fn the_peak_is_named_by_thirds() {
        let map = [0.0, 0.0, 0.0, 0.0, 0.0, 2.0];
        assert_eq!(peak(&map, [2, 3], [[0.0; 2], [20.0, 30.0]]), Some([25, 15]));
        assert_eq!(peak(&[1.0; 4], [2, 2], [[0.0; 2], [9.0; 2]]), None);
        // Of equal ones it is the first.
        assert_eq!(peak(&[0.0, 1.0, 1.0, 0.0], [2, 2], [[0.0; 2], [4.0; 2]]), Some([3, 1]));
        let size = [30, 30];
        assert_eq!(
            [[0, 0], [15, 15], [29, 0], [10, 29]].map(|at| place(at, size)),
            ["upper left", "centre", "upper right", "bottom"]
        );
    }
}
