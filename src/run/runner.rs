//! A compiled network on a device: what the loop, evaluation and prediction do with its slots.

use super::compiled::Compiled;
use super::window::Window;
use crate::data::augment::Drawn;
use crate::data::{Place, Values};
use crate::device::Device;
use crate::executor::{DeviceError, Executor};
use crate::export::LossScaling;
use crate::kernel::{Now, Scalar, Step};
use crate::op::{Class, Slot, SlotId};
use crate::shape::{channels_first, channels_last};
use std::collections::{BTreeMap, HashMap};

/// A plan and an executor, with the slots that the host writes and reads.
pub struct Runner {
    exec: Box<dyn Executor>,
    compiled: Compiled,
    /// The plan's slots by name.
    slots: HashMap<String, SlotId>,
    /// Which rows lie on the device, where not all do.
    pub(super) window: Option<Window>,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("compiled", &self.compiled).finish_non_exhaustive()
    }
}

/// All words of the slots of one class, read at once.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    /// The words of each buffer, by its number.
    buffers: BTreeMap<usize, Vec<u32>>,
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

/// Refuses the first number that is not below another: kernels take it for a place in memory.
fn below(numbers: &[u32], end: usize, what: impl Fn(usize, u32) -> String) -> Result<(), DeviceError> {
    match numbers.iter().position(|&number| number as usize >= end) {
        Some(at) => Err(DeviceError::Misfit(what(at, numbers[at]))),
        None => Ok(()),
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
    pub fn new(device: &Device, compiled: Compiled) -> Result<Self, DeviceError> {
        let named = |(slot, place): (&Slot, u32)| (slot.name.clone(), SlotId(place));
        let slots = compiled.plan.slots.iter().zip(0..).map(named).collect();
        let window = compiled.window.map(|rows| Window::new(rows, compiled.batch));
        let mut runner = Self { exec: device.executor(&compiled.plan)?, compiled, slots, window };
        runner.set_scaling(LossScaling::default())?;
        Ok(runner)
    }

    /// Where loss scaling is, if training scales the loss.
    ///
    /// # Errors
    /// The device failed.
    pub fn scaling(&mut self) -> Result<Option<LossScaling>, DeviceError> {
        if !self.compiled.scales_loss {
            return Ok(None);
        }
        let Now { exponent, steady, skipped, .. } = self.exec.now()?;
        Ok(Some(LossScaling { exponent, steady, skipped }))
    }

    /// Sets where loss scaling is; nothing, if training does not scale the loss.
    ///
    /// # Errors
    /// The device failed.
    pub fn set_scaling(&mut self, scaling: LossScaling) -> Result<(), DeviceError> {
        if !self.compiled.scales_loss {
            return Ok(());
        }
        let LossScaling { exponent, steady, skipped } = scaling;
        let now = self.exec.now()?;
        self.exec.set_now(Now { exponent, steady, skipped, ..now })
    }

    /// The compiled network that it runs.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// The executor that runs its programs.
    pub fn executor(&mut self) -> &mut dyn Executor {
        self.exec.as_mut()
    }

    /// A slot that every plan of a network has.
    fn slot(&self, name: &str) -> SlotId {
        *self.slots.get(name).unwrap_or_else(|| panic!("the plan has no slot {name}"))
    }

    /// Writes the values of the data set and their normalisation. Where not all rows lie on the device, it is the
    /// normalisation alone.
    ///
    /// # Errors
    /// The device failed.
    pub fn load_data(&mut self, values: &Values, (offset, factor): (&[f32], &[f32])) -> Result<(), DeviceError> {
        let Some([height, width, channels]) = self.compiled.image else {
            if self.window.is_none() {
                self.write("data", &words(values))?;
            }
            self.write("offset", &bits(offset))?;
            return self.write("factor", &bits(factor));
        };
        let pixels = height * width;
        if self.window.is_none() {
            let values = match values {
                Values::Bytes(bytes) => Values::Bytes(channels_last(bytes, pixels, channels)),
                Values::Floats(floats) => Values::Floats(channels_last(floats, pixels, channels)),
            };
            self.write("data", &words(&values))?;
        }
        self.write("offset", &bits(&channels_last(offset, pixels, channels)))?;
        self.write("factor", &bits(&channels_last(factor, pixels, channels)))
    }

    /// Writes the pictures that boxes are cut from, each `[height, width, channels]`, where those are not the rows of the data.
    ///
    /// # Errors
    /// The device failed.
    pub fn load_pool(&mut self, bytes: &[u8], places: &[Place]) -> Result<(), DeviceError> {
        let mut bytes = bytes.to_vec();
        for place in places.iter().filter(|_| self.compiled.image.is_none()) {
            let pixels = place.height as usize * place.width as usize;
            let picture = &mut bytes[place.offset..][..pixels * self.compiled.channels];
            let planes = channels_first(picture, pixels, self.compiled.channels);
            picture.copy_from_slice(&planes);
        }
        self.write("pool", &words(&Values::Bytes(bytes)))
    }

    /// Writes what is drawn for each place of an epoch's order.
    ///
    /// # Errors
    /// A box is of no row, or its picture is not among the bytes; the device failed.
    pub fn load_boxes(&mut self, boxes: &[Drawn]) -> Result<(), DeviceError> {
        let moved = self.window.as_ref().map(|window| {
            let of_rows = !self.slots.contains_key("pool");
            window.boxes(boxes, of_rows.then(|| self.words_of("offset")))
        });
        let boxes = moved.as_deref().unwrap_or(boxes);
        let there = self.compiled.plan.slots[self.slot("targets").0 as usize].shape.rows();
        let pool = self.slots.get("pool").copied().unwrap_or_else(|| self.slot("data"));
        let bytes = 4 * self.compiled.plan.slots[pool.0 as usize].words() as u64;
        let channels = self.compiled.channels as u64;
        let fits = |drawn: &Drawn| {
            let [height, width] = drawn.size.map(u64::from);
            let end = u64::from(drawn.first) + height * width * channels;
            (drawn.row as usize) < there && height * width > 0 && end <= bytes
        };
        if let Some(at) = boxes.iter().position(|drawn| !fits(drawn)) {
            let what = format!("box {at} is of row {}, of {there}, and its picture of {bytes} bytes", boxes[at].row);
            return Err(DeviceError::Misfit(what));
        }
        self.write("boxes", bytemuck::cast_slice(boxes))
    }

    /// Rows of the data set.
    pub(super) fn rows(&self) -> usize {
        self.words_of("order")
    }

    /// Words of a slot that every plan of a network has.
    pub(super) fn words_of(&self, name: &str) -> usize {
        self.compiled.plan.slots[self.slot(name).0 as usize].words()
    }

    /// Words of one row of such a slot.
    pub(super) fn width_of(&self, name: &str) -> usize {
        self.compiled.plan.slots[self.slot(name).0 as usize].shape.width()
    }

    /// Writes what is to be learnt of each row, and how much each class weighs; no weights are even ones.
    ///
    /// # Errors
    /// A label is the number of no class; some rows have no targets, where rows come to the device in parts; the device failed.
    pub fn load_targets(&mut self, targets: &[u32], class_weights: Option<&[f32]>) -> Result<(), DeviceError> {
        let weights = self.compiled.plan.slot("class_weights");
        let labels = self.compiled.plan.slots[self.slot("targets").0 as usize].scalar == Scalar::U32;
        if let Some(slot) = weights.filter(|_| labels) {
            let classes = self.compiled.plan.slots[slot.0 as usize].words();
            below(targets, classes, |row, label| format!("row {row} has label {label}, of {classes} classes"))?;
        }
        let all = self.rows() * self.width_of("targets");
        match &mut self.window {
            Some(_) if targets.len() != all => {
                return Err(DeviceError::Misfit(format!("there are {} words of targets, of {all}", targets.len())));
            }
            Some(window) if self.compiled.features.is_none() => window.targets = targets.to_vec(),
            _ => self.write("targets", targets)?,
        }
        let Some(slot) = weights else { return Ok(()) };
        let classes = self.compiled.plan.slots[slot.0 as usize].words();
        self.write("class_weights", &bits(class_weights.unwrap_or(&vec![1.0; classes])))
    }

    fn write(&mut self, name: &str, words: &[u32]) -> Result<(), DeviceError> {
        self.write_at(name, 0, words)
    }

    /// Writes words into a slot from a word onwards.
    pub(super) fn write_at(&mut self, name: &str, first: usize, words: &[u32]) -> Result<(), DeviceError> {
        let (end, room) = (first + words.len(), self.words_of(name));
        if end > room {
            return Err(DeviceError::Misfit(format!("{name} has {end} words, and the plan has {room} for it")));
        }
        self.exec.write(self.slot(name), first, words)
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

    /// Reads so many floats of a slot from one onwards.
    pub(super) fn read_at(&mut self, name: &str, first: usize, count: usize) -> Result<Vec<f32>, DeviceError> {
        Ok(bytemuck::cast_vec(self.exec.read(self.slot(name), first, count)?))
    }

    /// Reads all slots of a class at once.
    ///
    /// # Errors
    /// The device failed.
    pub(crate) fn snapshot(&mut self, class: Class) -> Result<Snapshot, DeviceError> {
        let mut buffers = BTreeMap::new();
        for (number, buffer) in self.compiled.plan.clone().buffers.iter().enumerate() {
            if buffer.class == class && buffer.words > 0 {
                buffers.insert(number, self.exec.read_buffer(number)?);
            }
        }
        Ok(Snapshot { buffers })
    }

    /// The words of a slot in a snapshot, if the plan has the slot and the snapshot is of its class.
    pub(crate) fn within<'a>(&self, snapshot: &'a Snapshot, slot: &str) -> Option<&'a [u32]> {
        let (buffer, first, words) = self.compiled.plan.range(*self.slots.get(slot)?);
        snapshot.buffers.get(&buffer)?.get(first..first + words)
    }

    /// Writes the rows' order and the step table, and makes line `from` the current step. Loss scaling stays where it is.
    ///
    /// # Panics
    /// There is no such line.
    ///
    /// # Errors
    /// A row is none of the data set, or a step goes beyond the order or has more rows than a batch; the device failed.
    pub fn begin(&mut self, order: &[u32], steps: &[Step], from: usize) -> Result<(), DeviceError> {
        // Kept features lie on the device for all rows.
        self.begin_as(self.window.is_some() && self.compiled.features.is_none(), order, steps, from)
    }

    /// The same, with the rows where they are to come into the window, or where they lie if all are there.
    pub(super) fn begin_as(
        &mut self,
        in_window: bool,
        order: &[u32],
        steps: &[Step],
        from: usize,
    ) -> Result<(), DeviceError> {
        let there = self.rows();
        below(order, there, |at, row| format!("place {at} of the order has row {row}, of {there}"))?;
        let fits = |step: &Step| {
            step.rows as usize <= self.compiled.batch && step.start as usize + step.rows as usize <= order.len()
        };
        if let Some(at) = steps.iter().position(|step| !fits(step)) {
            let Step { start, rows, .. } = steps[at];
            let (most, end) = (self.compiled.batch, order.len());
            let what = format!("step {at} takes {rows} rows from {start} on: a batch has {most}, and the order {end}");
            return Err(DeviceError::Misfit(what));
        }
        match &mut self.window {
            Some(window) if in_window => {
                let places = window.begin(order);
                self.write("order", &places)?;
            }
            Some(window) => {
                window.end();
                self.write("order", order)?;
            }
            None => self.write("order", order)?,
        }
        self.write("table", bytemuck::cast_slice(steps))?;
        let Step { start, rows, rate, step } = steps[from];
        let LossScaling { exponent, steady, skipped } = self.scaling()?.unwrap_or(LossScaling::NONE);
        self.exec.set_now(Now { index: from as u32, start, rows, rate, step, halted: 0, exponent, steady, skipped })
    }

    /// Runs steps of a program whose rows all lie on the device.
    ///
    /// # Errors
    /// The device failed.
    ///
    /// # Panics
    /// When the rows come to the device in parts: see `advance`.
    pub fn run(&mut self, program: usize, steps: usize) -> Result<(), DeviceError> {
        let in_parts = self.window.as_ref().is_some_and(|window| window.steps().is_some());
        assert!(!in_parts, "rows that come in parts are written as the device advances");
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

    /// The outputs of the first `rows` rows of the order, as the last steps collected them.
    ///
    /// # Errors
    /// The device failed.
    pub fn collected(&mut self, rows: usize) -> Result<Vec<f32>, DeviceError> {
        let slot = self.slot("outputs");
        let width = self.compiled.plan.slots[slot.0 as usize].shape.width();
        Ok(bytemuck::cast_vec(self.exec.read(slot, 0, rows * width)?))
    }
}
