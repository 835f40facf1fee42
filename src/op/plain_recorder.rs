//! The recorder of the plain kernels that a joined one stands for.

use super::plain::Tie;
use super::{Class, Plain, Recorder, Slot, Target, Wire};
use crate::kernel::Scalar;
use crate::shape::Shape;

/// Takes down the plain dispatches that a joined one stands for.
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
