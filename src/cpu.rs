//! The executor on the host: runs a plan through the kernels' twins, or through their fast CPU variants.

use crate::aligned::Aligned;
use crate::executor::{DeviceError, Executor};
use crate::graph::plan::{Buffer, Plan};
use crate::kernel::{Io, Tensor};
use crate::op::{Class, Dispatch, SlotId, writes};
use crate::{gemm, threads};
use std::sync::Arc;

/// Which of a kernel's two host forms runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The product: the fast variant where there is one.
    Fast,
    /// The judge: always the plain twin. Runs plans of any target.
    Twin,
}

/// The parts of a machine's memory.
const DATA: usize = 0;
const HOT: usize = 1;

/// Words that one thread copies at a time.
const COPIED: usize = 1 << 16;

/// One binding of a dispatch, worked out once.
#[derive(Clone, Copy, Debug)]
struct Bound {
    buffer: usize,
    first: usize,
    words: usize,
    binding: usize,
    writes: bool,
}

/// A plan with memory on the host.
#[derive(Debug)]
pub struct Machine {
    plan: Arc<Plan>,
    mode: Mode,
    /// The buffers of the data set one after the other, and all others.
    memory: [Aligned<u32>; 2],
    /// For each buffer in which of them it lies, and its first word there.
    places: Vec<(usize, usize)>,
    /// For each program and dispatch, its bindings in the order in which they lie in memory.
    bounds: Vec<Vec<Vec<Bound>>>,
}

impl Machine {
    /// Takes all memory that the plan needs, zeroed.
    pub fn new(plan: Arc<Plan>, mode: Mode) -> Self {
        if mode == Mode::Fast {
            threads::on_each(gemm::reserve);
        }
        let mut words = [0; 2];
        let place = |buffer: &Buffer| {
            let part = if buffer.class == Class::Data { DATA } else { HOT };
            let first = words[part];
            words[part] += buffer.words;
            (part, first)
        };
        let places = plan.buffers.iter().map(place).collect();
        let memory = [Aligned::zeroed(words[DATA]), Aligned::hot(words[HOT])];
        let of = |dispatch: &Dispatch| {
            let mut bounds: Vec<Bound> =
                dispatch.slots.iter().enumerate().map(|(i, &id)| bound(&plan, dispatch, i, id)).collect();
            bounds.sort_by_key(|bound| (bound.buffer, bound.first, bound.binding));
            bounds
        };
        let bounds = plan.programs.iter().map(|program| program.dispatches.iter().map(of).collect()).collect();
        Self { plan, mode, memory, places, bounds }
    }

    fn buffer(&mut self, buffer: usize) -> &mut [u32] {
        let (part, first) = self.places[buffer];
        &mut self.memory[part][first..][..self.plan.buffers[buffer].words]
    }

    fn dispatch(&mut self, program: usize, at: usize) {
        let dispatch = &self.plan.programs[program].dispatches[at];
        let mut io = Io::default();
        let mut bounds = self.bounds[program][at].iter().peekable();
        let mut memory = self.memory.each_mut().map(|memory| &mut memory[..]);
        for (index, buffer) in self.plan.buffers.iter().enumerate() {
            // A buffer is bound either to read or to write (Plan::check), so it is either shared or cut in pieces.
            let left = &mut memory[self.places[index].0];
            let (mut rest, after) = std::mem::take(left).split_at_mut(buffer.words);
            *left = after;
            let mut start = 0;
            if bounds.peek().is_some_and(|bound| bound.buffer == index && !bound.writes) {
                let shared: &[u32] = rest;
                while let Some(b) = bounds.next_if(|bound| bound.buffer == index) {
                    io.bind(b.binding, Tensor::Read(&shared[b.first..b.first + b.words]));
                }
                continue;
            }
            while let Some(b) = bounds.next_if(|bound| bound.buffer == index) {
                let (_, from) = rest.split_at_mut(b.first - start);
                let (piece, after) = from.split_at_mut(b.words);
                io.bind(b.binding, Tensor::Write(piece));
                (rest, start) = (after, b.first + b.words);
            }
        }
        let kernel = dispatch.kernel;
        match (self.mode, kernel.fast) {
            (Mode::Fast, Some(fast)) => fast(&dispatch.args, &mut io),
            _ => dispatch.run_plainly(&mut io),
        }
    }
}

fn bound(plan: &Plan, dispatch: &Dispatch, binding: usize, slot: SlotId) -> Bound {
    let (buffer, first, words) = plan.range(slot);
    Bound { buffer, first, words, binding, writes: writes(dispatch.kernel.bindings[binding].access) }
}

impl Executor for Machine {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn write(&mut self, slot: SlotId, first: usize, words: &[u32]) -> Result<(), DeviceError> {
        let (buffer, start, _) = self.plan.range(slot);
        // Memory is taken page by page as it is first written, which takes longer than the copy.
        threads::for_chunks(&mut self.buffer(buffer)[start + first..][..words.len()], COPIED, |chunk, out| {
            out.copy_from_slice(&words[chunk * COPIED..][..out.len()]);
        });
        Ok(())
    }

    fn read(&mut self, slot: SlotId, first: usize, words: usize) -> Result<Vec<u32>, DeviceError> {
        let (buffer, start, _) = self.plan.range(slot);
        Ok(self.buffer(buffer)[start + first..][..words].to_vec())
    }

    fn run(&mut self, program: usize, steps: usize) -> Result<(), DeviceError> {
        threads::enter(|| {
            for _ in 0..steps {
                for at in 0..self.bounds[program].len() {
                    self.dispatch(program, at);
                }
            }
        });
        Ok(())
    }

    fn run_dispatch(&mut self, program: usize, dispatch: usize) -> Result<(), DeviceError> {
        self.dispatch(program, dispatch);
        Ok(())
    }

    fn read_buffer(&mut self, buffer: usize) -> Result<Vec<u32>, DeviceError> {
        Ok(self.buffer(buffer).to_vec())
    }

    fn write_buffer(&mut self, buffer: usize, words: &[u32]) -> Result<(), DeviceError> {
        self.buffer(buffer).copy_from_slice(words);
        Ok(())
    }
}
