//! Shapes of tensors, and what is wrong with them.

use std::fmt;

/// Sizes of a tensor, outermost first, row-major. In a graph the first size is the batch's capacity, and images are
/// `[batch, height, width, channels]`: each pixel is a row of features. Files and people see PyTorch's order (see
/// [`Shape::in_files`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape(pub Vec<usize>);

/// Most elements of a tensor: kernels number them with 32 bits.
pub const MAX_ELEMENTS: usize = u32::MAX as usize;

/// A product that stops at the largest number, which is more than any tensor may have.
fn product<'a>(sizes: impl IntoIterator<Item = &'a usize>) -> usize {
    sizes.into_iter().fold(1, |product, &size| product.saturating_mul(size))
}

impl Shape {
    /// Number of elements; what is more than a machine can number counts as the largest number.
    pub fn elements(&self) -> usize {
        product(&self.0)
    }

    /// The first size: rows of the batch, or outputs of a weight.
    pub fn rows(&self) -> usize {
        self.0.first().copied().unwrap_or(1)
    }

    /// Elements of one row.
    pub fn width(&self) -> usize {
        product(self.0.iter().skip(1))
    }

    /// The last size: columns of a table, channels of images.
    pub fn features(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }

    /// Elements that one feature has in one row: 1 for a table, height × width for images.
    pub fn pixels(&self) -> usize {
        self.0.get(1..self.0.len().saturating_sub(1)).map_or(1, product)
    }

    /// Whether it is that of images, or of the weights of a convolution.
    pub fn is_of_images(&self) -> bool {
        self.0.len() == 4
    }

    /// The same in PyTorch's order: `[batch, channels, height, width]` of images, `[out, in, height, width]` of weights.
    #[must_use]
    pub fn in_files(&self) -> Self {
        match self.0[..] {
            [n, height, width, channels] => [n, channels, height, width].into(),
            _ => self.clone(),
        }
    }
}

/// Moves the channels of images from behind the pixels to before them: `[…, height × width, channels]` becomes
/// `[…, channels, height × width]`.
pub fn channels_first<T: Copy>(values: &[T], pixels: usize, channels: usize) -> Vec<T> {
    turned(values, pixels, channels)
}

/// The way back from [`channels_first`].
pub fn channels_last<T: Copy>(values: &[T], pixels: usize, channels: usize) -> Vec<T> {
    turned(values, channels, pixels)
}

/// Transposes each matrix `[rows, columns]` of several.
fn turned<T: Copy>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(values.len());
    for matrix in values.chunks(rows * columns) {
        (0..columns).for_each(|column| out.extend(matrix.iter().skip(column).step_by(columns)));
    }
    out
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(sizes: [usize; N]) -> Self {
        Self(sizes.to_vec())
    }
}

/// As in `[128, 784]`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// An operation was given shapes that do not fit it. The path is the layer's, as in `3.batch_norm`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("layer {path}: {what}")]
pub struct ShapeError {
    /// Where in the network: index and kind of the layer.
    pub path: String,
    /// What does not fit, with both shapes.
    pub what: String,
}

impl ShapeError {
    /// An error whose path the graph fills in.
    pub fn new(what: impl Into<String>) -> Self {
        Self { path: String::new(), what: what.into() }
    }

    /// The same at a layer.
    pub fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }
}
