//! Memory that begins at a cache line, so that no vector which is read from it lies across two.

use bytemuck::Pod;
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
pub const LINE: usize = 64;

/// Words of any kind, the first one at the beginning of a cache line. It does not grow, so they stay there.
#[derive(Debug)]
pub struct Aligned<T> {
    data: Vec<T>,
    first: usize,
    count: usize,
}

impl<T: Pod> Aligned<T> {
    /// No values, and no memory.
    pub const fn empty() -> Self {
        Self { data: vec![], first: 0, count: 0 }
    }

    /// Zeros, which the system hands out page by page as they are first touched.
    pub fn zeroed(count: usize) -> Self {
        let data: Vec<T> = vec![T::zeroed(); count + LINE / size_of::<T>()];
        let first = data.as_ptr().align_offset(LINE);
        Self { data, first, count }
    }
}

impl<T: Pod> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.data[self.first..][..self.count]
    }
}

impl<T: Pod> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.first..][..self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_begins_a_line() {
        // Several at once, for a single one may lie well by chance.
        let all: Vec<Aligned<f32>> = (0..40).map(Aligned::zeroed).collect();
        for (count, words) in all.iter().enumerate() {
            assert_eq!(words.len(), count);
            assert!(words.as_ptr().addr().is_multiple_of(LINE), "{count}");
        }
    }
}
