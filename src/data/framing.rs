//! How a picture of any size comes to the size of a network's input.

use super::resize::{Window, resize};
use serde::{Deserialize, Serialize};

/// The largest side of a picture in pixels.
const SIDE: usize = 16_384;

/// How a picture comes to the height and width that a network sees. A model file names it, so that prediction and evaluation
/// treat a picture as training did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Framing {
    /// Stretched to the size by Catmull-Rom's cubic curves: what models of earlier versions were made for.
    #[default]
    Cubic,
    /// Stretched to the size, without regard to its proportions, as Pillow's bilinear filter does.
    Stretched,
    /// The shorter side is brought to a number of pixels as Pillow's bilinear filter does, the other one in proportion and
    /// cut off to whole pixels; the middle is taken.
    Middle {
        /// The shorter side in pixels.
        short: usize,
    },
}

impl Framing {
    /// Whether it is that of models of earlier versions.
    pub fn is_cubic(&self) -> bool {
        *self == Self::Cubic
    }

    /// Whether its numbers are such that pictures have.
    pub fn is_possible(&self) -> bool {
        !matches!(self, Self::Middle { short } if !(1..=SIDE).contains(short))
    }

    /// The height and width to which a picture is brought before it is cut, to see `size` of it.
    pub(super) fn brought(self, from: [usize; 2], size: [usize; 2]) -> [usize; 2] {
        match self {
            Self::Cubic | Self::Stretched => size,
            Self::Middle { short } => brought(from, short),
        }
    }

    /// The part of a picture of a height and width that is seen as `size`: top and left, then height and width, in pixels of the
    /// picture.
    pub fn seen(self, from: [usize; 2], size: [usize; 2]) -> [[f64; 2]; 2] {
        let to = self.brought(from, size);
        let first = Window::middle(to, size).map_or([0; 2], |window| window.first);
        let own = |axis: usize, pixels: usize| pixels as f64 * from[axis] as f64 / to[axis] as f64;
        [[own(0, first[0]), own(1, first[1])], [own(0, size[0]), own(1, size[1])]]
    }

    /// The pixels, `[height, width, channels]`, that are seen of those of a picture; nothing if it would be smaller than that.
    /// Cubic curves take the place of Pillow's filter for the caller who wants them.
    pub(super) fn frame(self, pixels: &[u8], from: [usize; 2], size: [usize; 2]) -> Option<Vec<u8>> {
        let to = self.brought(from, size);
        Some(resize(pixels, from, to, Window::middle(to, size)?))
    }
}

/// The part of a picture that a view takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewPart {
    /// The middle of the picture.
    Middle,
    /// One of its corners.
    Corner {
        /// Whether it lies at the bottom.
        bottom: bool,
        /// Whether it lies at the right.
        right: bool,
    },
}

/// One of several looks at a picture, whose answers are averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The shorter side to which the picture is brought, in pixels.
    pub short: usize,
    /// The part that is seen of it.
    pub part: ViewPart,
    /// Whether left becomes right.
    pub mirrored: bool,
}

impl View {
    /// The middle at each scale; or also the four corners, and all five mirrored: the ten crops of Krizhevsky et al. 2012,
    /// section 4.1.
    pub fn all(ten: bool, scales: &[usize]) -> Vec<Self> {
        let corner = |bottom, right| ViewPart::Corner { bottom, right };
        let parts =
            [ViewPart::Middle, corner(false, false), corner(false, true), corner(true, false), corner(true, true)];
        let of_scale = |&short: &usize| {
            let count = if ten { parts.len() } else { 1 };
            let sides: &[bool] = if ten { &[false, true] } else { &[false] };
            let part = move |part: ViewPart| sides.iter().map(move |&mirrored| Self { short, part, mirrored });
            parts[..count].iter().copied().flat_map(part).collect::<Vec<_>>()
        };
        scales.iter().flat_map(of_scale).collect()
    }

    /// The height and width to which a picture is brought.
    #[cfg(feature = "cli")]
    pub(super) fn brought(self, from: [usize; 2]) -> [usize; 2] {
        brought(from, self.short)
    }

    /// The pixels, `[height, width, channels]`, that are seen of those of a picture; nothing if it would be smaller than that.
    #[cfg(feature = "cli")]
    pub(super) fn frame(self, pixels: &[u8], from: [usize; 2], size: [usize; 2]) -> Option<Vec<u8>> {
        let to = self.brought(from);
        let mut window = Window::middle(to, size)?;
        if let ViewPart::Corner { bottom, right } = self.part {
            window.first = [(0, bottom), (1, right)].map(|(i, at_end)| if at_end { to[i] - size[i] } else { 0 });
        }
        let mut seen = resize(pixels, from, to, window);
        if self.mirrored {
            let channels = seen.len() / (size[0] * size[1]);
            for row in seen.chunks_exact_mut(size[1] * channels) {
                let turned: Vec<u8> = row.chunks_exact(channels).rev().flatten().copied().collect();
                row.copy_from_slice(&turned);
            }
        }
        Some(seen)
    }
}

/// The height and width of a picture whose shorter side is brought to `short`: the other one is cut off to whole pixels.
pub(super) fn brought([height, width]: [usize; 2], short: usize) -> [usize; 2] {
    if height <= width { [short, short * width / height] } else { [short * height / width, short] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_views_are_the_middle_and_the_corners_each_mirrored_too() {
        let pixels: Vec<u8> = (0..48).collect();
        let seen: Vec<Vec<u8>> =
            View::all(true, &[6]).iter().filter_map(|view| view.frame(&pixels, [6, 8], [2, 2])).collect();
        let wanted = [[19, 20, 27, 28], [0, 1, 8, 9], [6, 7, 14, 15], [32, 33, 40, 41], [38, 39, 46, 47]];
        assert_eq!(seen.len(), 10);
        for (pair, [a, b, c, d]) in seen.chunks(2).zip(wanted) {
            assert_eq!(pair, [vec![a, b, c, d], vec![b, a, d, c]]);
        }
        assert_eq!(View::all(false, &[6, 9]).len(), 2);
        assert!(View::all(false, &[5])[0].frame(&pixels, [6, 8], [6, 6]).is_none());
    }

    #[test]
    fn the_other_side_is_cut_off() {
        for (from, short, wanted) in [
            ([333, 500], 256, [256, 384]),
            ([427, 640], 256, [256, 383]),
            ([500, 333], 256, [384, 256]),
            ([32, 40], 32, [32, 40]),
            ([1, 5000], 64, [64, 320_000]),
        ] {
            assert_eq!(brought(from, short), wanted, "{from:?}");
        }
    }

    #[test]
    fn the_middle_is_seen_or_all() {
        let pixels: Vec<u8> = (0..48).collect();
        let middle = Framing::Middle { short: 6 };
        assert_eq!(middle.frame(&pixels, [6, 8], [2, 2]), Some(vec![19, 20, 27, 28]));
        assert_eq!(middle.seen([12, 16], [2, 2]), [[4.0, 6.0], [4.0, 4.0]]);
        assert_eq!(Framing::Stretched.seen([12, 16], [2, 2]), [[0.0, 0.0], [12.0, 16.0]]);
        assert_eq!(middle.frame(&pixels, [6, 8], [6, 9]), None);
        assert_eq!(Framing::Stretched.frame(&pixels, [6, 8], [6, 8]), Some(pixels.clone()));
        assert_eq!(Framing::Stretched.frame(&[7; 48], [6, 8], [3, 9]), Some(vec![7; 27]));
        // A line of 5,000 pixels is 320,000 long in between, which takes no room.
        assert_eq!(Framing::Middle { short: 64 }.frame(&[9; 5000], [1, 5000], [64, 64]), Some(vec![9; 4096]));
        assert!(!Framing::Middle { short: 0 }.is_possible() && middle.is_possible());
    }
}
