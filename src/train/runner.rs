//! A compiled network on a device: what the loop, evaluation and prediction do with its slots.

use super::device::Device;
use super::programs::Programs;
use crate::data::Values;
use crate::executor::{DeviceError, Executor};
use crate::kernel::{Now, Step};
use crate::op::SlotId;

/// A plan and an executor, with the slots that the host writes and reads.
pub struct Runner {
    exec: Box<dyn Executor>,
    programs: Programs,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("programs", &self.programs).finish_non_exhaustive()
    }
}

/// Values as they lie on the device: bytes four in a word, lowest first.
fn words(values: &Values) -> Vec<u32> {
    match values {
        Values::Bytes(bytes) => {
            let word = |chunk: &[u8]| {
                let mut word = [0; 4];
                word[..chunk.len()].copy_from_slice(chunk);
                u32::from_le_bytes(word)
            };
            bytes.chunks(4).map(word).collect()
        }
        Values::Floats(floats) => bits(floats),
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

impl Runner {
    /// Takes the device's memory for a plan.
    ///
    /// # Errors
    /// The device has no room or refuses.
    pub fn new(device: &Device, programs: Programs) -> Result<Self, DeviceError> {
        Ok(Self { exec: device.executor(&programs.plan)?, programs })
    }

    /// The compiled network.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The executor.
    pub fn executor(&mut self) -> &mut dyn Executor {
        self.exec.as_mut()
    }

    /// A slot that every plan of a network has.
    fn slot(&self, name: &str) -> SlotId {
        self.programs.plan.slot(name).unwrap_or_else(|| panic!("the plan has no slot {name}"))
    }

    /// Writes the data set and its normalisation.
    ///
    /// # Errors
    /// The device failed.
    pub fn load_data(
        &mut self,
        values: &Values,
        labels: &[u32],
        (offset, factor): (&[f32], &[f32]),
    ) -> Result<(), DeviceError> {
        self.write("data", &words(values))?;
        self.write("targets", labels)?;
        self.write("offset", &bits(offset))?;
        self.write("factor", &bits(factor))
    }

    fn write(&mut self, name: &str, words: &[u32]) -> Result<(), DeviceError> {
        let slot = self.slot(name);
        self.exec.write(slot, 0, words)
    }

    /// Writes floats into a slot.
    ///
    /// # Panics
    /// The plan has no slot of this name.
    ///
    /// # Errors
    /// The device failed.
    pub fn write_floats(&mut self, name: &str, values: &[f32]) -> Result<(), DeviceError> {
        self.write(name, &bits(values))
    }

    /// Reads floats of a slot.
    ///
    /// # Panics
    /// The plan has no slot of this name.
    ///
    /// # Errors
    /// The device failed.
    pub fn read_floats(&mut self, name: &str) -> Result<Vec<f32>, DeviceError> {
        self.exec.read_f32(self.slot(name))
    }

    /// Writes the rows' order and the step table, and makes line `from` the current step.
    ///
    /// # Panics
    /// There is no such line.
    ///
    /// # Errors
    /// The device failed.
    pub fn begin(&mut self, order: &[u32], steps: &[Step], from: usize) -> Result<(), DeviceError> {
        self.write("order", order)?;
        self.write("table", bytemuck::cast_slice(steps))?;
        let Step { start, rows, rate, step } = steps[from];
        self.exec.set_now(Now { index: from as u32, start, rows, rate, step, halted: 0 })
    }

    /// Runs steps of a program.
    ///
    /// # Errors
    /// The device failed.
    pub fn run(&mut self, program: usize, steps: usize) -> Result<(), DeviceError> {
        self.exec.run(program, steps)
    }

    /// Mean loss and correct answers of the steps `from..to` of the step table.
    ///
    /// # Errors
    /// The device failed.
    pub fn results(&mut self, from: usize, to: usize) -> Result<Vec<(f32, u32)>, DeviceError> {
        let losses = self.exec.read(self.slot("losses"), from, to - from)?;
        let corrects = self.exec.read(self.slot("corrects"), from, to - from)?;
        Ok(losses.into_iter().map(f32::from_bits).zip(corrects).collect())
    }

    /// Predicted classes of the first `count` rows of the order.
    ///
    /// # Errors
    /// The device failed.
    pub fn predictions(&mut self, count: usize) -> Result<Vec<u32>, DeviceError> {
        self.exec.read(self.slot("predictions"), 0, count)
    }

    /// Logits of the last evaluated batch, `[batch, classes]`.
    ///
    /// # Errors
    /// The device failed.
    pub fn logits(&mut self) -> Result<Vec<f32>, DeviceError> {
        self.exec.read_f32(self.programs.logits)
    }
}
