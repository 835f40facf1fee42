//! The plan of a network: programs that train a step, evaluate a batch, take batch norm's population statistics, and
//! predict with dropout's masks.

use super::maker::Maker;
use super::options::{DataShape, Purpose};
use crate::error::Error;
use crate::graph::Source;
use crate::graph::plan::Plan;
use crate::nn::{self, Averages, Counter, Network, Place, Tensor, Usage};
use crate::op::{Class, Target};
use crate::shape::Shape;
use std::sync::Arc;

/// A network whose programs are compiled for a target.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The memory and the dispatches of all programs.
    pub plan: Arc<Plan>,
    /// The program that computes what the first layers make of a batch, and keeps it, if the others begin there.
    pub features: Option<usize>,
    /// The program of a training step, if the plan trains.
    pub train: Option<usize>,
    /// The program that evaluates a batch.
    pub evaluate: usize,
    /// The program that averages batch norm's statistics, if the plan trains and has any.
    pub population: Option<usize>,
    /// The program that evaluates a batch under one of dropout's masks, if the plan is for that.
    pub sample: Option<usize>,
    /// Rows of a batch.
    pub batch: usize,
    /// Lines of the step table.
    pub lines: usize,
    /// Rows of the data set that lie on the device at a time, where not all do.
    pub window: Option<usize>,
    /// Output shape of each layer.
    pub shapes: Vec<Shape>,
    /// Sizes of a row of the data as it lies on the device, where that is not the order of files: `[height, width, channels]`.
    pub image: Option<[usize; 3]>,
    /// Channels of a row of images, else 1.
    pub channels: usize,
    /// All tensors of the network.
    pub tensors: Vec<Tensor>,
    /// The counts of batches that PyTorch keeps.
    pub counters: Vec<Counter>,
    /// The layers that normalise by the batch in training, and what they take at inference.
    pub averages: Vec<(Place, Averages)>,
    /// Whether a batch of one row cannot be trained on.
    pub needs_two_rows: bool,
    /// Names of the optimiser's states, in a plan that trains.
    pub states: Vec<&'static str>,
    /// Whether training scales the loss.
    pub scales_loss: bool,
}

impl Compiled {
    /// Compiles a network for batches of `batch` rows of the data.
    ///
    /// # Errors
    /// A layer does not fit its input, or a tensor the device.
    pub fn compile(
        network: &Network,
        data: &DataShape,
        batch: usize,
        purpose: Purpose,
        target: Target,
    ) -> Result<Self, Error> {
        let mut maker = Maker::new(network, data, batch, &purpose);
        let (lines, window) = (maker.lines, maker.window);
        let (mut sources, mut states, mut scales_loss) = (vec![], vec![], false);
        if let Purpose::Train(options) = purpose {
            if let Some(layers) = options.keep {
                sources.push(Source { name: "features", graph: maker.keep(layers)?, optimizer: None });
            }
            let (graph, built) = maker.training(&options)?;
            let optimizer = options.optimizer.optimizer(&built.tensors, options.lr).map_err(Error::Setting)?;
            states.clone_from(&optimizer.states);
            scales_loss = optimizer.unscale.is_some();
            sources.push(Source { name: "train", graph, optimizer: Some(optimizer) });
            if !built.averages.is_empty() {
                let (graph, _) = maker.graph(Usage::Population)?;
                sources.push(Source { name: "population", graph, optimizer: None });
            }
        }
        if let Purpose::Sample { seed } = purpose {
            let (graph, _) = maker.graph(Usage::Sampling { seed })?;
            sources.push(Source { name: "sample", graph, optimizer: None });
        }
        let (graph, built) = maker.graph(Usage::Inference)?;
        sources.push(Source { name: "evaluate", graph, optimizer: None });
        let plan = Plan::compile(sources, target)?;
        let [features, train, population, sample] =
            ["features", "train", "population", "sample"].map(|name| plan.program(name));
        let evaluate = plan.programs.len() - 1;
        let nn::Built { shapes, tensors, counters, averages, needs_two_rows, .. } = built;
        let image = network.row(&data.row).try_into().ok();
        let plan = Arc::new(plan);
        Ok(Self {
            plan,
            features,
            train,
            evaluate,
            population,
            sample,
            batch,
            lines,
            window,
            shapes,
            image,
            channels: if data.row.len() == 3 { data.row[0] } else { 1 },
            tensors,
            counters,
            averages,
            needs_two_rows,
            states,
            scales_loss,
        })
    }
}

impl Compiled {
    /// Whether there is a tensor that gradients move.
    pub fn is_trained(&self) -> bool {
        self.tensors.iter().any(|tensor| tensor.class == Class::Parameters)
    }
}
