//! A network as operations between values, before anything is said about memory or devices.

mod compile;
mod fuse;
mod gradient;
mod join;
mod lifetimes;
mod packs;
pub mod plan;
mod space;

pub use compile::{Optimizer, Source};
pub use fuse::fuse;
pub use gradient::{Call, Phase, calls};

use crate::kernel::Scalar;
use crate::op::{Class, Op};
use crate::shape::{MAX_ELEMENTS, Shape, ShapeError};
use std::sync::Arc;

/// Index of a [`Value`] in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub usize);

/// A tensor between operations.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Unique in the graph. A persistent value of this name is one tensor in all graphs of a plan.
    pub name: String,
    /// Sizes; the first is the batch's capacity where the value has rows.
    pub shape: Shape,
    /// Type of its 32-bit words.
    pub scalar: Scalar,
    /// `Activations` for what the graph computes, else where the value lives.
    pub class: Class,
}

/// An operation at its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// The operation that runs here.
    pub op: Arc<dyn Op>,
    /// For which layer, as in `3.batch_norm`.
    pub path: String,
    /// Values that it reads, in the operation's order.
    pub inputs: Vec<ValueId>,
    /// Values that it computes, in the operation's order.
    pub outputs: Vec<ValueId>,
    /// What its gradient will want to see again.
    pub saved: Vec<ValueId>,
}

/// An operation that looks at a gradient.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The value whose gradient it is.
    pub of: ValueId,
    /// The operation. The gradient is its first input.
    pub op: Arc<dyn Op>,
    /// For which layer, as in `3.batch_norm`.
    pub path: String,
    /// The operation's other inputs, in order.
    pub others: Vec<ValueId>,
}

/// Operations in the order in which they run.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// All values, each at its [`ValueId`].
    pub values: Vec<Value>,
    /// All operations, in the order in which they run.
    pub nodes: Vec<Node>,
    /// The node whose rows' mean is the loss; gradients start there.
    pub loss: Option<usize>,
    /// Run after everything else, updates included.
    pub last: Vec<Node>,
    /// Values that must outlive the program, to be read by the host.
    pub kept: Vec<ValueId>,
    /// What looks at gradients. With any, gradients are computed, be it without an update.
    pub watched: Vec<Watch>,
}

impl Graph {
    /// Adds a tensor that is there before the graph runs.
    pub fn value(&mut self, name: impl Into<String>, shape: impl Into<Shape>, scalar: Scalar, class: Class) -> ValueId {
        self.values.push(Value { name: name.into(), shape: shape.into(), scalar, class });
        ValueId(self.values.len() - 1)
    }

    /// Shape of a value.
    pub fn shape(&self, id: ValueId) -> &Shape {
        &self.values[id.0].shape
    }

    /// Adds an operation and gives its outputs.
    ///
    /// # Errors
    /// The inputs' shapes do not fit the operation; the error carries `path`.
    pub fn push(&mut self, op: impl Op + 'static, path: &str, inputs: &[ValueId]) -> Result<Vec<ValueId>, ShapeError> {
        self.push_shared(Arc::new(op), path, inputs)
    }

    fn push_shared(&mut self, op: Arc<dyn Op>, path: &str, inputs: &[ValueId]) -> Result<Vec<ValueId>, ShapeError> {
        let node = self.node(op, path, inputs)?;
        let outputs = node.outputs.clone();
        self.nodes.push(node);
        Ok(outputs)
    }

    /// Adds the operation that gives each row's loss (its first output).
    ///
    /// # Errors
    /// As [`Graph::push`].
    pub fn push_loss(&mut self, op: Arc<dyn Op>, inputs: &[ValueId]) -> Result<Vec<ValueId>, ShapeError> {
        let outputs = self.push_shared(op, "loss", inputs)?;
        self.loss = Some(self.nodes.len() - 1);
        Ok(outputs)
    }

    /// Adds an operation that runs after everything else.
    ///
    /// # Errors
    /// As [`Graph::push`].
    pub fn push_last(&mut self, op: impl Op + 'static, path: &str, inputs: &[ValueId]) -> Result<(), ShapeError> {
        let node = self.node(Arc::new(op), path, inputs)?;
        self.last.push(node);
        Ok(())
    }

    fn node(&mut self, op: Arc<dyn Op>, path: &str, inputs: &[ValueId]) -> Result<Node, ShapeError> {
        let shapes: Vec<Shape> = inputs.iter().map(|&id| self.shape(id).clone()).collect();
        let made = op.shapes(&shapes).map_err(|error| error.at(path))?;
        let all = made.outputs.iter().chain(&made.saved).map(|made| &made.shape).chain(&shapes);
        all.into_iter().try_for_each(numbered).map_err(|error| error.at(path))?;
        let mut add = |made: Vec<crate::op::Made>| {
            let name = |short: &str| format!("{path}.{short}");
            made.into_iter()
                .map(|m| self.value(name(m.name), m.shape, m.scalar, Class::Activations))
                .collect::<Vec<_>>()
        };
        let (outputs, saved) = (add(made.outputs), add(made.saved));
        Ok(Node { op, path: path.to_owned(), inputs: inputs.to_vec(), outputs, saved })
    }
}

/// Refuses a tensor with more elements than kernels can number.
fn numbered(shape: &Shape) -> Result<(), ShapeError> {
    if shape.elements() <= MAX_ELEMENTS {
        return Ok(());
    }
    let bytes = shape.0.iter().fold(4u128, |bytes, &size| bytes.saturating_mul(size as u128));
    let most = MAX_ELEMENTS as u64 * 4;
    Err(ShapeError::new(format!(
        "a tensor of {shape} takes {bytes} bytes, at most {most} can be: make the layer smaller"
    )))
}
