//! A network as it trains, nothing joined, on one batch: its loss, what every layer gives, and the gradients of both.

use crate::cpu::{Machine, Mode};
use crate::device::Device;
use crate::error::Error;
use crate::executor::Executor;
use crate::graph::plan::Plan;
use crate::graph::{Graph, Source, ValueId};
use crate::kernel::{Now, Scalar};
use crate::nn::{Head, Network, Settings, Tensor, Usage};
use crate::op::{Class, Dispatch, SlotId, Target, writes};
use crate::shape::{Shape, channels_last};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows that a network is looked at with, and how their loss is taken.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Shape of one input, as in `[1, 28, 28]`.
    pub row: &'a [usize],
    /// Normalised inputs, row by row, images as `[channels, height, width]`.
    pub inputs: &'a [f32],
    /// What is to be learnt of each row, as the loss takes it: the number of the class, or the bits of a float for each output.
    pub targets: &'a [u32],
    /// Weight of each class; even ones where none are given.
    pub class_weights: Option<&'a [f32]>,
    /// Share of each target that is spread over all classes.
    pub label_smoothing: f64,
    /// Seed of dropout's masks.
    pub seed: u64,
}

/// Where a layer's output and the loss's gradient by it lie in the plan.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) path: String,
    pub(super) output: SlotId,
    /// None for a layer that no gradient reaches.
    gradient: Option<SlotId>,
}

/// A plan that takes a step's loss and all gradients, and updates nothing.
pub(super) struct Tape {
    exec: Box<dyn Executor>,
    plan: Arc<Plan>,
    pub(super) tensors: Vec<Tensor>,
    /// The layers, without a last one that the loss has in it.
    pub(super) layers: Vec<Watched>,
    row_loss: SlotId,
    /// Dispatches up to the loss of each row.
    forward: usize,
    /// Rows of the batch.
    pub(super) rows: usize,
}

impl Tape {
    /// The network on a device, by the kernels that it has for each operation alone.
    ///
    /// # Errors
    /// The inputs are no whole rows, a layer does not fit; the device failed.
    pub(super) fn on_device(network: &Network, batch: &Batch<'_>, device: &Device) -> Result<Self, Error> {
        let target = Target { fuse: false, ..device.target() };
        Self::new(network, batch, target, |plan| Ok(device.executor(plan)?))
    }

    /// The network by the kernels' twins.
    ///
    /// # Errors
    /// The inputs are no whole rows, or a layer does not fit.
    pub(super) fn of_twins(network: &Network, batch: &Batch<'_>) -> Result<Self, Error> {
        let target = Target { fuse: false, ..Target::CPU };
        Self::new(network, batch, target, |plan| Ok(Box::new(Machine::new(Arc::clone(plan), Mode::Twin))))
    }

    fn new(
        network: &Network,
        batch: &Batch<'_>,
        target: Target,
        executor: impl FnOnce(&Arc<Plan>) -> Result<Box<dyn Executor>, Error>,
    ) -> Result<Self, Error> {
        let features: usize = batch.row.iter().product();
        let rows = batch.inputs.len() / features.max(1);
        if rows == 0 || batch.inputs.len() != rows * features {
            let what = format!("{} values are no whole number of rows of {features}", batch.inputs.len());
            return Err(Error::Rows(format!("{what}: give at least one whole row")));
        }
        let mut graph = Graph::default();
        let image = network.row(batch.row);
        let sizes: Vec<usize> = std::iter::once(rows).chain(image.iter().copied()).collect();
        let x = graph.value("x", Shape(sizes), Scalar::F32, Class::Data);
        let built = network.build(&mut graph, x, Usage::Training { seed: batch.seed })?;
        let row_loss = push_loss(&mut graph, network.head(), built.logits, rows, batch.label_smoothing)?;
        // Nothing of the forward pass gives its memory away, so that a part of it can run again.
        graph.kept =
            (0..graph.values.len()).map(ValueId).filter(|id| graph.values[id.0].class == Class::Activations).collect();
        let named: Vec<String> = built.outputs.iter().map(|id| graph.values[id.0].name.clone()).collect();
        let loss_name = graph.values[row_loss.0].name.clone();
        let mut optimizer = Settings::default().optimizer(&built.tensors, 1.0).map_err(Error::Setting)?;
        optimizer.after.clear();
        let source = Source { name: "tape", graph, optimizer: Some(optimizer) };
        let plan = Arc::new(Plan::compile(vec![source], target)?);
        let slot = |name: &str| plan.slot(&format!("tape.{name}")).or_else(|| plan.slot(name));
        let of_layer = |(index, name): (usize, &String)| {
            let output = slot(name)?;
            Some(Watched { path: network.path(index), output, gradient: slot(&format!("d.{name}")) })
        };
        let layers = named.iter().enumerate().filter_map(of_layer).collect();
        let row_loss = slot(&loss_name).unwrap_or_else(|| panic!("the plan has the loss of each row"));
        let dispatches = &plan.programs[0].dispatches;
        let forward = dispatches.iter().position(|dispatch| written(dispatch).any(|slot| slot == row_loss));
        let forward = 1 + forward.unwrap_or_else(|| panic!("a dispatch writes the loss of each row"));
        let exec = executor(&plan)?;
        let mut tape = Self { exec, plan, tensors: built.tensors, layers, row_loss, forward, rows };
        tape.load(batch, image.try_into().ok())?;
        Ok(tape)
    }

    fn load(&mut self, batch: &Batch<'_>, image: Option<[usize; 3]>) -> Result<(), Error> {
        match image {
            Some([height, width, channels]) => {
                self.set("x", &channels_last(batch.inputs, height * width, channels))?;
            }
            None => self.set("x", batch.inputs)?,
        }
        self.write("targets", batch.targets)?;
        if let Some(slot) = self.plan.slot("class_weights") {
            let even = vec![1.0; self.plan.slots[slot.0 as usize].words()];
            self.set("class_weights", batch.class_weights.unwrap_or(&even))?;
        }
        Ok(self.exec.set_now(Now { rows: self.rows as u32, ..Now::default() })?)
    }

    fn slot(&self, name: &str) -> SlotId {
        self.plan.slot(name).unwrap_or_else(|| panic!("the plan has no slot {name}"))
    }

    fn write(&mut self, name: &str, words: &[u32]) -> Result<(), Error> {
        Ok(self.exec.write(self.slot(name), 0, words)?)
    }

    /// Writes the values of a tensor in the order of the plan.
    pub(super) fn set(&mut self, name: &str, values: &[f32]) -> Result<(), Error> {
        self.write(name, bytemuck::cast_slice(values))
    }

    /// Starts all weights from a seed.
    pub(super) fn start(&mut self, seed: u64) -> Result<(), Error> {
        for (index, tensor) in self.tensors.clone().iter().enumerate() {
            self.set(&tensor.name, &tensor.in_plan(&tensor.initial(seed, index)))?;
        }
        Ok(())
    }

    /// The values of a tensor, or with `d.` before its name of its gradient, in the order of the plan.
    pub(super) fn read(&mut self, name: &str) -> Result<Vec<f32>, Error> {
        Ok(self.exec.read_f32(self.slot(name))?)
    }

    /// The first dispatch that reads a tensor.
    pub(super) fn first_use(&self, name: &str) -> usize {
        let slot = self.slot(name);
        let dispatches = &self.plan.programs[0].dispatches;
        dispatches.iter().position(|dispatch| dispatch.slots.contains(&slot)).unwrap_or(0)
    }

    /// The mean loss, from the dispatch `first` on: what comes before it must have run with the same weights.
    pub(super) fn loss(&mut self, first: usize) -> Result<f64, Error> {
        for at in first..self.forward {
            self.exec.run_dispatch(0, at)?;
        }
        let losses = self.exec.read_f32(self.row_loss)?;
        Ok(losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / self.rows as f64)
    }

    /// The mean loss and its gradient by a tensor, from the dispatch `first` on, as [`Tape::loss`].
    pub(super) fn slope(&mut self, name: &str, first: usize) -> Result<(f64, Vec<f32>), Error> {
        let gradient = format!("d.{name}");
        let slot = self.slot(&gradient);
        let dispatches = &self.plan.programs[0].dispatches;
        let last = dispatches.iter().rposition(|dispatch| written(dispatch).any(|written| written == slot));
        let loss = self.loss(first)?;
        for at in self.forward..=last.unwrap_or_else(|| panic!("no dispatch writes {gradient}")) {
            self.exec.run_dispatch(0, at)?;
        }
        Ok((loss, self.read(&gradient)?))
    }

    /// Takes the whole step, and gives each layer's output and, where there is one, the gradient by it.
    pub(super) fn step(&mut self) -> Result<Vec<[Option<Vec<f32>>; 2]>, Error> {
        let mut gradients: BTreeMap<SlotId, Vec<f32>> = BTreeMap::new();
        let wanted: Vec<SlotId> = self.layers.iter().filter_map(|layer| layer.gradient).collect();
        let plan = Arc::clone(&self.plan);
        for (at, dispatch) in plan.programs[0].dispatches.iter().enumerate() {
            self.exec.run_dispatch(0, at)?;
            // A gradient's memory is another's later on.
            for slot in written(dispatch).filter(|slot| wanted.contains(slot)) {
                gradients.insert(slot, self.exec.read_f32(slot)?);
            }
        }
        let layers = self.layers.clone();
        let of = |layer: &Watched| {
            let gradient = layer.gradient.and_then(|slot| gradients.get(&slot).cloned());
            Ok([Some(self.exec.read_f32(layer.output)?), gradient])
        };
        layers.iter().map(of).collect()
    }

    /// Units of a layer's output: values of a row, or channels of an image.
    pub(super) fn units(&self, layer: &Watched) -> usize {
        self.plan.slots[layer.output.0 as usize].shape.features()
    }
}

/// The slots that a dispatch writes.
fn written(dispatch: &Dispatch) -> impl Iterator<Item = SlotId> + '_ {
    let bound = dispatch.slots.iter().zip(dispatch.kernel.bindings);
    bound.filter(|(_, binding)| writes(binding.access)).map(|(&slot, _)| slot)
}

/// Adds the loss behind the layers, and gives that of each row.
fn push_loss(graph: &mut Graph, head: Head, logits: ValueId, rows: usize, smoothing: f64) -> Result<ValueId, Error> {
    let kind = head.loss.kind();
    let (words, scalar) = if kind.takes_classes() { (1, Scalar::U32) } else { (head.outputs, Scalar::F32) };
    let targets = graph.value("targets", [rows, words], scalar, Class::Data);
    let weights = kind.class_weights(head.outputs);
    let weights = weights.map(|count| graph.value("class_weights", [count], Scalar::F32, Class::Tables));
    let inputs: Vec<ValueId> = [logits, targets].into_iter().chain(weights).collect();
    Ok(graph.push_loss(head.loss.op(smoothing), &inputs)?[0])
}
