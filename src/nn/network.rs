//! A network: layers in sequence, the tensors they own, and the graph they make.

use super::init::Init;
use super::layers;
use super::loss::Loss;
use super::notation::{LayerText, NotationError};
use crate::graph::{Graph, ValueId};
use crate::kernel::Scalar;
use crate::op::{Answer, Class, Op};
use crate::shape::{Shape, ShapeError};
use std::fmt;

/// A layer: it owns no tensors but says which it has, and makes operations.
pub trait Layer: fmt::Debug {
    /// The layer with what a last layer may leave out filled in, if it left something out; the text likewise.
    fn complete(&self, _text: &mut LayerText, _outputs: usize) -> Option<Box<dyn Layer>> {
        None
    }

    /// Adds its operations.
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

    /// Whether a batch of one row cannot be trained on.
    fn needs_two_rows(&self) -> bool {
        self.averages().is_some()
    }

    /// What it normalises by at inference, if it normalises by the batch in training.
    fn averages(&self) -> Option<Averages> {
        None
    }

    /// Whether training drops some of its inputs.
    fn drops(&self) -> bool {
        false
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
    /// Every element alike.
    Value(f32),
    /// Random weights `[outputs, inputs]`.
    Weights(Init),
}

/// A tensor that a network owns.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// As PyTorch's `state_dict` names it: index of the layer, then the name, as in `0.weight`.
    pub name: String,
    /// Its sizes.
    pub shape: Shape,
    /// `Parameters` or `State`.
    pub class: Class,
    /// How it starts.
    pub start: Start,
    /// Its layer's own learning rate, in place of the run's.
    pub rate: Option<f64>,
    /// The largest norm that its rows may have, in place of the run's.
    pub max_norm: Option<f64>,
}

impl Tensor {
    /// Initial values of tensor number `index` of the network.
    pub fn initial(&self, seed: u64, index: usize) -> Vec<f32> {
        match self.start {
            Start::Value(value) => vec![value; self.shape.elements()],
            Start::Weights(init) => init.weights(self.shape.width(), self.shape.rows(), seed, index as u32),
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
        /// Dropout's random numbers.
        seed: u64,
    },
}

/// What stands behind the layers: the loss, whose first step is the network's output function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Head {
    /// Which.
    pub loss: Loss,
    /// How many values of a row it takes.
    pub outputs: usize,
}

impl Head {
    /// Cross-entropy over so many classes.
    pub fn classes(classes: usize) -> Self {
        Self { loss: Loss::CROSS_ENTROPY, outputs: classes }
    }
}

/// Layers in sequence.
#[derive(Debug)]
pub struct Network {
    texts: Vec<LayerText>,
    layers: Vec<Box<dyn Layer>>,
    head: Head,
    init: Option<Init>,
}

impl Network {
    /// Reads a network for a loss. The last `linear` may leave its number of outputs to the loss.
    ///
    /// # Errors
    /// A text cannot be read.
    pub fn read(texts: &[String], head: Head, init: Option<Init>) -> Result<Self, NotationError> {
        let (mut texts, mut layers) = parse(texts)?;
        if let Some(last) = layers.iter().rposition(|layer| layer.is_weighted())
            && let Some(layer) = layers[last].complete(&mut texts[last], head.outputs)
        {
            layers[last] = layer;
        }
        Ok(Self { texts, layers, head, init })
    }

    /// What stands behind the layers.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The layers' texts, complete.
    pub fn texts(&self) -> Vec<String> {
        self.texts.iter().map(ToString::to_string).collect()
    }

    /// Path of a layer, as in `3.batch_norm`.
    pub fn path(&self, index: usize) -> String {
        format!("{index}.{}", self.texts[index].kind)
    }

    /// Whether a batch of one row cannot be trained on.
    pub fn needs_two_rows(&self) -> bool {
        self.layers.iter().any(|layer| layer.needs_two_rows())
    }

    /// The layers that normalise by the batch in training, and what they take at inference.
    pub fn averages(&self) -> Vec<(usize, Averages)> {
        let all = self.layers.iter().enumerate();
        all.filter_map(|(index, layer)| layer.averages().map(|averages| (index, averages))).collect()
    }

    /// Whether training drops anything.
    pub fn drops(&self) -> bool {
        self.layers.iter().any(|layer| layer.drops())
    }

    /// Adds all layers to a graph after `x` and gives the logits; each layer's output shape and the network's tensors
    /// come along.
    ///
    /// # Errors
    /// A layer does not fit the one before it.
    pub fn build(&self, graph: &mut Graph, x: ValueId, usage: Usage) -> Result<Built, ShapeError> {
        let mut built = Built { logits: x, outputs: vec![], shapes: vec![], tensors: vec![], counters: vec![] };
        let (mut last, inits) = (x, self.inits());
        for (index, layer) in self.layers.iter().enumerate() {
            if index + 1 == self.layers.len() && self.ends_in_the_loss() {
                built.shapes.push(graph.shape(last).clone());
                break;
            }
            let path = self.path(index);
            let mut builder = Builder { graph, usage, index, path, init: inits[index], built: &mut built };
            let y = layer.build(&mut builder, last)?;
            last = y;
            built.outputs.push(y);
            built.shapes.push(graph.shape(y).clone());
        }
        built.logits = last;
        self.check_outputs(graph.shape(last))?;
        Ok(built)
    }

    /// Whether the last layer is what the loss begins with, as the sigmoid of binary cross-entropy: the loss works on the
    /// outputs before it.
    fn ends_in_the_loss(&self) -> bool {
        self.texts.last().is_some_and(|text| self.head.loss.contains_layer(text.kind.as_ref()))
    }

    fn check_outputs(&self, shape: &Shape) -> Result<(), ShapeError> {
        let Head { loss, outputs } = self.head;
        if shape.0.len() == 2 && shape.width() == outputs {
            return Ok(());
        }
        let gives = match shape.0[1..] {
            [values] => format!("{values} value{}", if values == 1 { "" } else { "s" }),
            _ => format!("values {}", Shape(shape.0[1..].to_vec())),
        };
        let of = match outputs {
            _ if loss.judges(Answer::Class) => ", one for each class",
            1 if loss.judges(Answer::Labels) => ", which says yes or no",
            _ if loss.judges(Answer::Labels) => ", one for each label",
            _ => ", one for each number",
        };
        let what = format!("the network ends in {gives} a row, but {loss} takes {outputs}{of}");
        Err(ShapeError::new(what).at(&self.path(self.texts.len() - 1)))
    }

    /// For each layer what the activation after it wants, and Xavier's before none, unless the network says otherwise.
    fn inits(&self) -> Vec<Init> {
        let (mut inits, mut wanted) = (vec![Init::Xavier; self.layers.len()], None);
        for (init, layer) in inits.iter_mut().zip(&self.layers).rev() {
            *init = self.init.or(wanted).unwrap_or(Init::Xavier);
            wanted = if layer.is_weighted() { None } else { layer.init_before().or(wanted) };
        }
        inits
    }
}

/// Refuses layer texts that no network can be made of.
///
/// # Errors
/// Names the first of them.
pub fn check(texts: &[String]) -> Result<(), NotationError> {
    parse(texts).map(|_| ())
}

type Parsed = (Vec<LayerText>, Vec<Box<dyn Layer>>);

fn parse(texts: &[String]) -> Result<Parsed, NotationError> {
    let error = |index: usize, text: &str, what: String| NotationError { index, text: text.to_owned(), what };
    if texts.is_empty() {
        return Err(error(0, "", "a network needs at least one layer".into()));
    }
    let (mut parsed, mut layers) = (vec![], vec![]);
    for (index, text) in texts.iter().enumerate() {
        let layer_text: LayerText = text.parse().map_err(|what| error(index, text, what))?;
        layers.push(layers::read(&layer_text).map_err(|what| error(index, text, what))?);
        parsed.push(layer_text);
    }
    Ok((parsed, layers))
}

/// What a network made of a graph.
#[derive(Debug)]
pub struct Built {
    /// What the loss takes: the last layer's output `[batch, outputs]`, or the input of a last sigmoid that is the loss's own.
    pub logits: ValueId,
    /// Output of each layer; one that changes nothing gives the output of the layer before it.
    pub outputs: Vec<ValueId>,
    /// Output shape of each layer, with the batch's capacity.
    pub shapes: Vec<Shape>,
    /// All tensors, in the order of PyTorch's `state_dict`.
    pub tensors: Vec<Tensor>,
    /// Layers that PyTorch counts batches for.
    pub counters: Vec<usize>,
}

/// What a layer builds with.
#[derive(Debug)]
pub struct Builder<'a> {
    graph: &'a mut Graph,
    usage: Usage,
    index: usize,
    path: String,
    init: Init,
    built: &'a mut Built,
}

impl Builder<'_> {
    /// Shape of a value.
    pub fn shape(&self, id: ValueId) -> &Shape {
        self.graph.shape(id)
    }

    /// The layer's path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The layer's place.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How the layer's weights start.
    pub fn init(&self) -> Init {
        self.init
    }

    /// What the graph is made for.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Declares a tensor of the layer, with its own learning rate and largest norm of a row, if it has them.
    pub fn tensor(
        &mut self,
        name: &str,
        sizes: &[usize],
        class: Class,
        start: Start,
        (rate, max_norm): (Option<f64>, Option<f64>),
    ) -> ValueId {
        let (name, shape) = (format!("{}.{name}", self.index), Shape(sizes.to_vec()));
        let tensor = Tensor { name: name.clone(), shape: shape.clone(), class, start, rate, max_norm };
        self.built.tensors.push(tensor);
        self.graph.value(name, shape, Scalar::F32, class)
    }

    /// Says that PyTorch keeps a `num_batches_tracked` for this layer.
    pub fn counts_batches(&mut self) {
        self.built.counters.push(self.index);
    }

    /// Adds an operation with one output.
    ///
    /// # Errors
    /// The inputs do not fit it.
    pub fn push(&mut self, op: impl Op + 'static, inputs: &[ValueId]) -> Result<ValueId, ShapeError> {
        Ok(self.graph.push(op, &self.path, inputs)?[0])
    }
}
