//! Training from weights that a program sets.

use super::Failure;
use std::collections::BTreeMap;
use wgrad::device::Device;
use wgrad::export::{Model, Values};
use wgrad::graph::Graph;
use wgrad::kernel::Scalar;
use wgrad::names::nearest;
use wgrad::nn::{Network, Usage};
use wgrad::op::Class;
use wgrad::train::{Job, Trainer};

/// Tensors by name, as in `0.weight`.
#[derive(Clone, Debug)]
pub struct Weights(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl Weights {
    /// Those that a job's network starts from.
    pub fn of_start(job: &Job) -> Result<Self, Failure> {
        let network = Network::read(&job.settings.layers, job.problem.head(), job.settings.init)?;
        let mut graph = Graph::default();
        let sizes: Vec<usize> = std::iter::once(1).chain(job.input_shape()?).collect();
        let x = graph.value("x", wgrad::shape::Shape(sizes), Scalar::F32, Class::Data);
        let tensors = network.build(&mut graph, x, Usage::Inference)?.tensors;
        let values = tensors.into_iter().enumerate().map(|(index, tensor)| {
            let initial = tensor.initial(job.settings.seed, index);
            (tensor.name, (tensor.shape.0, initial))
        });
        Ok(Self(values.collect()))
    }

    /// The values of a tensor.
    pub fn tensor(&mut self, name: &str) -> Result<&mut Vec<f32>, Failure> {
        let names: Vec<String> = self.0.keys().cloned().collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = self.0.get_mut(name).map(|(_, values)| values);
        found.ok_or_else(|| format!("there is no tensor {name}; {}", nearest(name, &names)).into())
    }

    /// The job's network, ready to be trained from these.
    pub fn trainer(self, mut job: Job, device: &Device) -> Result<Trainer, Failure> {
        let floats = |(name, (sizes, values))| (name, Values::Floats(sizes, values));
        let tensors = self.0.into_iter().map(floats).collect();
        job.init_from = Some(Model { path: "initial weights".into(), metadata: None, tensors });
        Ok(Trainer::new(job, device)?)
    }
}
