//! Pictures in full, beside the rows that are made of them.

use serde::{Deserialize, Serialize};

/// Pictures that training cuts its parts out of, larger than what evaluation sees of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// The pixels of all pictures, each `[height, width, channels]` row-major, of the channels and the largest value of the
    /// data set.
    pub bytes: Vec<u8>,
    /// Where the picture of each row of the data set lies.
    pub places: Vec<Place>,
}

/// Where a picture lies among the bytes of a [`Pool`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The place of its first byte.
    pub offset: usize,
    /// Pixels from top to bottom; 0 for a row that is not trained on, which has no picture here.
    pub height: u32,
    /// Pixels from left to right, 0 likewise.
    pub width: u32,
}

impl Pool {
    /// Adds a picture of a height and a width.
    pub(super) fn push(&mut self, pixels: &[u8], [height, width]: [usize; 2]) {
        self.places.push(Place { offset: self.bytes.len(), height: height as u32, width: width as u32 });
        self.bytes.extend_from_slice(pixels);
    }

    /// Adds rows that are not trained on.
    pub(super) fn push_none(&mut self, rows: usize) {
        self.places.resize(self.places.len() + rows, Place::default());
    }
}
