//! A network: layers in sequence, and the graph they make.

use super::init::Init;
use super::layer::{Builder, Built, Place, Usage};
use super::layers;
use super::loss::Loss;
use super::named;
use super::notation::NotationError;
use super::sequence::Sequence;
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
    layers: Sequence,
    head: Head,
    init: Option<Init>,
}

impl Network {
    /// Reads a network for a loss. The last `linear` may leave its number of outputs to the loss.
    ///
    /// # Errors
    /// A text cannot be read.
    pub fn read(texts: &[String], head: Head, init: Option<Init>) -> Result<Self, NotationError> {
        let mut layers = parse(texts)?;
        layers.complete(head.outputs);
        Ok(Self { layers, head, init })
    }

    /// What stands behind the layers.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The layers' texts, complete.
    pub fn texts(&self) -> Vec<String> {
        self.layers.texts.iter().map(ToString::to_string).collect()
    }

    /// Path of a layer, as in `3.batch_norm`.
    pub fn path(&self, index: usize) -> String {
        self.layers.place("", index).path
    }

    /// What the layers make of rows of such sizes, apart from any plan.
    #[cfg(test)]
    pub(crate) fn outline(&self, row: &[usize]) -> Result<Built, ShapeError> {
        use crate::{kernel::Scalar, op::Class};
        let mut graph = Graph::default();
        let shape = std::iter::once(2).chain(self.row(row)).collect();
        let x = graph.value("x", Shape(shape), Scalar::F32, Class::Data);
        self.build(&mut graph, x, Usage::Training { seed: 0 })
    }

    /// Sizes of a row of the data as the layers take it: `[height, width, channels]` of a row `[channels, height, width]`, if they
    /// need to know which values are pixels; all in one row else.
    pub fn row(&self, row: &[usize]) -> Vec<usize> {
        match *row {
            [channels, height, width] if self.layers.sees_images() == Some(true) => vec![height, width, channels],
            _ => vec![row.iter().product()],
        }
    }

    /// Whether training drops anything.
    pub fn drops(&self) -> bool {
        self.layers.drops()
    }

    /// Adds all layers to a graph after `x` and gives the logits; each layer's output shape and the network's tensors
    /// come along.
    ///
    /// # Errors
    /// A layer does not fit the one before it.
    pub fn build(&self, graph: &mut Graph, x: ValueId, usage: Usage) -> Result<Built, ShapeError> {
        let mut built = Built {
            logits: x,
            outputs: vec![],
            shapes: vec![],
            tensors: vec![],
            counters: vec![],
            averages: vec![],
            needs_two_rows: false,
        };
        let mut builder = Builder {
            graph,
            usage,
            place: Place { index: String::new(), path: String::new() },
            number: 0,
            init: Init::Xavier,
            init_of_run: self.init,
            built: &mut built,
            begun: &mut 0,
        };
        let in_loss = usize::from(self.ends_in_the_loss());
        built.outputs = self.layers.build(self.layers.texts.len() - in_loss, "", &mut builder, x)?;
        built.logits = *built.outputs.last().unwrap_or(&x);
        built.shapes = built.outputs.iter().map(|&y| graph.shape(y).clone()).collect();
        built.shapes.extend((in_loss == 1).then(|| graph.shape(built.logits).clone()));
        self.check_outputs(graph.shape(built.logits))?;
        Ok(built)
    }

    /// Whether the last layer is what the loss begins with, as the sigmoid of binary cross-entropy: the loss works on the
    /// outputs before it.
    fn ends_in_the_loss(&self) -> bool {
        self.layers.texts.last().is_some_and(|text| self.head.loss.contains_layer(text.kind.as_ref()))
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
        Err(ShapeError::new(what).at(&self.path(self.layers.texts.len() - 1)))
    }
}

/// The layer texts that no network can be made of, and why.
pub fn faults(texts: &[String]) -> Vec<NotationError> {
    match texts {
        [] => parse(texts).err().into_iter().collect(),
        _ => texts
            .iter()
            .enumerate()
            .filter_map(|(index, text)| {
                let fault = parse(std::slice::from_ref(text)).err()?;
                Some(NotationError { index, ..fault })
            })
            .collect(),
    }
}

/// Layers of a text: itself, or those that the name of a network stands for.
fn expanded(text: &str) -> Vec<String> {
    named::layers(text.trim()).unwrap_or_else(|| vec![text.to_owned()])
}

fn parse(texts: &[String]) -> Result<Sequence, NotationError> {
    let texts: Vec<String> = texts.iter().flat_map(|text| expanded(text)).collect();
    let error = |index: usize, text: &str, what: String| NotationError { index, text: text.to_owned(), what };
    if texts.is_empty() {
        return Err(error(0, "", "a network needs at least one layer".into()));
    }
    let parsed = texts.iter().map(|text| text.parse());
    Sequence::read(parsed, layers::read).map_err(|(index, what)| error(index, &texts[index], what))
}
