//! Memory that begins at a cache line, so that no vector which is read from it lies across two. What a step goes over is on
//! huge pages where the system has them: it would take hundreds of small ones, and to look one up takes time.

use bytemuck::Pod;
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
pub const LINE: usize = 64;

/// Words of any kind, the first one at the beginning of a cache line. It does not grow, so they stay there.
#[derive(Debug)]
pub struct Aligned<T> {
    held: Held<T>,
    first: usize,
    count: usize,
}

#[derive(Debug)]
enum Held<T> {
    Plain(Vec<T>),
    #[cfg(target_os = "linux")]
    Mapped(memmap2::MmapMut),
}

impl<T: Pod> Aligned<T> {
    /// No words, and no memory.
    pub const fn empty() -> Self {
        Self { held: Held::Plain(vec![]), first: 0, count: 0 }
    }

    /// Zeros for what is read and written in every step: from a MiB on, on huge pages where the system has them.
    pub fn hot(count: usize) -> Self {
        #[cfg(target_os = "linux")]
        if let Some((map, first)) = huge::pages(count.saturating_mul(size_of::<T>())) {
            return Self { held: Held::Mapped(map), first: first / size_of::<T>(), count };
        }
        Self::zeroed(count)
    }

    /// Zeros, which the system hands out page by page as they are first touched: sooner than huge pages.
    pub fn zeroed(count: usize) -> Self {
        let data = vec![T::zeroed(); count + LINE / size_of::<T>()];
        let first = data.as_ptr().align_offset(LINE);
        Self { held: Held::Plain(data), first, count }
    }
}

impl<T: Pod> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let all = match &self.held {
            Held::Plain(data) => data,
            #[cfg(target_os = "linux")]
            Held::Mapped(map) => bytemuck::cast_slice(map),
        };
        &all[self.first..][..self.count]
    }
}

impl<T: Pod> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let all = match &mut self.held {
            Held::Plain(data) => data,
            #[cfg(target_os = "linux")]
            Held::Mapped(map) => bytemuck::cast_slice_mut(map),
        };
        &mut all[self.first..][..self.count]
    }
}

#[cfg(target_os = "linux")]
mod huge {
    use memmap2::{Advice, MmapMut};

    /// Bytes of a huge page, on most machines.
    pub(super) const PAGE: usize = 2 << 20;

    /// Fewest bytes for which huge pages are asked: below, most of a page would lie idle.
    pub(super) const LEAST: usize = PAGE / 2;

    /// Whole huge pages with room for so many bytes, and where the first page begins. None for few bytes, or where the
    /// system refuses: then the words lie where all others do.
    pub(super) fn pages(bytes: usize) -> Option<(MmapMut, usize)> {
        if bytes < LEAST {
            return None;
        }
        let map = MmapMut::map_anon(bytes.checked_next_multiple_of(PAGE)?.checked_add(PAGE)?).ok()?;
        // A system without huge pages has small ones: nothing but the time of a step depends on it.
        let _ = map.advise(Advice::HugePage);
        let first = map.as_ptr().align_offset(PAGE);
        Some((map, first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_begins_a_line() {
        // Several at once, for a single one may lie well by chance.
        let mut all: Vec<Aligned<f32>> = (0..40).chain([1 << 18, 600_001]).map(Aligned::hot).collect();
        for words in &mut all {
            assert!(words.as_ptr().addr().is_multiple_of(LINE) && words.iter().all(|word| *word == 0.0));
            words.fill(1.0);
        }
        let counts: Vec<usize> = all.iter().map(|words| words.len()).collect();
        assert_eq!(counts, (0..40).chain([1 << 18, 600_001]).collect::<Vec<_>>());
        assert!(all.iter().all(|words| words.iter().all(|word| *word == 1.0)), "none lies over another");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn much_memory_is_mapped() {
        for (count, is_mapped) in [(huge::LEAST / 4 - 1, false), (huge::LEAST / 4, true), (huge::PAGE, true)] {
            let words = Aligned::<u32>::hot(count);
            assert_eq!(matches!(words.held, Held::Mapped(_)), is_mapped, "{count}");
            assert!(!is_mapped || words.as_ptr().addr().is_multiple_of(huge::PAGE));
        }
        assert!(huge::pages(usize::MAX).is_none() && huge::pages(usize::MAX / 2).is_none(), "too much to be had");
    }
}
