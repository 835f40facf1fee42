//! Which words of a buffer are taken, at each dispatch of one program.

use crate::op::ALIGN;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// A placed slot: its first and last dispatch, its first word, and the word behind it.
type Taken = (usize, usize, usize, usize);

/// The placed slots of a program, with the words that are free at one dispatch. To go on to a later dispatch is cheap; to go
/// back is not. Slots that live at the same dispatch do not overlap.
#[derive(Debug)]
pub(super) struct Space {
    placed: Vec<Taken>,
    /// The dispatch for which `free`, `alive` and `later` hold.
    at: usize,
    /// Free pieces there: first word, and the word behind the last.
    free: BTreeMap<usize, usize>,
    /// Slots that live there, the first to end on top.
    alive: BinaryHeap<Reverse<(usize, usize, usize)>>,
    /// Slots that begin later, by their first dispatch.
    later: BTreeMap<usize, Vec<Taken>>,
}

impl Default for Space {
    fn default() -> Self {
        let (placed, alive, later) = (vec![], BinaryHeap::new(), BTreeMap::new());
        Self { placed, at: 0, free: BTreeMap::from([(0, usize::MAX)]), alive, later }
    }
}

impl Space {
    /// The lowest aligned word, from `least` on, from which so many words are free from one dispatch to another.
    pub(super) fn find(&mut self, (from, to): (usize, usize), words: usize, least: usize) -> usize {
        self.see(from);
        // Slots that begin before the end are in the way too.
        let begins = self.later.range(from..=to).flat_map(|(_, slots)| slots);
        let mut ahead: Vec<(usize, usize)> = begins.map(|&(.., start, end)| (start, end)).collect();
        ahead.sort_unstable();
        for (&start, &end) in &self.free {
            let mut offset = start.max(least);
            for &(taken, behind) in &ahead {
                if taken < offset.saturating_add(words) && offset < behind {
                    offset = behind;
                }
            }
            if offset.saturating_add(words) <= end {
                return offset;
            }
        }
        usize::MAX
    }

    /// Takes the words of a slot.
    pub(super) fn take(&mut self, (from, to): (usize, usize), offset: usize, words: usize) {
        let taken = (from, to, offset, (offset + words).next_multiple_of(ALIGN));
        self.placed.push(taken);
        self.enter(taken);
    }

    /// Moves to a dispatch.
    fn see(&mut self, at: usize) {
        if at < self.at {
            *self = Self { placed: std::mem::take(&mut self.placed), at, ..Self::default() };
            self.placed.clone().into_iter().for_each(|taken| self.enter(taken));
            return;
        }
        self.at = at;
        while let Some(&Reverse((to, start, end))) = self.alive.peek()
            && to < at
        {
            self.alive.pop();
            self.release(start, end);
        }
        let later = self.later.split_off(&(at + 1));
        let begun = std::mem::replace(&mut self.later, later);
        begun.into_values().flatten().for_each(|taken| self.enter(taken));
    }

    /// Puts down a slot, if it lives at the dispatch or later.
    fn enter(&mut self, (from, to, start, end): Taken) {
        if from > self.at {
            self.later.entry(from).or_default().push((from, to, start, end));
        } else if to >= self.at && start < end {
            let piece = self.free.range(..=start).next_back().map(|(&first, &behind)| (first, behind));
            let Some((first, behind)) = piece.filter(|(_, behind)| *behind >= end) else {
                unreachable!("slots that live at one dispatch do not overlap")
            };
            self.free.remove(&first);
            [(first, start), (end, behind)].into_iter().filter(|(from, to)| from < to).for_each(|(from, to)| {
                self.free.insert(from, to);
            });
            self.alive.push(Reverse((to, start, end)));
        }
    }

    fn release(&mut self, mut start: usize, mut end: usize) {
        if let Some(behind) = self.free.remove(&end) {
            end = behind;
        }
        if let Some((&first, &behind)) = self.free.range(..start).next_back()
            && behind == start
        {
            start = first;
        }
        self.free.insert(start, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Domain, Stream};
    use rand::RngExt;

    /// The lowest gap, by looking at every slot.
    fn plainly(placed: &[Taken], (from, to): (usize, usize), words: usize, least: usize) -> usize {
        let mut taken: Vec<(usize, usize)> =
            placed.iter().filter(|slot| slot.0 <= to && from <= slot.1).map(|slot| (slot.2, slot.3)).collect();
        taken.sort_unstable();
        let mut offset = least;
        for (start, end) in taken {
            if offset + words <= start {
                break;
            }
            offset = offset.max(end);
        }
        offset
    }

    #[test]
    fn slots_get_the_lowest_gap() {
        for seed in 0..200 {
            let mut stream = Stream::new(seed, Domain::Check, 0);
            let mut space = Space::default();
            for number in 0..60 {
                // Mostly forward, as values are made, sometimes anywhere.
                let from = if stream.random_range(0..5) == 0 { stream.random_range(0..80) } else { number };
                let life = (from, from + stream.random_range(0..30));
                let words = stream.random_range(0..200);
                let least = ALIGN * stream.random_range(0..3) * usize::from(stream.random_range(0..9) == 0);
                let offset = space.find(life, words, least);
                if words > 0 {
                    assert_eq!(offset, plainly(&space.placed, life, words, least), "seed {seed}, slot {number}");
                    space.take(life, offset, words);
                }
            }
        }
    }
}
