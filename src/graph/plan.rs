//! A plan: plain data. Either executor runs it, and it can be printed, compared and counted.

use crate::kernel::MAX_BINDINGS;
use crate::op::turns::DispatchError;
use crate::op::{Class, Dispatch, Slot, SlotId, Target, writes};
use crate::shape::ShapeError;
use std::collections::BTreeSet;

/// Where a slot lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the buffer.
    pub buffer: usize,
    /// Its first word in the buffer.
    pub offset: usize,
}

/// A piece of memory that holds slots of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// What it is for.
    pub class: Class,
    /// Its length in 32-bit words.
    pub words: usize,
}

/// A named list of dispatches; one run of it is one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// What it does in one word, as in `train`.
    pub name: &'static str,
    /// Its dispatches, in the order in which they run.
    pub dispatches: Vec<Dispatch>,
    /// Layers whose product and stages are kernels of their own, each with the reason.
    pub apart: Vec<(String, String)>,
}

/// Memory and work of a network, compiled for one kind of device.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What it was compiled for.
    pub target: Target,
    /// All tensors, each at its [`SlotId`].
    pub slots: Vec<Slot>,
    /// Where each slot lies.
    pub places: Vec<Place>,
    /// The buffers that hold the slots.
    pub buffers: Vec<Buffer>,
    /// What can be run.
    pub programs: Vec<Program>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Shapes do not fit.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The device cannot take a dispatch.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
    /// One tensor is more than the device takes.
    #[error(
        "{name} takes {bytes} bytes, more than the {limit} that this device takes in one piece: \
         use `device = cpu`, smaller layers, a smaller batch or less data"
    )]
    TooLarge {
        /// Name of the tensor, as in `0.weight`.
        name: String,
        /// Its size in bytes.
        bytes: u64,
        /// Most bytes of one tensor on this device.
        limit: u64,
    },
    /// A breach of our own rules.
    #[error("internal fault in the plan: {0}")]
    Fault(String),
}

impl PlanError {
    pub(super) fn fault(what: &str) -> Self {
        Self::Fault(what.to_owned())
    }
}

impl Plan {
    /// The slot of a name.
    pub fn slot(&self, name: &str) -> Option<SlotId> {
        self.slots.iter().position(|slot| slot.name == name).map(|i| SlotId(i as u32))
    }

    /// The program of a name.
    pub fn program(&self, name: &str) -> Option<usize> {
        self.programs.iter().position(|program| program.name == name)
    }

    /// Buffer, first word and number of words of a slot.
    pub fn range(&self, id: SlotId) -> (usize, usize, usize) {
        let place = self.places[id.0 as usize];
        (place.buffer, place.offset, self.slots[id.0 as usize].words())
    }

    /// Bytes of all buffers.
    pub fn bytes(&self) -> u64 {
        self.buffers.iter().map(|buffer| buffer.words as u64 * 4).sum()
    }

    /// Holds the rules that every plan must keep: unique names, at most eight bindings, no buffer bound both to read and to write in
    /// one dispatch, every slot inside its buffer.
    ///
    /// # Errors
    /// Names the dispatch that breaks one.
    pub fn check(&self) -> Result<(), PlanError> {
        let mut names = BTreeSet::new();
        if let Some(twice) = self.slots.iter().find(|slot| !names.insert(&slot.name)) {
            return Err(PlanError::Fault(format!("two slots are called {}", twice.name)));
        }
        for (slot, place) in self.slots.iter().zip(&self.places) {
            if place.offset + slot.words() > self.buffers[place.buffer].words {
                return Err(PlanError::Fault(format!("{} does not fit its buffer", slot.name)));
            }
        }
        for dispatch in self.programs.iter().flat_map(|program| &program.dispatches) {
            let name = dispatch.kernel.name;
            if dispatch.slots.len() > MAX_BINDINGS {
                return Err(PlanError::Fault(format!("{name} binds {} tensors", dispatch.slots.len())));
            }
            let bound = dispatch.slots.iter().zip(dispatch.kernel.bindings);
            let buffers = |written: bool| {
                let chosen = bound.clone().filter(move |(_, b)| writes(b.access) == written);
                chosen.map(|(&id, _)| self.places[id.0 as usize].buffer).collect::<BTreeSet<_>>()
            };
            if !buffers(true).is_disjoint(&buffers(false)) {
                return Err(PlanError::Fault(format!("{name} reads and writes one buffer")));
            }
        }
        Ok(())
    }
}
