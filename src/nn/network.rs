//! A network: layers in sequence, and the graph they make.

use super::init::Init;
use super::layer::{Averages, Builder, Built, Layer, Usage};
use super::layers;
use super::loss::Loss;
use super::notation::{LayerText, NotationError};
use crate::graph::{Graph, ValueId};
use crate::op::Answer;
use crate::shape::{Shape, ShapeError};

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

/// The layer texts that no network can be made of, and why.
pub fn faults(texts: &[String]) -> Vec<NotationError> {
    let each = texts.iter().enumerate().filter_map(|(index, text)| {
        let read = text.parse().and_then(|text: LayerText| layers::read(&text).map(|_| ()));
        read.err().map(|what| NotationError { index, text: text.clone(), what })
    });
    match texts {
        [] => parse(texts).err().into_iter().collect(),
        _ => each.collect(),
    }
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
