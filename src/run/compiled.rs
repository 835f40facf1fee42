//! The plan of a network: programs that train a step, evaluate a batch, take batch norm's population statistics, and
//! predict with dropout's masks.

use super::looks::LookedAt;
use super::maker::Maker;
use super::options::{DataShape, Purpose, TrainOptions};
use crate::error::Error;
use crate::graph::plan::Plan;
use crate::graph::{Graph, Source};
use crate::nn::{self, Averages, Counter, Network, Place, Tensor, Usage};
use crate::op::{Class, Target};
use crate::shape::Shape;
use std::sync::Arc;

/// A network whose programs are compiled for a target.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The memory and the dispatches of all programs.
    pub plan: Arc<Plan>,
    /// The program that computes what the first layers make of a batch, and keeps it, if the plan trains and the others begin
    /// there.
    pub features: Option<usize>,
    /// The program of a training step, if the plan trains.
    pub train: Option<usize>,
    /// The program that evaluates a batch.
    pub evaluate: usize,
    /// The program that averages batch norm's statistics, if the plan trains and has any.
    pub population: Option<usize>,
    /// The program that evaluates a batch under one of dropout's masks, if the plan is for that.
    pub sample: Option<usize>,
    /// The programs that look at each layer of a network in training, with its gradient and without, if the plan is for that.
    pub look: Option<[usize; 2]>,
    /// The layers that they look at.
    pub looked_at: Vec<LookedAt>,
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

/// Programs to compile, and what is known of them before.
#[derive(Default)]
struct Sources {
    all: Vec<Source>,
    states: Vec<&'static str>,
    scales_loss: bool,
    looked_at: Vec<LookedAt>,
}

impl Sources {
    fn push(&mut self, name: &'static str, graph: Graph) {
        self.all.push(Source { name, graph, optimizer: None });
    }

    /// The programs that a purpose takes beside evaluation.
    fn of(maker: &mut Maker<'_>, purpose: Purpose) -> Result<Self, Error> {
        let mut sources = Self::default();
        match purpose {
            Purpose::Train(options) => sources.train(maker, options)?,
            Purpose::Look(options) => {
                if let Some(layers) = options.keep {
                    maker.begin_behind(layers)?;
                }
                let (back, layers) = maker.looking(&options, true)?;
                sources.looked_at = layers;
                sources.push("look_back", back);
                sources.push("look", maker.looking(&options, false)?.0);
            }
            Purpose::Sample { seed } => sources.push("sample", maker.graph(Usage::Sampling { seed })?.0),
            Purpose::Predict => {}
        }
        Ok(sources)
    }

    fn train(&mut self, maker: &mut Maker<'_>, options: TrainOptions) -> Result<(), Error> {
        if let Some(layers) = options.keep {
            self.push("features", maker.keep(layers)?);
        }
        let (graph, built) = maker.training(&options)?;
        let optimizer = options.optimizer.optimizer(&built.tensors, options.lr).map_err(Error::Setting)?;
        self.states.clone_from(&optimizer.states);
        self.scales_loss = optimizer.unscale.is_some();
        self.all.push(Source { name: "train", graph, optimizer: Some(optimizer) });
        if !built.averages.is_empty() {
            self.push("population", maker.graph(Usage::Population)?.0);
        }
        Ok(())
    }
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
        let mut sources = Sources::of(&mut maker, purpose)?;
        let (graph, built) = maker.graph(Usage::Inference)?;
        sources.push("evaluate", graph);
        let Sources { all, states, scales_loss, looked_at } = sources;
        let plan = Plan::compile(all, target)?;
        let [features, train, population, sample] =
            ["features", "train", "population", "sample"].map(|name| plan.program(name));
        let look = plan.program("look_back").zip(plan.program("look")).map(|(back, look)| [back, look]);
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
            look,
            looked_at,
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
    /// The network's tensors that the plan holds, each with its number among all: those of frozen layers, which a look may begin
    /// behind, are not there.
    pub(crate) fn held(&self) -> impl Iterator<Item = (usize, &Tensor)> {
        self.tensors.iter().enumerate().filter(|(_, tensor)| self.plan.slot(&tensor.name).is_some())
    }

    /// Whether there is a tensor that gradients move.
    pub fn is_trained(&self) -> bool {
        self.tensors.iter().any(|tensor| tensor.class == Class::Parameters)
    }
}
