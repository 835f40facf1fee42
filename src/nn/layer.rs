//! A layer, what it builds with, and the tensors that layers own.

use super::freeze::Freeze;
use super::init::Init;
use super::notation::LayerText;
use crate::graph::{Graph, ValueId};
use crate::kernel::Scalar;
use crate::op::{Class, Op};
use crate::shape::{Shape, ShapeError, channels_first, channels_last};
use std::borrow::Cow;
use std::fmt;

/// A layer: it owns no tensors but says which it has, and makes operations.
pub trait Layer: fmt::Debug + Send + Sync {
    /// The layer with what a last layer may leave out filled in, if it left something out; the text likewise.
    fn complete(&self, _text: &mut LayerText, _outputs: usize) -> Option<Box<dyn Layer>> {
        None
    }

    /// Adds its operations on x to the graph, and gives the value that leaves the layer.
    ///
    /// # Errors
    /// The input's shape does not fit.
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError>;

    /// How weights before it start by default, if it has a say.
    fn init_before(&self) -> Option<Init> {
        None
    }

    /// Whether it has weights of its own, so that it hides what comes after it from the weights before.
    fn is_weighted(&self) -> bool {
        false
    }

    /// Whether it needs to know which values are pixels and channels, or takes a row as it is; none for a layer to which that is
    /// the same, as to an activation.
    fn sees_images(&self) -> Option<bool> {
        None
    }

    /// Whether training drops some of its inputs.
    fn drops(&self) -> bool {
        false
    }
}

/// Where a layer stands in a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What PyTorch's `state_dict` puts before the names of its tensors, as in `3` or `4.body.1`.
    pub index: String,
    /// With its kind, as in `3.batch_norm` or `4.body.1.batch_norm`.
    pub path: String,
}

impl Place {
    /// The name of a tensor of the layer.
    pub fn tensor(&self, name: &str) -> String {
        format!("{}.{name}", self.index)
    }
}

/// The averages over batches that batch norm takes at inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Averages {
    /// Exponential averages, as training moved them.
    Running,
    /// Plain averages over the training set, taken after training (Ioffe & Szegedy 2015, Algorithm 2).
    Population,
}

/// How a tensor starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// Every element has this value.
    Value(f32),
    /// Random weights of so many outputs, each of a row of inputs.
    Weights(Init),
}

/// A tensor that a network owns.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// As PyTorch's `state_dict` names it: place of the layer, then the name, as in `0.weight` or `4.body.1.weight`.
    pub name: String,
    /// Its sizes in the plan; [`Shape::in_files`] is PyTorch's order.
    pub shape: Shape,
    /// Its class: `Parameters` if gradients move it, else `State`.
    pub class: Class,
    /// How its initial values are made.
    pub start: Start,
    /// Its layer's own learning rate, in place of the run's.
    pub rate: Option<f64>,
    /// The largest norm that its rows may have, in place of the run's.
    pub max_norm: Option<f64>,
}

impl Tensor {
    /// Initial values of tensor number `index` of the network, in the order of files.
    pub fn initial(&self, seed: u64, index: usize) -> Vec<f32> {
        match self.start {
            Start::Value(value) => vec![value; self.shape.elements()],
            Start::Weights(init) => {
                // As PyTorch counts: the outputs of a convolution that an input has a part in, over all taps.
                let taps = self.shape.pixels();
                let fans = [self.shape.width(), self.shape.rows() * taps];
                init.weights(self.shape.elements(), fans, seed, index as u32)
            }
        }
    }

    /// Its values in the order of the plan, from those in the order of files: of a convolution's weights the channels move behind
    /// the taps.
    pub fn in_plan<'a>(&self, values: &'a [f32]) -> Cow<'a, [f32]> {
        match self.shape.0[..] {
            [_, height, width, channels] => channels_last(values, height * width, channels).into(),
            _ => values.into(),
        }
    }

    /// The way back from [`Tensor::in_plan`].
    pub fn in_file<'a>(&self, values: &'a [f32]) -> Cow<'a, [f32]> {
        match self.shape.0[..] {
            [_, height, width, channels] => channels_first(values, height * width, channels).into(),
            _ => values.into(),
        }
    }
}

/// What a graph is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Dropout drops and batch norm takes the batch's statistics.
    Training {
        /// Of the run: dropout's random numbers.
        seed: u64,
    },
    /// Dropout is absent and batch norm takes the averages of its inputs' statistics.
    Inference,
    /// As inference, but batch norm takes the batch's statistics, and averages them for inference.
    Population,
    /// As inference, but dropout drops: the step is the number of the mask.
    Sampling {
        /// Seed of dropout's random numbers.
        seed: u64,
    },
}

/// A count of batches that PyTorch keeps for a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Its name, as in `1.num_batches_tracked`.
    pub name: String,
    /// Whether the layer is frozen, so that training counts nothing.
    pub frozen: bool,
}

/// What a network made of a graph.
#[derive(Clone, Debug)]
pub struct Built {
    /// What the loss takes: the last layer's output `[batch, outputs]`, or the input of a last sigmoid that is the loss's own.
    pub logits: ValueId,
    /// Output of each layer; one that changes nothing gives the output of the layer before it.
    pub outputs: Vec<ValueId>,
    /// Output shape of each layer, with the batch's capacity.
    pub shapes: Vec<Shape>,
    /// All tensors, in the order of PyTorch's `state_dict`.
    pub tensors: Vec<Tensor>,
    /// The counts of batches that PyTorch keeps.
    pub counters: Vec<Counter>,
    /// The layers that normalise by the batch in training, and what they take at inference.
    pub averages: Vec<(Place, Averages)>,
    /// Whether a batch of one row cannot be trained on: its variance is that of one value.
    pub needs_two_rows: bool,
    /// Layers that were begun, those inside of others included.
    pub(super) begun: u32,
}

impl Built {
    /// Nothing yet, before the first layer on x.
    pub(super) fn new(x: ValueId) -> Self {
        Self {
            logits: x,
            outputs: vec![],
            shapes: vec![],
            tensors: vec![],
            counters: vec![],
            averages: vec![],
            needs_two_rows: false,
            begun: 0,
        }
    }
}

/// What a layer builds with.
#[derive(Debug)]
pub struct Builder<'a> {
    pub(super) graph: &'a mut Graph,
    pub(super) usage: Usage,
    pub(super) place: Place,
    pub(super) number: u32,
    /// The layers that training leaves as they are.
    pub(super) freeze: &'a Freeze,
    /// Whether this layer is one of them, or inside of one.
    pub(super) frozen: bool,
    pub(super) init: Init,
    /// What the run says of all initial weights.
    pub(super) init_of_run: Option<Init>,
    pub(super) built: &'a mut Built,
    /// Layers that were begun so far, those inside of others included.
    pub(super) begun: &'a mut u32,
}

impl Builder<'_> {
    /// Shape of a value.
    pub fn shape(&self, id: ValueId) -> &Shape {
        self.graph.shape(id)
    }

    /// Where the layer stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// How many layers begin before it, those inside of others included: its own random numbers are drawn by this.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How the layer's weights start.
    pub fn init(&self) -> Init {
        self.init
    }

    /// What the graph is made for; of a layer that training leaves as it is, that is inference where others are trained.
    pub fn usage(&self) -> Usage {
        match self.usage {
            Usage::Training { .. } | Usage::Population if self.frozen => Usage::Inference,
            usage => usage,
        }
    }

    /// Declares a tensor of the layer, with its own learning rate and largest norm of a row, if it has them. Gradients move no
    /// tensor of a frozen layer.
    pub fn tensor(
        &mut self,
        name: &str,
        sizes: &[usize],
        class: Class,
        start: Start,
        (rate, max_norm): (Option<f64>, Option<f64>),
    ) -> ValueId {
        let (name, shape) = (self.place.tensor(name), Shape(sizes.to_vec()));
        let class = if self.frozen { Class::State } else { class };
        let tensor = Tensor { name: name.clone(), shape: shape.clone(), class, start, rate, max_norm };
        self.built.tensors.push(tensor);
        self.graph.value(name, shape, Scalar::F32, class)
    }

    /// Says that this layer normalises by the batch in training, with so many values of a feature in each row. PyTorch keeps a
    /// `num_batches_tracked` for such a layer.
    pub fn normalizes(&mut self, averages: Averages, values: usize) {
        let (name, frozen) = (self.place.tensor("num_batches_tracked"), self.frozen);
        self.built.counters.push(Counter { name, frozen });
        if frozen {
            return;
        }
        self.built.averages.push((self.place.clone(), averages));
        self.built.needs_two_rows |= values == 1;
    }

    /// Adds an operation with one output.
    ///
    /// # Errors
    /// The inputs do not fit it.
    pub fn push(&mut self, op: impl Op + 'static, inputs: &[ValueId]) -> Result<ValueId, ShapeError> {
        Ok(self.graph.push(op, &self.place.path, inputs)?[0])
    }

    /// Adds an operation with one output that is a part of the layer beside its main one.
    ///
    /// # Errors
    /// The inputs do not fit it.
    pub fn push_part(&mut self, part: &str, op: impl Op + 'static, inputs: &[ValueId]) -> Result<ValueId, ShapeError> {
        Ok(self.graph.push(op, &format!("{}.{part}", self.place.path), inputs)?[0])
    }

    /// A builder for a layer at another place of the same graph.
    pub(super) fn at(&mut self, place: Place, init: Init) -> Builder<'_> {
        let number = *self.begun;
        *self.begun += 1;
        let Self { usage, init_of_run, freeze, .. } = *self;
        let frozen = self.frozen || freeze.means(&place.path);
        let (graph, built, begun) = (&mut *self.graph, &mut *self.built, &mut *self.begun);
        Builder { graph, usage, place, number, freeze, frozen, init, init_of_run, built, begun }
    }
}
