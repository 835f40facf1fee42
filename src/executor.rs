//! What both executors do with a plan.

use crate::graph::plan::Plan;
use crate::kernel::Now;
use crate::op::SlotId;

/// The device failed, or is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No adapter of the kind that was asked for.
    #[error("{0}")]
    NoAdapter(String),
    /// The adapter lacks something that every plan needs.
    #[error("{adapter} cannot be used: {what}")]
    Unfit {
        /// Name of the adapter, as its driver gives it.
        adapter: String,
        /// What the adapter lacks, as a clause.
        what: String,
    },
    /// The driver refused to open the adapter or to make something on it.
    #[error("the driver of {adapter} refused {what}: {why}")]
    Refused {
        /// Name of the adapter, as its driver gives it.
        adapter: String,
        /// What was asked for.
        what: String,
        /// The first line of the driver's answer.
        why: String,
    },
    /// Products in float16 were asked for, which the device does not multiply.
    #[error("`precision = f16` cannot run on {adapter}: {what}; use `precision = f32` or another `device`")]
    NoF16 {
        /// Name of the device that cannot multiply in float16.
        adapter: String,
        /// What the device lacks, as a clause.
        what: String,
    },
    /// The kernel family that was asked for does not exist on this device.
    #[error("WGRAD_PRODUCT={0:?} is not a kernel family that this device supports; choose one of: {1}")]
    Variant(String, String),
    /// The device disappeared while it was in use.
    #[error("the device was lost ({0})")]
    Lost(String),
    /// It gave numbers that cannot be.
    #[error(
        "the device gave {0}, which cannot be, so none of its numbers can be trusted: check it with wgrad doctor, or train \
         with `device = cpu`"
    )]
    Impossible(String),
    /// What was to be written does not fit the plan.
    #[error("{0}")]
    Misfit(String),
    /// The host's memory would run out.
    #[error(
        "the network and its data need {bytes} bytes of memory, {}: use smaller layers, a smaller batch or less data",
        .free.map_or("which this machine does not have".to_owned(), |free| format!("but {free} bytes are free"))
    )]
    HostMemory {
        /// Bytes that the network and its data need.
        bytes: u64,
        /// What is free, where the system says so.
        free: Option<u64>,
    },
    /// The device's memory ran out.
    #[error(
        "{adapter} does not have {bytes} bytes of free memory: use smaller layers, a smaller batch or `device = cpu`"
    )]
    OutOfMemory {
        /// Name of the adapter, as its driver gives it.
        adapter: String,
        /// What the plan needs.
        bytes: u64,
    },
}

/// Runs the programs of a plan on memory of its own.
pub trait Executor: Send {
    /// The plan that it runs.
    fn plan(&self) -> &Plan;

    /// Writes words into a slot from a word onwards, after all steps so far.
    ///
    /// # Errors
    /// The device failed.
    fn write(&mut self, slot: SlotId, first: usize, words: &[u32]) -> Result<(), DeviceError>;

    /// Reads words of a slot, after all steps so far.
    ///
    /// # Errors
    /// The device failed.
    fn read(&mut self, slot: SlotId, first: usize, words: usize) -> Result<Vec<u32>, DeviceError>;

    /// Runs a program a number of times. Returns when the work is given to the device, which may be before it is done.
    ///
    /// # Errors
    /// The device failed.
    fn run(&mut self, program: usize, steps: usize) -> Result<(), DeviceError>;

    /// Whether all work that it was given is done, without waiting for it.
    ///
    /// # Errors
    /// The device failed.
    fn is_idle(&mut self) -> Result<bool, DeviceError> {
        Ok(true)
    }

    /// Runs one dispatch of a program, for comparing executors.
    ///
    /// # Errors
    /// The device failed.
    fn run_dispatch(&mut self, program: usize, dispatch: usize) -> Result<(), DeviceError>;

    /// Seconds that each dispatch of a program takes, by the device's own clock: the median over `steps` steps, which are
    /// run from the current one on. `None` where the executor has no such clock; then nothing is run.
    ///
    /// # Errors
    /// The device failed.
    fn profile(&mut self, _program: usize, _steps: usize) -> Result<Option<Vec<f64>>, DeviceError> {
        Ok(None)
    }

    /// All words of a buffer, for comparing executors.
    ///
    /// # Errors
    /// The device failed.
    fn read_buffer(&mut self, buffer: usize) -> Result<Vec<u32>, DeviceError>;

    /// Writes all words of a buffer, for comparing executors.
    ///
    /// # Errors
    /// The device failed.
    fn write_buffer(&mut self, buffer: usize, words: &[u32]) -> Result<(), DeviceError>;

    /// The current step, as the last program left it.
    ///
    /// # Errors
    /// The device failed.
    fn now(&mut self) -> Result<Now, DeviceError> {
        let words = self.read(SlotId(0), 0, size_of::<Now>() / 4)?;
        Ok(bytemuck::pod_read_unaligned(bytemuck::cast_slice(&words)))
    }

    /// Sets the current step.
    ///
    /// # Errors
    /// The device failed.
    fn set_now(&mut self, now: Now) -> Result<(), DeviceError> {
        self.write(SlotId(0), 0, bytemuck::cast_slice(&[now]))
    }

    /// A whole slot as floats.
    ///
    /// # Errors
    /// The device failed.
    fn read_f32(&mut self, slot: SlotId) -> Result<Vec<f32>, DeviceError> {
        let words = self.plan().slots[slot.0 as usize].words();
        Ok(bytemuck::cast_vec(self.read(slot, 0, words)?))
    }
}
