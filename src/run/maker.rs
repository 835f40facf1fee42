//! The graphs of a network: what a step of each program computes.

use super::looks::{self, LookedAt};
use super::options::{AugmentShape, DataShape, Purpose, TrainOptions};
use crate::error::Error;
use crate::graph::{Graph, ValueId};
use crate::kernel::{Scalar, Step};
use crate::nn::{Built, Head, Network, Usage};
use crate::op::Class;
use crate::ops::augment::{Augment, BOX};
use crate::ops::gather::{Gather, TargetKind};
use crate::ops::metrics::{Collect, Metrics};
use crate::ops::step::Advance;
use crate::shape::{Shape, ShapeError};

/// Makes the graphs of a network for data.
pub(super) struct Maker<'a> {
    pub(super) network: &'a Network,
    pub(super) data: &'a DataShape,
    /// Rows of a batch.
    pub(super) batch: usize,
    /// Lines of the step table.
    pub(super) lines: usize,
    /// Rows of the data that lie on the device at a time, where not all do.
    pub(super) window: Option<usize>,
    /// The same, or all rows.
    pub(super) held: usize,
    /// Rows of the targets that do. They are all there where features are kept.
    pub(super) answered: usize,
    /// The first layers, whose outputs are computed once and kept, and what they make; none where nothing is kept.
    pub(super) kept: Option<Kept>,
}

/// What the first layers of a network make, kept for all rows.
pub(super) struct Kept {
    /// The number of these layers.
    layers: usize,
    /// Their tensors and shapes.
    built: Built,
    /// The shape of what they make of one row.
    row: Vec<usize>,
    /// The class of the slot with what they make of all rows.
    class: Class,
}

impl<'a> Maker<'a> {
    pub(super) fn new(network: &'a Network, data: &'a DataShape, batch: usize, purpose: &Purpose) -> Self {
        let (window, keeps) = match purpose {
            Purpose::Train(options) => (options.window, options.keep.is_some()),
            _ => (None, false),
        };
        let held = window.unwrap_or(data.rows);
        let answered = if keeps { data.rows } else { held };
        Self { network, data, batch, lines: data.rows.div_ceil(batch).max(1), window, held, answered, kept: None }
    }
}

impl Maker<'_> {
    /// What a loss learns of a row.
    fn target(&self) -> TargetKind {
        let Head { loss, outputs } = self.network.head();
        if loss.kind().takes_classes() { TargetKind::Class } else { TargetKind::Numbers(outputs) }
    }

    /// The graph that computes what the first layers make of each row, and keeps it. All graphs made behind it begin there.
    pub(super) fn keep(&mut self, layers: usize) -> Result<Graph, Error> {
        let mut graph = Graph::default();
        let kept = self.first(layers, &mut graph, Class::Metrics)?;
        let features = self.features(&mut graph, &kept);
        graph.push(Collect, "features", &[kept.built.logits, features])?;
        self.advance(&mut graph)?;
        self.kept = Some(kept);
        Ok(graph)
    }

    /// All graphs made from here on begin behind the first layers: the host writes what those make of each row.
    pub(super) fn begin_behind(&mut self, layers: usize) -> Result<(), Error> {
        self.kept = Some(self.first(layers, &mut Graph::default(), Class::Data)?);
        Ok(())
    }

    /// Adds the first layers to a graph.
    fn first(&self, layers: usize, graph: &mut Graph, class: Class) -> Result<Kept, Error> {
        let batch = self.gather(graph)?;
        let built = self.network.build_first(layers, graph, batch[0], Usage::Inference)?;
        let row = graph.shape(built.logits).0[1..].to_vec();
        Ok(Kept { layers, built, row, class })
    }

    /// What the first layers made of each row.
    fn features(&self, graph: &mut Graph, kept: &Kept) -> ValueId {
        let shape: Vec<usize> = std::iter::once(self.data.rows).chain(kept.row.iter().copied()).collect();
        graph.value("features", Shape(shape), Scalar::F32, kept.class)
    }

    /// The batch, and the layers on it, of which those that are kept are not computed again.
    fn layers(&self, graph: &mut Graph, usage: Usage) -> Result<(Vec<ValueId>, Built), Error> {
        let batch = self.gather(graph)?;
        let built = match &self.kept {
            Some(kept) => self.network.build_rest((kept.layers, &kept.built), graph, batch[0], usage)?,
            None => self.network.build(graph, batch[0], usage)?,
        };
        Ok((batch, built))
    }

    /// The graph of a training step, and the network's tensors.
    pub(super) fn training(&self, options: &TrainOptions) -> Result<(Graph, Built), Error> {
        let mut graph = Graph::default();
        let usage = Usage::Training { seed: options.seed };
        let (batch, built) = match &options.augment {
            Some(shape) => {
                let batch = self.augment(&mut graph, shape)?;
                let built = self.network.build(&mut graph, batch[0], usage)?;
                (batch, built)
            }
            None => self.layers(&mut graph, usage)?,
        };
        self.loss(&mut graph, options.label_smoothing, [built.logits, batch[1]])?;
        self.advance(&mut graph)?;
        Ok((graph, built))
    }

    /// The graph of a step that looks at each layer as it works in training, also at the gradients by their outputs if it is to,
    /// and moves no weights.
    pub(super) fn looking(&self, options: &TrainOptions, gradients: bool) -> Result<(Graph, Vec<LookedAt>), Error> {
        let mut graph = Graph::default();
        let (batch, built) = self.layers(&mut graph, Usage::Training { seed: options.seed })?;
        self.loss(&mut graph, options.label_smoothing, [built.logits, batch[1]])?;
        let layers = looks::add(&mut graph, self.lines, gradients)?;
        self.advance(&mut graph)?;
        Ok((graph, layers))
    }

    /// The graph of a step that trains nothing, and the network's tensors.
    pub(super) fn graph(&self, usage: Usage) -> Result<(Graph, Built), Error> {
        let mut graph = Graph::default();
        let (_, built) = self.layers(&mut graph, usage)?;
        if usage != Usage::Population {
            let shape = [self.data.rows, self.network.head().outputs];
            let outputs = graph.value("outputs", shape, Scalar::F32, Class::Metrics);
            graph.push(Collect, "outputs", &[built.logits, outputs])?;
        }
        self.advance(&mut graph)?;
        Ok((graph, built))
    }

    /// Ends a step of any graph.
    fn advance(&self, graph: &mut Graph) -> Result<(), ShapeError> {
        let table = graph.value("table", [self.lines, size_of::<Step>() / 4], Scalar::U32, Class::Tables);
        graph.push_last(Advance, "step", &[table])
    }

    /// The batch: its values, and what is to be learnt.
    fn gather(&self, graph: &mut Graph) -> Result<Vec<ValueId>, ShapeError> {
        let (rows, target) = (self.data.rows, self.target());
        let targets = [self.answered, target.words()];
        let (data, bytes, row, prefix) = match &self.kept {
            Some(kept) => (self.features(graph, kept), false, kept.row.clone(), "features."),
            None => {
                let scalar = if self.data.bytes { Scalar::U32 } else { Scalar::F32 };
                let data = graph.value("data", [self.data.words(self.held)], scalar, Class::Data);
                (data, self.data.bytes, self.network.row(&self.data.row), "")
            }
        };
        let features: usize = row.iter().product();
        let inputs = [
            data,
            graph.value("targets", targets, target.scalar(), Class::Data),
            graph.value("order", [rows], Scalar::U32, Class::Tables),
            graph.value(format!("{prefix}offset"), [features], Scalar::F32, Class::Tables),
            graph.value(format!("{prefix}factor"), [features], Scalar::F32, Class::Tables),
        ];
        graph.push(Gather { bytes, batch: self.batch, row, target }, "input", &inputs)
    }

    /// The batch of augmented pictures, and what is to be learnt.
    fn augment(&self, graph: &mut Graph, shape: &AugmentShape) -> Result<Vec<ValueId>, Error> {
        let (rows, target) = (self.data.rows, self.target());
        let (true, &[channels, height, width]) = (self.data.bytes, &self.data.row[..]) else {
            let what = "pictures alone can be augmented, and the rows of these data are none".to_owned();
            return Err(Error::Setting(format!("flip, crop, scale, brightness and contrast: {what}: leave them out")));
        };
        let features = channels * height * width;
        let (name, words) =
            shape.pool.map_or(("data", self.data.words(self.held)), |bytes| ("pool", bytes.div_ceil(4)));
        let inputs = [
            graph.value(name, [words], Scalar::U32, Class::Data),
            graph.value("targets", [self.answered, target.words()], target.scalar(), Class::Data),
            graph.value("boxes", [rows, BOX], Scalar::U32, Class::Tables),
            graph.value("offset", [features], Scalar::F32, Class::Tables),
            graph.value("factor", [features], Scalar::F32, Class::Tables),
        ];
        let &AugmentShape { reflect, taps, contrast, largest, .. } = shape;
        let augment = Augment {
            batch: self.batch,
            row: self.network.row(&self.data.row),
            picture: [channels, height, width],
            target,
            reflect,
            taps,
            contrast,
            largest,
        };
        Ok(graph.push(augment, "input", &inputs)?)
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
