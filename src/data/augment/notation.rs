//! How augmentations are written: `0.5`, `32 padding=4 mode=reflect`, `256..480`.

use crate::names::{nearest, quoted};
use std::fmt;
use std::str::FromStr;

/// The largest side of a picture in pixels.
const SIDE: usize = 16_384;

/// When a picture is mirrored, so that left becomes right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flip {
    /// With this probability, drawn anew in every epoch.
    Share(f64),
    /// In every other epoch; half of the pictures, drawn once, begin mirrored (Jordan 2024, "94% on CIFAR-10 in 3.29
    /// seconds on a single GPU", section 3.6).
    Alternate,
}

impl FromStr for Flip {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().parse::<f64>() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(Self::Share(share)),
            _ if text.trim() == "alternate" => Ok(Self::Alternate),
            _ => Err(format!("{} is neither a probability from 0 to 1 nor alternate", quoted(text))),
        }
    }
}

impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => write!(f, "{share}"),
            Self::Alternate => f.write_str("alternate"),
        }
    }
}

/// What lies beyond the edge of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edge {
    /// Black: the value 0 before normalisation.
    #[default]
    Zero,
    /// The picture mirrored at its outermost pixels, which are not repeated.
    Reflect,
}

/// A part of a picture, cut anywhere in it when it is trained on, and from its middle else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// Height of the part in pixels.
    pub height: usize,
    /// Width of the part in pixels.
    pub width: usize,
    /// Pixels that are added at each edge of the picture before it is cut to train on it.
    pub padding: usize,
    /// What the added pixels hold.
    pub edge: Edge,
}

fn side(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(side) if (1..=SIDE).contains(&side) => Ok(side),
        _ => Err(format!("{} is no number of pixels from 1 to {SIDE}", quoted(text))),
    }
}

impl FromStr for Crop {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let size = words.next().ok_or("a size in pixels is wanted, as in 32 or 224x160")?;
        let (height, width) = size.split_once('x').unwrap_or((size, size));
        let mut crop = Self { height: side(height)?, width: side(width)?, padding: 0, edge: Edge::Zero };
        for word in words {
            match word.split_once('=') {
                Some(("padding", value)) => {
                    let padding = value.parse().ok().filter(|padding| *padding <= SIDE);
                    crop.padding = padding.ok_or(format!("padding cannot be {}", quoted(value)))?;
                }
                Some(("mode", "zero")) => crop.edge = Edge::Zero,
                Some(("mode", "reflect")) => crop.edge = Edge::Reflect,
                Some(("mode", value)) => {
                    return Err(format!("mode cannot be {}; {}", quoted(value), nearest(value, &["zero", "reflect"])));
                }
                Some((key, _)) => {
                    return Err(format!("{} is not known; {}", quoted(key), nearest(key, &["padding", "mode"])));
                }
                None => return Err(format!("{} is not of the form key=value, as in 32 padding=4", quoted(word))),
            }
        }
        Ok(crop)
    }
}

impl fmt::Display for Crop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { height, width, padding, edge } = self;
        write!(f, "{height}")?;
        if width != height {
            write!(f, "x{width}")?;
        }
        if *padding > 0 {
            write!(f, " padding={padding}")?;
        }
        if *edge == Edge::Reflect { f.write_str(" mode=reflect") } else { Ok(()) }
    }
}

/// The shorter side that pictures are brought to before they are cut, drawn between two numbers of pixels, both included
/// (Simonyan & Zisserman 2015, section 3.1, "multi-scale training").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The smallest shorter side in pixels.
    pub low: usize,
    /// The largest shorter side in pixels.
    pub high: usize,
}

impl Scale {
    /// The shorter side at which pictures are judged: the middle of the two (Simonyan & Zisserman 2015, section 4.1).
    pub fn middle(self) -> usize {
        usize::midpoint(self.low, self.high)
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let scale = Self { low: side(low)?, high: side(high)? };
        if scale.low > scale.high {
            return Err(format!("{} does not rise: write the smaller side first, as in 256..480", quoted(text)));
        }
        Ok(scale)
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { low, high } = self;
        if low == high { write!(f, "{low}") } else { write!(f, "{low}..{high}") }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn texts_read_and_print_back() {
        for text in ["32", "224x160", "32 padding=4", "32 padding=4 mode=reflect"] {
            assert_eq!(text.parse::<Crop>().map(|crop| crop.to_string()).as_deref(), Ok(text));
        }
        for text in ["256", "256..480"] {
            assert_eq!(text.parse::<Scale>().map(|scale| scale.to_string()).as_deref(), Ok(text));
        }
        for text in ["0.5", "0", "1", "alternate"] {
            assert_eq!(text.parse::<Flip>().map(|flip| flip.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let crop = |text: &str| text.parse::<Crop>().unwrap_err();
        assert!(crop("0").contains("pixels") && crop("").contains("size"));
        assert!(crop("32 pading=4").contains("padding") && crop("32 4").contains("key=value"));
        assert!(crop("32 mode=mirror").contains("reflect") && crop("32 padding=-1").contains("padding"));
        assert!("480..256".parse::<Scale>().unwrap_err().contains("rise"));
        assert!("1.5".parse::<Flip>().unwrap_err().contains("probability"));
    }
}
