//! The plan of a network: one program that trains a step, one that evaluates a batch.

use crate::error::Error;
use crate::graph::Graph;
use crate::graph::plan::{Plan, Source};
use crate::kernel::{Scalar, Step};
use crate::nn::{self, Network, Tensor, Usage};
use crate::op::{Class, SlotId, Target};
use crate::ops::cross_entropy::CrossEntropy;
use crate::ops::gather::Gather;
use crate::ops::metrics::{Collect, Metrics};
use crate::ops::step::Advance;
use crate::shape::Shape;
use std::sync::Arc;

/// What a plan must know of the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataShape {
    /// Whether values are bytes.
    pub bytes: bool,
    /// Rows that are there.
    pub rows: usize,
    /// Shape of one.
    pub row: Vec<usize>,
}

impl DataShape {
    fn words(&self) -> usize {
        let values = self.rows * self.row.iter().product::<usize>();
        if self.bytes { values.div_ceil(4) } else { values }
    }
}

/// How a network is trained, as far as the plan goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainOptions {
    /// Of dropout.
    pub seed: u64,
    /// The update.
    pub optimizer: nn::Settings,
    /// Of the training loss; evaluation takes the plain one.
    pub label_smoothing: f64,
}

/// A compiled network.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Memory and dispatches.
    pub plan: Arc<Plan>,
    /// The program of a training step, if the plan trains.
    pub train: Option<usize>,
    /// The program that evaluates a batch.
    pub evaluate: usize,
    /// Rows of a batch.
    pub batch: usize,
    /// Lines of the step table.
    pub lines: usize,
    /// Output shape of each layer.
    pub shapes: Vec<Shape>,
    /// All tensors of the network.
    pub tensors: Vec<Tensor>,
    /// Layers that PyTorch counts batches for.
    pub counters: Vec<usize>,
    /// Where the evaluation leaves the logits of its last batch.
    pub logits: SlotId,
    /// Names of the optimiser's states, in a plan that trains.
    pub states: Vec<&'static str>,
}

impl Programs {
    /// Compiles a network for batches of `batch` rows of the data. Without `training` only evaluation is there.
    ///
    /// # Errors
    /// A layer does not fit its input, or a tensor the device.
    pub fn compile(
        network: &Network,
        data: &DataShape,
        batch: usize,
        training: Option<TrainOptions>,
        target: Target,
    ) -> Result<Self, Error> {
        let lines = data.rows.div_ceil(batch).max(1);
        let sizes = Sizes { data, batch, lines };
        let (mut sources, mut states) = (vec![], vec![]);
        if let Some(options) = training {
            let (graph, _) = sizes.graph(network, Usage::Training { seed: options.seed }, options.label_smoothing)?;
            let optimizer = options.optimizer.optimizer();
            states.clone_from(&optimizer.states);
            sources.push(Source { name: "train", graph, optimizer: Some(optimizer) });
        }
        let (graph, built) = sizes.graph(network, Usage::Inference, 0.0)?;
        let logits = format!("evaluate.{}", graph.values[built.logits.0].name);
        sources.push(Source { name: "evaluate", graph, optimizer: None });
        let plan = Plan::compile(sources, target)?;
        let (train, evaluate) = (plan.program("train"), plan.programs.len() - 1);
        let logits = plan.slot(&logits).unwrap_or_else(|| panic!("the plan keeps {logits}"));
        let nn::Built { shapes, tensors, counters, .. } = built;
        Ok(Self { plan: Arc::new(plan), train, evaluate, batch, lines, shapes, tensors, counters, logits, states })
    }
}

struct Sizes<'a> {
    data: &'a DataShape,
    batch: usize,
    lines: usize,
}

impl Sizes<'_> {
    fn graph(&self, network: &Network, usage: Usage, label_smoothing: f64) -> Result<(Graph, nn::Built), Error> {
        let training = usage != Usage::Inference;
        let mut graph = Graph::default();
        let (rows, features) = (self.data.rows, self.data.row.iter().product::<usize>());
        let scalar = if self.data.bytes { Scalar::U32 } else { Scalar::F32 };
        let inputs = [
            graph.value("data", [self.data.words()], scalar, Class::Data),
            graph.value("targets", [rows], Scalar::U32, Class::Data),
            graph.value("order", [rows], Scalar::U32, Class::Tables),
            graph.value("offset", [features], Scalar::F32, Class::Tables),
            graph.value("factor", [features], Scalar::F32, Class::Tables),
        ];
        let losses = graph.value("losses", [self.lines], Scalar::F32, Class::Metrics);
        let corrects = graph.value("corrects", [self.lines], Scalar::U32, Class::Metrics);
        let table = graph.value("table", [self.lines, size_of::<Step>() / 4], Scalar::U32, Class::Tables);
        let gather = Gather { bytes: self.data.bytes, batch: self.batch, row: self.data.row.clone() };
        let batch = graph.push(gather, "input", &inputs)?;
        let built = network.build(&mut graph, batch[0], usage)?;
        let loss = graph.push_loss(CrossEntropy { label_smoothing }, &[built.logits, batch[1]])?;
        graph.push(Metrics { halt: training }, "metrics", &[loss[0], loss[1], losses, corrects])?;
        if !training {
            let predictions = graph.value("predictions", [rows], Scalar::U32, Class::Metrics);
            graph.push(Collect, "metrics", &[loss[2], predictions])?;
            graph.kept.push(built.logits);
        }
        graph.push_last(Advance, "step", &[table])?;
        Ok((graph, built))
    }
}
