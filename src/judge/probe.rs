//! A network on a device that keeps every layer's output.

use crate::device::Device;
use crate::error::Error;
use crate::executor::Executor;
use crate::graph::plan::Plan;
use crate::graph::{Graph, Source, ValueId};
use crate::kernel::{Now, Scalar};
use crate::nn::{Network, Tensor, Usage};
use crate::op::{Class, SlotId};
use crate::shape::{Shape, channels_last};
use std::sync::Arc;

/// A network that works as in inference and keeps the output of each layer.
pub(super) struct Probe {
    exec: Box<dyn Executor>,
    plan: Arc<Plan>,
    /// Values of one row of inputs.
    pub(super) features: usize,
    /// Height, width and channels, if the network takes rows as images.
    image: Option<[usize; 3]>,
    /// The tensors that must be set before it runs.
    pub(super) tensors: Vec<Tensor>,
    /// Where the inputs lie.
    pub(super) input: SlotId,
    /// The path and the output of each layer. A last layer that the loss has in it is absent.
    pub(super) layers: Vec<(String, SlotId)>,
}

impl Probe {
    /// # Errors
    /// A layer does not fit, or the device failed.
    pub(super) fn new(network: &Network, row: &[usize], batch: usize, device: &Device) -> Result<Self, Error> {
        let mut graph = Graph::default();
        let image = network.row(row);
        let sizes: Vec<usize> = std::iter::once(batch).chain(image.iter().copied()).collect();
        let x = graph.value("x", Shape(sizes), Scalar::F32, Class::Data);
        let built = network.build(&mut graph, x, Usage::Inference)?;
        graph.kept.clone_from(&built.outputs);
        let name = |id: ValueId| match graph.values[id.0].class {
            Class::Activations => format!("layers.{}", graph.values[id.0].name),
            _ => graph.values[id.0].name.clone(),
        };
        let names: Vec<String> = built.outputs.iter().map(|&id| name(id)).collect();
        let plan = Arc::new(Plan::compile(vec![Source { name: "layers", graph, optimizer: None }], device.target())?);
        let slot = |name: &str| plan.slot(name).unwrap_or_else(|| panic!("the plan keeps {name}"));
        let layers = names.iter().enumerate().map(|(index, name)| (network.path(index), slot(name))).collect();
        let input = slot("x");
        let exec = device.executor(&plan)?;
        let (features, tensors) = (row.iter().product(), built.tensors);
        Ok(Self { exec, plan, features, image: image.try_into().ok(), tensors, input, layers })
    }

    /// Writes the values of a tensor in the order of the plan.
    pub(super) fn set(&mut self, name: &str, values: &[f32]) -> Result<(), Error> {
        let slot = self.plan.slot(name).unwrap_or_else(|| panic!("the plan has no slot {name}"));
        Ok(self.exec.write(slot, 0, bytemuck::cast_slice(values))?)
    }

    /// Runs the network on whole rows, one batch of them at most.
    pub(super) fn forward(&mut self, inputs: &[f32]) -> Result<(), Error> {
        match self.image {
            Some([height, width, channels]) => self.set("x", &channels_last(inputs, height * width, channels))?,
            None => self.set("x", inputs)?,
        }
        self.exec.set_now(Now { rows: (inputs.len() / self.features) as u32, ..Now::default() })?;
        Ok(self.exec.run(0, 1)?)
    }

    /// The shape of a slot: the batch, then the sizes of one row.
    pub(super) fn shape(&self, slot: SlotId) -> &Shape {
        &self.plan.slots[slot.0 as usize].shape
    }

    /// The first rows of a slot, images as `[height, width, channels]`.
    pub(super) fn read(&mut self, slot: SlotId, rows: usize) -> Result<Vec<f32>, Error> {
        let words = self.exec.read(slot, 0, rows * self.shape(slot).width())?;
        Ok(bytemuck::cast_slice(&words).to_vec())
    }
}
