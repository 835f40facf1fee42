//! The recorder into which operations write their dispatches.

use super::turns::{self, DispatchError};
use super::{Class, Dispatch, GROUP, Plain, Slot, SlotId, Target, Wire, spread};
use crate::kernel::{Kernel, Scalar};
use crate::shape::Shape;
use std::sync::Arc;

/// Takes down the dispatches of a program.
#[derive(Debug)]
pub struct Recorder {
    /// What the plan is compiled for.
    pub target: Target,
    /// All slots of the plan so far.
    pub slots: Vec<Slot>,
    /// The dispatches so far.
    pub dispatches: Vec<Dispatch>,
    /// Slots that [`together`](Self::together) gave since the last dispatch, with the words of the tensors in each.
    pub(super) shared: Vec<(SlotId, usize)>,
    /// Words before the first tensor of a slot that [`together`](Self::together) makes: the judge has some, as in a network
    /// other tensors lie there.
    pub lead: usize,
    path: Arc<str>,
    now: SlotId,
    /// The first dispatch that the target cannot take.
    pub fault: Option<DispatchError>,
}

impl Recorder {
    /// An empty recorder whose first slot is `now`.
    pub fn new(target: Target) -> Self {
        let now = Slot {
            name: "now".into(),
            shape: [size_of::<crate::kernel::Now>() / 4].into(),
            scalar: Scalar::Now,
            class: Class::Control,
            public: true,
            within: None,
        };
        Self {
            target,
            slots: vec![now],
            dispatches: vec![],
            shared: vec![],
            lead: 0,
            path: "".into(),
            now: SlotId(0),
            fault: None,
        }
    }

    /// The slot of the current step.
    pub fn now(&self) -> SlotId {
        self.now
    }

    /// Makes a slot the current step's, for all dispatches from here on.
    pub fn set_now(&mut self, now: SlotId) {
        self.now = now;
    }

    /// Adds a slot to the plan and gives its id.
    pub fn slot(&mut self, slot: Slot) -> SlotId {
        self.slots.push(slot);
        SlotId(self.slots.len() as u32 - 1)
    }

    /// Adds a slot of floats that only the operation at work knows and that lives within the step.
    pub fn private(&mut self, name: &str, shape: impl Into<Shape>) -> Wire {
        let shape = shape.into();
        let name = format!("{}.{name}.{}", self.path, self.slots.len());
        let slot = Slot {
            name,
            shape: shape.clone(),
            scalar: Scalar::F32,
            class: Class::Activations,
            public: false,
            within: None,
        };
        Wire { slot: self.slot(slot), shape }
    }

    /// Names the layer for which the following dispatches run.
    pub fn enter(&mut self, path: &str) {
        self.path = path.into();
    }

    /// Records a dispatch of `groups`; a slot for each of the kernel's bindings, in order. A grid that the target does
    /// not take is kept as the recorder's fault.
    ///
    /// # Panics
    /// If the slots are not as many as the bindings, or the kernel is not for the target: faults of ours.
    pub fn dispatch(&mut self, kernel: &'static Kernel, args: &impl bytemuck::Pod, slots: &[SlotId], groups: [u32; 3]) {
        self.dispatch_bytes(kernel, bytemuck::bytes_of(args).to_vec(), slots, groups);
    }

    /// Records a dispatch of a kernel that stands for several plain ones; its arguments are words.
    ///
    /// # Panics
    /// As [`Recorder::dispatch`].
    pub fn dispatch_joined(
        &mut self,
        kernel: &'static Kernel,
        args: &[u32],
        slots: &[SlotId],
        groups: [u32; 3],
        plain: Plain,
    ) {
        self.dispatch_bytes(kernel, bytemuck::cast_slice(args).to_vec(), slots, groups);
        if let Some(last) = self.dispatches.last_mut() {
            last.plain = Some(Arc::new(plain));
        }
    }

    fn dispatch_bytes(&mut self, kernel: &'static Kernel, args: Vec<u8>, slots: &[SlotId], groups: [u32; 3]) {
        assert_eq!(slots.len(), kernel.bindings.len(), "{}: slots and bindings", kernel.name);
        assert!(self.target.offers(kernel.needs), "{} is not for this adapter", kernel.name);
        let words = slots.iter().map(|&id| self.words_of(id)).collect();
        self.shared.clear();
        let dispatch = Dispatch {
            kernel,
            words,
            args,
            slots: slots.to_vec(),
            groups,
            path: Arc::clone(&self.path),
            flops: 0,
            plain: None,
        };
        if let Some(fault) = turns::fault(&dispatch, self.target.max_groups(), self.target.max_turns) {
            self.fault.get_or_insert(fault);
        }
        self.dispatches.push(dispatch);
    }

    /// Says how many floating-point operations the last dispatch does at the batch's capacity.
    pub fn flops(&mut self, flops: u64) {
        if let Some(last) = self.dispatches.last_mut() {
            last.flops = flops;
        }
    }

    /// The second of two forms of a kernel where the target offers what it needs.
    pub fn best(&self, forms: &'static [Kernel; 2]) -> &'static Kernel {
        &forms[usize::from(self.target.offers(forms[1].needs))]
    }

    /// Records a dispatch with one thread for each of `threads` elements.
    pub fn elements(&mut self, kernel: &'static Kernel, args: &impl bytemuck::Pod, slots: &[SlotId], threads: usize) {
        self.dispatch(kernel, args, slots, spread(threads.div_ceil(GROUP as usize)));
    }
}
