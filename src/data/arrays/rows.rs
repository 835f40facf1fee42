//! Arrays of rows: pictures, or numbers of features.

use super::npy::{Array, Item};
use crate::data::DataError;
use crate::data::arrays_error::ArraysError;
use crate::data::opened::Content;
use crate::data::source::room;
use std::path::Path;

/// Numbers of channels that pictures have.
const CHANNELS: [usize; 2] = [1, 3];
/// The largest value of a pixel that is a byte.
const LARGEST: f32 = 255.0;

/// How the rows of an array lie in it.
struct Layout {
    /// The shape of a row: `[features]`, or `[channels, height, width]`.
    shape: Vec<usize>,
    /// The axes of the array, in the order of rows and their shape.
    axes: Vec<usize>,
    /// Whether they are pictures of bytes.
    bytes: bool,
}

impl Layout {
    fn of(path: &Path, array: &Array) -> Result<Self, DataError> {
        let (path, name) = (path.to_owned(), array.name.clone());
        if array.is_text() {
            return Err(ArraysError::Texts { path, array: name }.into());
        }
        let (shape, axes) = match array.shape[..] {
            [_] => (vec![1], vec![0]),
            [_, features] => (vec![features], vec![0, 1]),
            [_, height, width] => (vec![1, height, width], vec![0, 1, 2]),
            [_, a, b, c] => match [a, c].map(|size| CHANNELS.contains(&size)) {
                [true, false] => (vec![a, b, c], vec![0, 1, 2, 3]),
                [false, true] => (vec![c, a, b], vec![0, 3, 1, 2]),
                [true, true] => {
                    return Err(ArraysError::WhichChannels { path, array: name, shape: array.shape.clone() }.into());
                }
                [false, false] => {
                    return Err(ArraysError::RowShape { path, array: name, shape: array.shape.clone() }.into());
                }
            },
            _ => return Err(ArraysError::RowShape { path, array: name, shape: array.shape.clone() }.into()),
        };
        let bytes = shape.len() == 3 && array.item == Item::Unsigned && array.size == 1;
        Ok(Self { shape, axes, bytes })
    }

    /// What the rows are, for messages.
    fn told(&self) -> String {
        let of = if self.bytes { "bytes" } else { "numbers" };
        format!("{of} of shape {:?}", self.shape)
    }
}

/// Puts the rows of all parts together. Pictures of unsigned bytes stay bytes; everything else becomes floats.
pub(super) fn join(path: &Path, arrays: Vec<Array>) -> Result<Content, DataError> {
    let layouts: Vec<Layout> = arrays.iter().map(|array| Layout::of(path, array)).collect::<Result<_, _>>()?;
    for (array, layout) in arrays.iter().zip(&layouts).skip(1) {
        if (&layout.shape, layout.bytes) != (&layouts[0].shape, layouts[0].bytes) {
            let (found, wanted) = (layout.told(), layouts[0].told());
            let (path, array) = (path.to_owned(), array.name.clone());
            return Err(ArraysError::RowsDiffer { path, array, found, wanted }.into());
        }
    }
    let (shape, is_bytes) = (layouts[0].shape.clone(), layouts[0].bytes);
    if is_bytes {
        let mut bytes = vec![];
        for (array, layout) in arrays.into_iter().zip(&layouts) {
            let more = array.into_bytes(&layout.axes);
            if bytes.is_empty() {
                bytes = more;
            } else {
                bytes.try_reserve_exact(more.len()).map_err(|_| no_memory(path))?;
                bytes.extend(more);
            }
        }
        return Ok(Content::Images { bytes, shape, largest: LARGEST });
    }
    let features: usize = shape.iter().product();
    let count: usize = arrays.iter().map(|array| array.shape[0]).sum::<usize>().saturating_mul(features);
    let mut values: Vec<f32> = vec![];
    if count.saturating_mul(size_of::<f32>()) > room() || values.try_reserve_exact(count).is_err() {
        return Err(no_memory(path));
    }
    for (array, layout) in arrays.into_iter().zip(&layouts) {
        for (place, at) in array.walk(&layout.axes).enumerate() {
            let value = array.number(at);
            if !(value as f32).is_finite() {
                let (array, row) = (array.name.clone(), place / features + 1);
                return Err(ArraysError::NotFinite { path: path.to_owned(), array, row, value }.into());
            }
            values.push(value as f32);
        }
    }
    let columns = match shape[..] {
        [features] => (0..features).map(|feature| format!("x{feature}")).collect(),
        _ => vec![],
    };
    Ok(Content::Floats { values, shape, columns })
}

fn no_memory(path: &Path) -> DataError {
    DataError::NoMemory { path: path.to_owned(), room: room() }
}
