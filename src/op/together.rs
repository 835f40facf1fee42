//! Several tensors in one slot, so that one binding reaches them all: a kernel may have eight bindings, and some kernels need
//! more tensors. And the two slots of the current step in a program whose first and last kernels also advance the step.

use super::{Recorder, Slot, SlotId};
use crate::shape::Shape;

/// Words to which slots are aligned: 256 bytes, what every adapter accepts as the offset of a binding.
pub const ALIGN: usize = 64;

impl Recorder {
    /// The slot that holds all of these, laid one after the other unless they already lie in one, as trainable tensors
    /// do. A kernel binds it once and takes each by its [`offset`](Self::offset).
    ///
    /// # Panics
    /// Some of them lie in another slot than the rest: a fault of ours.
    pub fn together(&mut self, slots: &[SlotId]) -> SlotId {
        let parent = |rec: &Self, id: SlotId| rec.slots[id.0 as usize].within.map(|(parent, _)| parent);
        let first = parent(self, slots[0]);
        assert!(slots.iter().all(|&id| parent(self, id) == first), "tensors of several packs cannot share a binding");
        let words = slots.iter().map(|&id| self.slots[id.0 as usize].words()).sum();
        if let Some(pack) = first {
            self.shared.push((pack, words));
            return pack;
        }
        let offsets: Vec<usize> = slots
            .iter()
            .scan(self.lead, |end, id| {
                let offset = *end;
                *end = (offset + self.slots[id.0 as usize].words()).next_multiple_of(ALIGN);
                Some(offset)
            })
            .collect();
        let Slot { name, scalar, class, .. } = self.slots[slots[0].0 as usize].clone();
        let last = self.slots[slots[slots.len() - 1].0 as usize].words();
        let shape = Shape(vec![offsets[offsets.len() - 1] + last]);
        // Those of the next slot lie elsewhere than those of this.
        self.lead *= 2;
        let pack = self.slot(Slot { name: format!("{name}+"), shape, scalar, class, public: false, within: None });
        for (id, offset) in slots.iter().zip(offsets) {
            self.slots[id.0 as usize].within = Some((pack, offset));
        }
        self.shared.push((pack, words));
        pack
    }

    /// The same for tensors that no others share a slot with: the first begins it.
    pub fn together_alone(&mut self, slots: &[SlotId]) -> SlotId {
        let lead = std::mem::take(&mut self.lead);
        let pack = self.together(slots);
        self.lead = lead;
        pack
    }

    /// Words of a slot that the next dispatch touches.
    pub(super) fn words_of(&self, id: SlotId) -> usize {
        let asked = self.shared.iter().rev().find(|(slot, _)| *slot == id);
        asked.map_or_else(|| self.slots[id.0 as usize].words(), |(_, words)| *words)
    }

    /// Where a slot begins in the one that [`together`](Self::together) gave, in words.
    pub fn offset(&self, id: SlotId) -> u32 {
        self.slots[id.0 as usize].within.map_or(0, |(_, offset)| offset as u32)
    }

    /// Begins a step that ends with [`end_step`](Self::end_step). Gives two slots: that of the next step, which the host or the
    /// end of the step before has written, and that of the current step, which all dispatches from here on read.
    pub fn begin_step(&mut self) -> [SlotId; 2] {
        let next = self.now();
        let now = self.slot(Slot { name: "now, current".into(), public: false, ..self.slots[next.0 as usize].clone() });
        self.set_now(now);
        [next, now]
    }

    /// Ends a step: gives the slot of the next step, for the last kernel to write. Afterwards it is the current step's slot.
    pub fn end_step(&mut self) -> SlotId {
        let next = SlotId(0);
        if self.now() == next {
            // No step was begun, as where the operation is recorded alone.
            return self.slot(Slot { name: "now, next".into(), public: false, ..self.slots[0].clone() });
        }
        self.set_now(next);
        next
    }
}
