//! The time of each dispatch of a step, beside what the device does at best.

use super::chain::{Chain, Form, Product};
use super::net::Net;
use super::{Timing, measure, median};
use crate::device::Device;
use crate::error::Error;
use crate::kernel::Access;
use crate::op::{Dispatch, SlotId, Target};
use crate::run::Compiled;
use std::sync::Arc;
use std::time::Instant;

/// Seconds of the steps whose dispatches are timed.
const SECONDS: f64 = 1.0;

/// Least and most of those steps.
const STEPS: (usize, usize) = (3, 200);

/// A sum of the device's own times that is further from the time of a step than this factor is not believed: a driver may
/// offer timestamps and write none, or all of a submission at its end.
const BELIEVED: f64 = 10.0;

/// Floats that are copied: more than any cache holds, as many as the least binding does.
const COPIED: usize = 32 << 20;

/// How each measurement of what the device does at best is taken.
const TIMING: Timing = Timing { runs: 3, seconds: 0.3 };

/// Most seconds that a product may take to be tried: on a software driver 2048 cubed takes many.
const MOMENT: f64 = 1.5;

/// What a device was measured to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// Bytes read and written per second by a copy of 128 MiB.
    pub bytes: f64,
    /// Floating-point operations per second of the fastest of some large products.
    pub flops: f64,
    /// The product that reached [`Best::flops`].
    pub product: Product,
}

impl Best {
    /// Measures a copy, and products of 1024, 2048 and 4096 cubed in two forms as far as one takes no more than a moment.
    ///
    /// # Errors
    /// The device has no room or fails.
    pub fn measure(device: &Device, target: Target) -> Result<Self, Error> {
        let mut copy = Chain::copy(COPIED, device)?;
        let bytes = measure(TIMING, |steps| copy.steps(steps))?.spread().1 * 8.0 * COPIED as f64;
        drop(copy);
        let mut best = Self { bytes, flops: 0.0, product: Product::square(0) };
        for size in [1024, 2048, 4096] {
            for form in [Form::Nt, Form::Nn] {
                let product = Product { form, ..Product::square(size) };
                if best.flops > 0.0 && product.flops() / best.flops > MOMENT {
                    return Ok(best);
                }
                let mut chain = Chain::product(product, device, target)?;
                let flops = measure(TIMING, |steps| chain.steps(steps))?.spread().1 * product.flops();
                if flops > best.flops {
                    best = Self { bytes, flops, product };
                }
            }
        }
        Ok(best)
    }

    /// The share of the roofline that work of so many operations and bytes reaches in a time: the larger of its shares of
    /// the best product and of the copy. What lies in a cache can be more than 1.
    pub fn roof(&self, flops: f64, bytes: f64, seconds: f64) -> f64 {
        (flops / seconds / self.flops).max(bytes / seconds / self.bytes)
    }
}

/// How times were taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clock {
    /// By the device's own timestamps, each dispatch in a pass of its own.
    Device,
    /// By the host around each dispatch, on the CPU path.
    Host,
    /// By the host around each dispatch and a wait for it, which by itself takes this many seconds.
    Waited(f64),
}

impl Clock {
    /// One word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Host => "host",
            Self::Waited(_) => "waited",
        }
    }
}

/// One dispatch of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelTime {
    /// Name of the kernel.
    pub kernel: &'static str,
    /// The layer for which it runs.
    pub path: Arc<str>,
    /// Median over the steps.
    pub seconds: f64,
    /// Floating-point operations, where it is a product.
    pub flops: f64,
    /// Bytes that it must read and write at least.
    pub bytes: f64,
}

/// The dispatches of a step in order, and how they were timed.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The clock that timed the dispatches.
    pub clock: Clock,
    /// Each dispatch of a step, in order.
    pub dispatches: Vec<KernelTime>,
}

impl Net {
    /// Times each dispatch of a step that takes `step` seconds in all.
    ///
    /// # Errors
    /// The device failed.
    pub fn profile(&mut self, step: f64, on_host: bool) -> Result<Profile, Error> {
        let wanted = ((SECONDS / step) as usize).clamp(STEPS.0, STEPS.1);
        let (runner, program, steps) = self.at_work(wanted)?;
        let believed = |times: &Vec<f64>| {
            let all: f64 = times.iter().sum();
            all > step / BELIEVED && all < step * BELIEVED
        };
        let own = runner.executor().profile(program, steps)?.filter(believed);
        let (clock, times) = match own {
            Some(times) => (Clock::Device, times),
            None => self.by_the_host(wanted, on_host)?,
        };
        let compiled = self.compiled();
        let dispatches = &compiled.plan.programs[program].dispatches;
        let time = |(dispatch, &seconds): (&Dispatch, &f64)| KernelTime {
            kernel: dispatch.kernel.name,
            path: Arc::clone(&dispatch.path),
            seconds,
            flops: dispatch.flops as f64,
            bytes: bytes(compiled, dispatch),
        };
        Ok(Profile { clock, dispatches: dispatches.iter().zip(&times).map(time).collect() })
    }

    fn by_the_host(&mut self, steps: usize, on_host: bool) -> Result<(Clock, Vec<f64>), Error> {
        let (runner, program, steps) = self.at_work(steps)?;
        let count = runner.compiled().plan.programs[program].dispatches.len();
        let executor = runner.executor();
        let (mut times, mut waits) = (vec![vec![]; count], vec![]);
        let seconds = |started: Instant| started.elapsed().as_secs_f64();
        for _ in 0..steps {
            for (dispatch, times) in times.iter_mut().enumerate() {
                let started = Instant::now();
                executor.run_dispatch(program, dispatch)?;
                if !on_host {
                    executor.now()?;
                }
                times.push(seconds(started));
            }
            let started = Instant::now();
            executor.now()?;
            waits.push(seconds(started));
        }
        let clock = if on_host { Clock::Host } else { Clock::Waited(median(&waits)) };
        Ok((clock, times.iter().map(|times| median(times)).collect()))
    }
}

/// Tensors of which a step touches its own part alone: rows of the data set, lines of the tables.
const BY_STEP: [&str; 6] = ["data", "targets", "order", "table", "losses", "corrects"];

/// Bytes that a dispatch reads and writes if it touches every word of its tensors once, or twice where it updates.
fn bytes(compiled: &Compiled, dispatch: &Dispatch) -> f64 {
    let words = |((&SlotId(id), &words), access): ((&SlotId, &usize), Access)| {
        let in_part = BY_STEP.contains(&compiled.plan.slots[id as usize].name.as_str());
        let touched = words as f64 / if in_part { compiled.lines as f64 } else { 1.0 };
        touched * if access == Access::Update { 2.0 } else { 1.0 }
    };
    let accesses = dispatch.kernel.bindings.iter().map(|binding| binding.access);
    4.0 * dispatch.slots.iter().zip(&dispatch.words).zip(accesses).map(words).sum::<f64>()
}

/// The time of a dispatch that does nothing, in seconds: what a step must pay for each of its dispatches, which wait for
/// one another.
///
/// # Errors
/// The device has no room or fails.
pub fn empty_dispatch(device: &Device) -> Result<f64, Error> {
    let mut chain = Chain::empty(device)?;
    let rates = measure(TIMING, |steps| chain.steps(steps))?;
    Ok(1.0 / (rates.median() * chain.dispatches() as f64))
}
