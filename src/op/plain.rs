//! The plain kernels that a joined one stands for: what judges it.

use super::{Dispatch, Recorder, Slot, SlotId, Target, Wire, writes};
use crate::kernel::{Io, Scalar, Tensor};
use crate::op::Class;
use crate::shape::Shape;
use std::collections::BTreeSet;

/// A tensor of the plain dispatches, and where it lies in the joined one's bindings.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tie {
    slot: SlotId,
    binding: usize,
    offset: usize,
}

/// Plain dispatches in a row, on tensors of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain {
    slots: Vec<Slot>,
    dispatches: Vec<Dispatch>,
    ties: Vec<Tie>,
    now: usize,
}

/// Takes plain dispatches down.
#[derive(Debug)]
pub struct PlainRecorder {
    /// Into which the operations record.
    pub rec: Recorder,
    ties: Vec<Tie>,
}

impl Default for PlainRecorder {
    fn default() -> Self {
        Self { rec: Recorder::new(Target { fuse: false, ..Target::CPU }), ties: vec![] }
    }
}

impl PlainRecorder {
    /// A tensor of its own.
    pub fn inner(&mut self, shape: &Shape) -> Wire {
        self.inner_of(shape, Scalar::F32)
    }

    /// A tensor of its own of such words.
    pub fn inner_of(&mut self, shape: &Shape, scalar: Scalar) -> Wire {
        let name = format!("plain.{}", self.rec.slots.len());
        let class = Class::Activations;
        let slot = self.rec.slot(Slot { name, shape: shape.clone(), scalar, class, public: false, within: None });
        Wire { slot, shape: shape.clone() }
    }

    /// A tensor that lies at an offset, in words, of one of the joined kernel's bindings.
    pub fn tied(&mut self, shape: &Shape, (binding, offset): (usize, u32)) -> Wire {
        let wire = self.inner(shape);
        self.ties.push(Tie { slot: wire.slot, binding, offset: offset as usize });
        wire
    }

    /// What was taken down; `now` is the binding of the step.
    pub fn finish(self, now: usize) -> Plain {
        let Recorder { slots, dispatches, .. } = self.rec;
        Plain { slots, dispatches, ties: self.ties, now }
    }
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
            (dispatch.kernel.twin)(&dispatch.args, &mut inner);
            drop(inner);
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
