//! The plan of a network: programs that train a step, evaluate a batch, take batch norm's population statistics, and
//! predict with dropout's masks.

use crate::error::Error;
use crate::graph::Source;
use crate::graph::plan::Plan;
use crate::graph::{Graph, ValueId};
use crate::kernel::{Scalar, Step};
use crate::nn::{self, Averages, Head, Network, Place, Tensor, Usage};
use crate::op::{Class, Target};
use crate::ops::gather::{Gather, TargetKind};
use crate::ops::metrics::{Collect, Metrics};
use crate::ops::step::Advance;
use crate::shape::{Shape, ShapeError};
use std::sync::Arc;

/// What a plan must know of the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataShape {
    /// Whether values are bytes.
    pub bytes: bool,
    /// Rows that are there.
    pub rows: usize,
    /// Sizes of one row, as in `[1, 28, 28]`.
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
    /// Seed of dropout's random numbers.
    pub seed: u64,
    /// The optimiser, with what is done before and after it.
    pub optimizer: nn::Settings,
    /// The rate that the step table starts from.
    pub lr: f64,
    /// Of the training loss; evaluation takes the plain one.
    pub label_smoothing: f64,
}

/// What a plan is for, beside evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Purpose {
    /// Training, and the population statistics after it.
    Train(TrainOptions),
    /// Evaluation and prediction, without training.
    Predict,
    /// Also predictions with dropout's masks.
    Sample {
        /// Seed of the masks' random numbers.
        seed: u64,
    },
}

/// A network whose programs are compiled for a target.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The memory and the dispatches of all programs.
    pub plan: Arc<Plan>,
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
    /// Output shape of each layer.
    pub shapes: Vec<Shape>,
    /// Sizes of a row of the data as it lies on the device, where that is not the order of files: `[height, width, channels]`.
    pub image: Option<[usize; 3]>,
    /// All tensors of the network.
    pub tensors: Vec<Tensor>,
    /// The counts of batches that PyTorch keeps, by their names.
    pub counters: Vec<String>,
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
        let maker = Maker { network, data, batch, lines: data.rows.div_ceil(batch).max(1) };
        let (mut sources, mut states, mut scales_loss) = (vec![], vec![], false);
        if let Purpose::Train(options) = purpose {
            let (graph, built) = maker.graph(Usage::Training { seed: options.seed }, options.label_smoothing)?;
            let optimizer = options.optimizer.optimizer(&built.tensors, options.lr).map_err(Error::Setting)?;
            states.clone_from(&optimizer.states);
            scales_loss = optimizer.unscale.is_some();
            sources.push(Source { name: "train", graph, optimizer: Some(optimizer) });
            if !built.averages.is_empty() {
                let (graph, _) = maker.graph(Usage::Population, 0.0)?;
                sources.push(Source { name: "population", graph, optimizer: None });
            }
        }
        if let Purpose::Sample { seed } = purpose {
            let (graph, _) = maker.graph(Usage::Sampling { seed }, 0.0)?;
            sources.push(Source { name: "sample", graph, optimizer: None });
        }
        let (graph, built) = maker.graph(Usage::Inference, 0.0)?;
        sources.push(Source { name: "evaluate", graph, optimizer: None });
        let plan = Plan::compile(sources, target)?;
        let [train, population, sample] = ["train", "population", "sample"].map(|name| plan.program(name));
        let (evaluate, lines) = (plan.programs.len() - 1, maker.lines);
        let nn::Built { shapes, tensors, counters, averages, needs_two_rows, .. } = built;
        let image = network.row(&data.row).try_into().ok();
        let plan = Arc::new(plan);
        Ok(Self {
            plan,
            train,
            evaluate,
            population,
            sample,
            batch,
            lines,
            shapes,
            image,
            tensors,
            counters,
            averages,
            needs_two_rows,
            states,
            scales_loss,
        })
    }
}

struct Maker<'a> {
    network: &'a Network,
    data: &'a DataShape,
    batch: usize,
    lines: usize,
}

impl Maker<'_> {
    /// What a loss learns of a row.
    fn target(&self) -> TargetKind {
        let Head { loss, outputs } = self.network.head();
        if loss.kind().takes_classes() { TargetKind::Class } else { TargetKind::Numbers(outputs) }
    }

    fn graph(&self, usage: Usage, label_smoothing: f64) -> Result<(Graph, nn::Built), Error> {
        let mut graph = Graph::default();
        let batch = self.gather(&mut graph)?;
        let built = self.network.build(&mut graph, batch[0], usage)?;
        match usage {
            Usage::Training { .. } => self.loss(&mut graph, label_smoothing, [built.logits, batch[1]])?,
            Usage::Population => {}
            Usage::Inference | Usage::Sampling { .. } => {
                let shape = [self.data.rows, self.network.head().outputs];
                let outputs = graph.value("outputs", shape, Scalar::F32, Class::Metrics);
                graph.push(Collect, "outputs", &[built.logits, outputs])?;
            }
        }
        let table = graph.value("table", [self.lines, size_of::<Step>() / 4], Scalar::U32, Class::Tables);
        graph.push_last(Advance, "step", &[table])?;
        Ok((graph, built))
    }

    /// The batch: its values, and what is to be learnt.
    fn gather(&self, graph: &mut Graph) -> Result<Vec<ValueId>, ShapeError> {
        let (rows, features) = (self.data.rows, self.data.row.iter().product::<usize>());
        let scalar = if self.data.bytes { Scalar::U32 } else { Scalar::F32 };
        let target = self.target();
        let inputs = [
            graph.value("data", [self.data.words()], scalar, Class::Data),
            graph.value("targets", [rows, target.words()], target.scalar(), Class::Data),
            graph.value("order", [rows], Scalar::U32, Class::Tables),
            graph.value("offset", [features], Scalar::F32, Class::Tables),
            graph.value("factor", [features], Scalar::F32, Class::Tables),
        ];
        let gather =
            Gather { bytes: self.data.bytes, batch: self.batch, row: self.network.row(&self.data.row), target };
        graph.push(gather, "input", &inputs)
    }

    /// The loss, and what the host reads of it.
    fn loss(&self, graph: &mut Graph, label_smoothing: f64, on: [ValueId; 2]) -> Result<(), ShapeError> {
        let losses = graph.value("losses", [self.lines], Scalar::F32, Class::Metrics);
        let corrects = graph.value("corrects", [self.lines], Scalar::U32, Class::Metrics);
        let Head { loss, outputs } = self.network.head();
        let weights = loss.kind().class_weights(outputs);
        let weights = weights.map(|count| graph.value("class_weights", [count], Scalar::F32, Class::Tables));
        let inputs: Vec<ValueId> = on.into_iter().chain(weights).collect();
        let loss = graph.push_loss(loss.op(label_smoothing), &inputs)?;
        graph.push(Metrics, "metrics", &[loss[0], loss[1], losses, corrects])?;
        Ok(())
    }
}
