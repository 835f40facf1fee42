//! Augmentation of pictures: what is drawn anew for every picture in every epoch, and how it is written in a recipe.
//!
//! Only the training part is augmented. The draws are made on the host, an epoch ahead, so that every device reads the same.

mod draw;
mod notation;

pub use draw::{Drawn, Draws};
pub use notation::{Crop, Edge, Flip, Scale};

/// How training pictures are augmented; by default not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augment {
    /// Left becomes right, in some pictures or epochs.
    pub flip: Option<Flip>,
    /// A part of the picture of this size.
    pub crop: Option<Crop>,
    /// The picture's shorter side before it is cut, in pixels.
    pub scale: Option<Scale>,
    /// Values are multiplied by a factor from 1 − b to 1 + b, and clamped.
    pub brightness: f64,
    /// Values are moved from the picture's mean grey by a factor from 1 − c to 1 + c, and clamped.
    pub contrast: f64,
}

impl Augment {
    /// Whether pictures of training differ from those of evaluation.
    pub fn is_none(&self) -> bool {
        self.crop.is_none() && self.only_moves()
    }

    /// Whether, beside the place of a part without padding, training pictures are those of evaluation.
    pub fn only_moves(&self) -> bool {
        let is_fixed = self.scale.is_none_or(|scale| scale.low == scale.high);
        let is_whole = self.crop.is_none_or(|crop| crop.padding == 0);
        is_fixed && is_whole && self.flip.is_none() && self.brightness == 0.0 && self.contrast == 0.0
    }
}
