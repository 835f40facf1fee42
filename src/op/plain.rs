//! The judge of a joined kernel: the plain kernels that it stands for, run in sequence by their twins.

use super::{Dispatch, Slot, SlotId, writes};
use crate::kernel::{Io, Tensor};
use std::collections::BTreeSet;

/// A tensor of the plain dispatches, and where it lies in the joined one's bindings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tie {
    pub(super) slot: SlotId,
    pub(super) binding: usize,
    pub(super) offset: usize,
}

/// Plain dispatches in a row, on tensors of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain {
    pub(super) slots: Vec<Slot>,
    pub(super) dispatches: Vec<Dispatch>,
    pub(super) ties: Vec<Tie>,
    pub(super) now: usize,
}

impl Plain {
    /// Runs the twins one after the other, from and to the tensors of the joined kernel.
    pub fn run(&self, io: &mut Io<'_>) {
        let mut bound = io.take::<{ crate::kernel::MAX_BINDINGS }>();
        let mut memory: Vec<Vec<u32>> = self.slots.iter().map(|slot| vec![0; slot.words()]).collect();
        let now = bound[self.now].u32();
        memory[0].copy_from_slice(&now[..self.slots[0].words()]);
        for tie in &self.ties {
            let words = memory[tie.slot.0 as usize].len();
            memory[tie.slot.0 as usize].copy_from_slice(&bound[tie.binding].u32()[tie.offset..][..words]);
        }
        let mut written = BTreeSet::new();
        for dispatch in &self.dispatches {
            let mut outs: Vec<(usize, SlotId, Vec<u32>)> = vec![];
            for (place, (&slot, binding)) in dispatch.slots.iter().zip(dispatch.kernel.bindings).enumerate() {
                if writes(binding.access) {
                    written.insert(slot);
                    outs.push((place, slot, std::mem::take(&mut memory[slot.0 as usize])));
                }
            }
            let mut inner = Io::default();
            for (place, (&slot, binding)) in dispatch.slots.iter().zip(dispatch.kernel.bindings).enumerate() {
                if !writes(binding.access) {
                    inner.bind(place, Tensor::Read(&memory[slot.0 as usize]));
                }
            }
            for (place, _, words) in &mut outs {
                inner.bind(*place, Tensor::Write(words));
            }
            dispatch.run_plainly(&mut inner);
            for (_, slot, words) in outs {
                memory[slot.0 as usize] = words;
            }
        }
        if written.contains(&SlotId(0)) {
            let words = &memory[0];
            bound[self.now].u32_mut()[..words.len()].copy_from_slice(words);
        }
        for tie in self.ties.iter().filter(|tie| written.contains(&tie.slot)) {
            let words = &memory[tie.slot.0 as usize];
            bound[tie.binding].u32_mut()[tie.offset..][..words.len()].copy_from_slice(words);
        }
    }
}
