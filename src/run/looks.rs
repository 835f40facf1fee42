//! Looks at the layers of a network: operations in its graph that count what their outputs hold, and what the gradients by
//! these outputs hold.

use crate::graph::{Graph, ValueId, Watch};
use crate::kernel::Scalar;
use crate::op::Class;
use crate::ops::health::{COUNTS, Health};
use crate::shape::ShapeError;
use std::sync::Arc;

/// A tanh beyond this magnitude is saturated, and a sigmoid that is nearer than the rest of it to 0 or 1: its slope there is below
/// 0.02 and 0.01, of 1 and 0.25 at most.
const SATURATED: f32 = 0.99;

/// A layer that a plan looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedAt {
    /// Path of the layer, as in `3.relu` or `4.body.1.relu`.
    pub path: String,
    /// Its units: values of a row, or channels of an image.
    pub units: usize,
    /// Pixels of each channel; 1 where rows are no images.
    pub pixels: usize,
    /// Whether it has an end of its range, as sigmoid and tanh have.
    pub has_ends: bool,
}

impl LookedAt {
    /// The kind of the layer, as in `relu`.
    pub fn kind(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or(&self.path)
    }

    /// What stands before the names of the layer's own tensors, as in `3.`
    pub fn prefix(&self) -> &str {
        &self.path[..self.path.len() - self.kind().len()]
    }

    /// Names of the slots with the moments and the counts of its outputs, or of the gradient by them.
    pub(crate) fn slots(&self, gradient: bool) -> [String; 2] {
        let of = if gradient { "look.d" } else { "look" };
        ["moments", "counts"].map(|what| format!("{of}.{}.{what}", self.path))
    }
}

/// Whether a path is that of a layer, as in `3.relu`, and not of a part of it, as in `3.linear.flatten`, or of the loss.
fn is_layer(path: &str) -> bool {
    let mut parts = path.rsplit('.').skip(1);
    parts.next().is_some_and(|index| index.parse::<usize>().is_ok())
}

/// The ends of what a function gives, if it has any.
fn ends(kind: &str) -> Option<[f32; 2]> {
    match kind {
        "tanh" => Some([-SATURATED, SATURATED]),
        "sigmoid" => Some([1.0 - SATURATED, SATURATED]),
        _ => None,
    }
}

/// Adds a look at each layer, in a line of the step table each.
pub(super) fn add(graph: &mut Graph, lines: usize, gradients: bool) -> Result<Vec<LookedAt>, ShapeError> {
    let mut outputs: Vec<(String, ValueId)> = vec![];
    for node in graph.nodes.iter().filter(|node| is_layer(&node.path) && node.op.name() != "flatten") {
        let Some(&output) = node.outputs.first() else { continue };
        outputs.retain(|(path, _)| *path != node.path);
        outputs.push((node.path.clone(), output));
    }
    let mut layers = vec![];
    for (path, output) in outputs {
        let shape = graph.shape(output);
        let (units, pixels) = (shape.features(), shape.pixels());
        let mut layer = LookedAt { path, units, pixels, has_ends: false };
        let ends = ends(layer.kind());
        layer.has_ends = ends.is_some();
        let slots = |graph: &mut Graph, gradient: bool| {
            let [moments, counts] = layer.slots(gradient);
            vec![
                graph.value(moments, [2 * lines, units], Scalar::F32, Class::Metrics),
                graph.value(counts, [COUNTS * lines, units], Scalar::U32, Class::Metrics),
            ]
        };
        let others = slots(graph, false);
        graph.push(Health { ends }, &layer.path, &[&[output], &others[..]].concat())?;
        if gradients {
            let others = slots(graph, true);
            let (op, path) = (Arc::new(Health { ends: None }), layer.path.clone());
            graph.watched.push(Watch { of: output, op, path, others });
        }
        layers.push(layer);
    }
    Ok(layers)
}
