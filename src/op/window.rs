//! Windows that slide over images: those of convolutions and of pooling.

use crate::shape::{Shape, ShapeError};

/// A square window: its size, its steps, the border around the image, and the distance of its taps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Taps along each side.
    pub kernel: usize,
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Pixels of border on each side of the image.
    pub padding: usize,
    /// Pixels from one tap to the next.
    pub dilation: usize,
    /// Whether a window that only begins inside counts too (`ceil_mode` of PyTorch).
    pub ceil: bool,
}

impl Window {
    /// Windows that touch each other and have no border.
    pub fn tiles(kernel: usize) -> Self {
        Self { kernel, stride: kernel, padding: 0, dilation: 1, ceil: false }
    }

    /// Windows along a side of `input` pixels; none where not even one fits:
    /// ⌊(in + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1 (torch.nn.Conv2d). With `ceil` the quotient is rounded up,
    /// but the last window begins in the image or the border before it (torch.nn.MaxPool2d).
    pub fn windows(&self, input: usize) -> usize {
        let bordered = input.saturating_add(self.padding.saturating_mul(2));
        let reach = self.dilation.saturating_mul(self.kernel - 1).saturating_add(1);
        let Some(free) = bordered.checked_sub(reach) else { return 0 };
        if !self.ceil {
            return free / self.stride + 1;
        }
        let count = free.div_ceil(self.stride) + 1;
        count - usize::from((count - 1) * self.stride >= input + self.padding)
    }

    /// Height and width of the images that windows over images `[batch, height, width, channels]` give.
    ///
    /// # Errors
    /// The shape is not that of images, or no window fits into them.
    pub fn over(&self, kind: &str, x: &Shape) -> Result<[usize; 2], ShapeError> {
        let [_, height, width, _] = x.0[..] else { return Err(not_images(kind, x)) };
        let sides = [height, width].map(|side| self.windows(side));
        if sides.contains(&0) {
            let what = format!(
                "{kind} {self} does not fit into images of {height}x{width}: use a smaller kernel, more padding, or fewer \
                 layers that shrink the images"
            );
            return Err(ShapeError::new(what));
        }
        Ok(sides)
    }
}

/// An operation on images was given something else.
pub fn not_images(kind: &str, x: &Shape) -> ShapeError {
    let row = Shape(x.0[1..].to_vec());
    ShapeError::new(format!("{kind} takes images [channels, height, width], but is given rows {row}"))
}

/// As in `kernel=3 stride=2 padding=1`.
impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "kernel={}", self.kernel)?;
        for (name, value, usual) in
            [("stride", self.stride, 1), ("padding", self.padding, 0), ("dilation", self.dilation, 1)]
        {
            if value != usual {
                write!(f, " {name}={value}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    /// Sizes as PyTorch 2.15 gives them: input, kernel, stride, padding, dilation, `ceil_mode`, output.
    #[test]
    fn windows_are_those_of_pytorch() {
        for (input, [kernel, stride, padding, dilation], ceil, output) in [
            (32, [3, 1, 1, 1], false, 32),
            (8, [3, 2, 1, 1], false, 4),
            (7, [3, 2, 1, 1], false, 4),
            (5, [2, 2, 0, 1], false, 2),
            (5, [2, 2, 0, 1], true, 3),
            (6, [3, 2, 1, 1], true, 4),
            (112, [3, 2, 0, 1], true, 56),
            (5, [3, 3, 1, 1], true, 2),
            (9, [3, 1, 0, 2], false, 5),
            (224, [7, 2, 3, 1], false, 112),
            (2, [3, 1, 0, 1], false, 0),
            (1, [1, 1, 0, 1], false, 1),
            (3, [2, 1, 0, 1], false, 2),
        ] {
            let window = Window { kernel, stride, padding, dilation, ceil };
            assert_eq!(window.windows(input), output, "{input} by {window} {ceil}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let window = Window { kernel: 5, stride: 1, padding: 0, dilation: 1, ceil: false };
        let error = window.over("conv", &[4, 3, 6, 2].into()).unwrap_err().to_string();
        assert!(error.contains("conv kernel=5 does not fit into images of 3x6"), "{error}");
        let error = window.over("conv", &[4, 30].into()).unwrap_err().to_string();
        assert!(error.contains("conv takes images [channels, height, width], but is given rows [30]"), "{error}");
    }
}
