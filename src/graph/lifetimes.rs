//! Where each slot lies: in which buffer, from which word.
//!
//! Slots of one class share buffers of that class. Two rules bind: a buffer must not be bound both to read and to write
//! in one dispatch (wgpu refuses it, whatever the ranges), so slots that would make it so go to different buffers; and
//! slots of class `Activations` may lie on the same words when no dispatch of one falls into the life of the other.

use super::plan::{Buffer, Place, PlanError};
use super::space::Space;
use crate::op::{ALIGN, Dispatch, Slot, SlotId, Target, writes};
use std::collections::{BTreeMap, BTreeSet};

/// Words of one buffer at most: element numbers are 32 bits.
const MAX_WORDS: usize = u32::MAX as usize;

/// From the first to the last dispatch, in one program.
type Life = (usize, usize, usize);

pub(super) fn place(
    slots: &[Slot],
    programs: &[(&[Dispatch], &BTreeSet<SlotId>)],
    target: &Target,
) -> Result<(Vec<Buffer>, Vec<Place>), PlanError> {
    let (lives, conflicts) = (lives(slots, programs), conflicts(slots, programs));
    let places = vec![None; slots.len()];
    let mut placer = Placer { slots, lives, conflicts, target, buffers: vec![], taken: vec![], places };
    for id in (0..slots.len()).filter(|&id| slots[id].within.is_none()) {
        placer.place(SlotId(id as u32))?;
    }
    for (id, slot) in slots.iter().enumerate() {
        if let Some((parent, offset)) = slot.within {
            let parent = placer.places[parent.0 as usize].ok_or_else(|| PlanError::fault("a part without a whole"))?;
            placer.places[id] = Some(Place { buffer: parent.buffer, offset: parent.offset + offset });
        }
    }
    let places: Option<Vec<Place>> = placer.places.into_iter().collect();
    Ok((placer.buffers, places.ok_or_else(|| PlanError::fault("a slot without a place"))?))
}

/// The slot whose memory a slot is part of, or the slot itself.
fn root(slots: &[Slot], id: SlotId) -> SlotId {
    slots[id.0 as usize].within.map_or(id, |(parent, _)| parent)
}

fn lives(slots: &[Slot], programs: &[(&[Dispatch], &BTreeSet<SlotId>)]) -> Vec<Vec<Life>> {
    let mut lives: Vec<BTreeMap<usize, (usize, usize)>> = vec![BTreeMap::new(); slots.len()];
    for (program, (dispatches, kept)) in programs.iter().enumerate() {
        for (at, dispatch) in dispatches.iter().enumerate() {
            for &id in &dispatch.slots {
                let life = lives[root(slots, id).0 as usize].entry(program).or_insert((at, at));
                life.1 = at;
            }
        }
        for id in *kept {
            lives[id.0 as usize].entry(program).or_insert((0, 0)).1 = dispatches.len();
        }
    }
    lives.into_iter().map(|life| life.into_iter().map(|(program, (from, to))| (program, from, to)).collect()).collect()
}

/// Pairs of slots of which one dispatch reads one and writes the other.
fn conflicts(slots: &[Slot], programs: &[(&[Dispatch], &BTreeSet<SlotId>)]) -> Vec<BTreeSet<usize>> {
    let mut conflicts = vec![BTreeSet::new(); slots.len()];
    for dispatch in programs.iter().flat_map(|(dispatches, _)| dispatches.iter()) {
        let bound = || dispatch.slots.iter().zip(dispatch.kernel.bindings).map(|(&id, b)| (root(slots, id), b.access));
        for (written, _) in bound().filter(|&(_, access)| writes(access)) {
            for (read, _) in bound().filter(|&(_, access)| !writes(access)) {
                conflicts[written.0 as usize].insert(read.0 as usize);
                conflicts[read.0 as usize].insert(written.0 as usize);
            }
        }
    }
    conflicts
}

/// Bytes of one slot at most. WGSL numbers elements, and single bytes of a data set, in 32 bits, and a grid may overshoot.
fn max_bytes(target: &Target) -> u64 {
    if target.max_buffer == u64::MAX { MAX_WORDS as u64 * 4 } else { (1 << 31) - 1 }
}

struct Placer<'a> {
    slots: &'a [Slot],
    lives: Vec<Vec<Life>>,
    conflicts: Vec<BTreeSet<usize>>,
    target: &'a Target,
    buffers: Vec<Buffer>,
    /// What is taken of each buffer.
    taken: Vec<Taken>,
    places: Vec<Option<Place>>,
}

/// What is taken of a buffer.
#[derive(Default)]
struct Taken {
    /// The word behind all slots.
    end: usize,
    /// For each program, the words that slots of class `Activations` take.
    spaces: BTreeMap<usize, Space>,
}

impl Placer<'_> {
    fn place(&mut self, id: SlotId) -> Result<(), PlanError> {
        let slot = &self.slots[id.0 as usize];
        let bytes = slot.words().next_multiple_of(ALIGN) as u64 * 4;
        let limit = self.target.max_binding.min(self.target.max_buffer).min(max_bytes(self.target));
        if bytes > limit {
            return Err(PlanError::TooLarge { name: slot.name.clone(), bytes, limit });
        }
        let taboo: BTreeSet<usize> =
            self.conflicts[id.0 as usize].iter().filter_map(|&other| Some(self.places[other]?.buffer)).collect();
        let of_class = |buffer: &usize| self.buffers[*buffer].class == slot.class && !taboo.contains(buffer);
        let candidates: Vec<usize> = (0..self.buffers.len()).filter(of_class).collect();
        for buffer in candidates {
            let offset = self.first_gap(id, buffer);
            let end = offset.saturating_add(slot.words()).next_multiple_of(ALIGN);
            if end as u64 * 4 <= self.target.max_buffer && end <= MAX_WORDS {
                self.put(id, buffer, offset);
                return Ok(());
            }
        }
        self.buffers.push(Buffer { class: slot.class, words: ALIGN });
        self.taken.push(Taken::default());
        self.put(id, self.buffers.len() - 1, 0);
        Ok(())
    }

    fn put(&mut self, id: SlotId, buffer: usize, offset: usize) {
        let (place, words) = (id.0 as usize, self.slots[id.0 as usize].words());
        let (taken, held) = (&mut self.taken[buffer], &mut self.buffers[buffer].words);
        taken.end = taken.end.max((offset + words).next_multiple_of(ALIGN));
        *held = (*held).max(taken.end);
        self.places[place] = Some(Place { buffer, offset });
        if !self.slots[place].class.persists() {
            for &(program, from, to) in &self.lives[place] {
                taken.spaces.entry(program).or_default().take((from, to), offset, words);
            }
        }
    }

    /// The lowest aligned offset at which a slot meets no neighbour that lives when it does.
    fn first_gap(&mut self, id: SlotId, buffer: usize) -> usize {
        let (place, words) = (id.0 as usize, self.slots[id.0 as usize].words());
        if words == 0 {
            return 0;
        }
        if self.slots[place].class.persists() {
            // All slots of such a class live for ever, one behind the other.
            return self.taken[buffer].end;
        }
        let mut offset = 0;
        loop {
            let before = offset;
            for &(program, from, to) in &self.lives[place] {
                let space = self.taken[buffer].spaces.entry(program).or_default();
                offset = space.find((from, to), words, offset);
            }
            if offset == before || self.lives[place].len() < 2 {
                return offset;
            }
        }
    }
}
