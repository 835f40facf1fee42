//! A network: layers in sequence, and the graph they make.

use super::freeze::Freeze;
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
use std::ops::Range;

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
    frozen: Freeze,
}

impl Network {
    /// Reads a network for a loss. The last `linear` may leave its number of outputs to the loss.
    ///
    /// # Errors
    /// A text cannot be read.
    pub fn read(texts: &[String], head: Head, init: Option<Init>) -> Result<Self, NotationError> {
        let mut layers = parse(texts)?;
        layers.complete(head.outputs);
        Ok(Self { layers, head, init, frozen: Freeze::default() })
    }

    /// The same network, of which training leaves some layers as they are.
    ///
    /// # Errors
    /// There is no such layer.
    pub fn freeze(mut self, frozen: &Freeze) -> Result<Self, String> {
        frozen.check(&self.layers.texts)?;
        self.frozen = frozen.clone();
        Ok(self)
    }

    /// Name of the tensors of the last layer with weights, up to the tensor's own, as in `5.`; none if there is no such layer.
    pub fn last_weighted(&self) -> Option<String> {
        self.layers.last_weighted().map(|index| format!("{index}."))
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
        let built = self.layers_on(0..self.before_loss(), Built::new(x), graph, x, usage)?;
        self.finish(built, graph)
    }

    /// Adds the first `count` layers alone, whose output is called the logits here.
    ///
    /// # Errors
    /// A layer does not fit the one before it.
    pub fn build_first(&self, count: usize, graph: &mut Graph, x: ValueId, usage: Usage) -> Result<Built, ShapeError> {
        self.layers_on(0..count.min(self.before_loss()), Built::new(x), graph, x, usage)
    }

    /// Adds the layers behind the first `count`, of which another graph was made: x is what those give. The tensors and shapes
    /// are those of all layers.
    ///
    /// # Errors
    /// A layer does not fit the one before it.
    pub fn build_rest(
        &self,
        (count, first): (usize, &Built),
        graph: &mut Graph,
        x: ValueId,
        usage: Usage,
    ) -> Result<Built, ShapeError> {
        let before = Built { logits: x, outputs: vec![x; first.outputs.len()], ..first.clone() };
        let built = self.layers_on(count.min(self.before_loss())..self.before_loss(), before, graph, x, usage)?;
        self.finish(built, graph)
    }

    fn layers_on(
        &self,
        range: Range<usize>,
        mut built: Built,
        graph: &mut Graph,
        x: ValueId,
        usage: Usage,
    ) -> Result<Built, ShapeError> {
        let mut begun = built.begun;
        let mut builder = Builder {
            graph,
            usage,
            place: Place { index: String::new(), path: String::new() },
            number: 0,
            freeze: &self.frozen,
            frozen: false,
            init: Init::Xavier,
            init_of_run: self.init,
            built: &mut built,
            begun: &mut begun,
        };
        let outputs = self.layers.build(range, "", &mut builder, x)?;
        built.begun = begun;
        built.shapes.extend(outputs.iter().map(|&y| graph.shape(y).clone()));
        built.logits = *outputs.last().unwrap_or(&x);
        built.outputs.extend(outputs);
        Ok(built)
    }

    /// The number of layers before one that the loss begins with.
    fn before_loss(&self) -> usize {
        self.layers.texts.len() - usize::from(self.ends_in_the_loss())
    }

    fn finish(&self, mut built: Built, graph: &Graph) -> Result<Built, ShapeError> {
        built.shapes.extend(self.ends_in_the_loss().then(|| graph.shape(built.logits).clone()));
        self.check_outputs(graph.shape(built.logits))?;
        Ok(built)
    }

    /// How many of the first layers are frozen with all that is inside of them.
    ///
    /// # Errors
    /// None is, or one behind a layer that is not.
    pub fn frozen_first(&self) -> Result<usize, String> {
        let count = self.frozen.first(&self.layers.texts)?;
        if count > self.before_loss() { Err("all layers are frozen".into()) } else { Ok(count) }
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
