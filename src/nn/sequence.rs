//! Layers in sequence: all of a network, or what is inside of a residual block.

use super::init::Init;
use super::layer::{Builder, Layer, Place};
use super::notation::LayerText;
use crate::graph::ValueId;
use crate::shape::ShapeError;
use std::ops::Range;

/// Makes the layer that a text names.
pub(super) type Read = fn(&LayerText) -> Result<Box<dyn Layer>, String>;

/// Layers in sequence, with their texts.
#[derive(Debug)]
pub(super) struct Sequence {
    pub(super) texts: Vec<LayerText>,
    layers: Vec<Box<dyn Layer>>,
}

impl Sequence {
    /// Reads layers, each by `read`. An error comes with the index of the layer that it is of.
    pub(super) fn read(
        texts: impl IntoIterator<Item = Result<LayerText, String>>,
        read: Read,
    ) -> Result<Self, (usize, String)> {
        let mut all = Self { texts: vec![], layers: vec![] };
        for (index, text) in texts.into_iter().enumerate() {
            let text = text.map_err(|what| (index, what))?;
            all.layers.push(read(&text).map_err(|what| (index, what))?);
            all.texts.push(text);
        }
        Ok(all)
    }

    /// Gives the last layer that has weights its number of outputs, if it leaves it out.
    pub(super) fn complete(&mut self, outputs: usize) {
        if let Some(last) = self.last_weighted()
            && let Some(layer) = self.layers[last].complete(&mut self.texts[last], outputs)
        {
            self.layers[last] = layer;
        }
    }

    /// The index of the last layer that has weights.
    pub(super) fn last_weighted(&self) -> Option<usize> {
        self.layers.iter().rposition(|layer| layer.is_weighted())
    }

    /// Where a layer stands; `prefix` is what stands before its index, as in `4.body.`.
    pub(super) fn place(&self, prefix: &str, index: usize) -> Place {
        let path = format!("{prefix}{index}.{}", self.texts[index].kind);
        Place { index: format!("{prefix}{index}"), path }
    }

    /// Whether one of them has weights.
    pub(super) fn is_weighted(&self) -> bool {
        self.layers.iter().any(|layer| layer.is_weighted())
    }

    /// As [`Layer::sees_images`], of the first layer to which it is not the same.
    pub(super) fn sees_images(&self) -> Option<bool> {
        self.layers.iter().find_map(|layer| layer.sees_images())
    }

    /// Whether training drops anything.
    pub(super) fn drops(&self) -> bool {
        self.layers.iter().any(|layer| layer.drops())
    }

    /// Adds some of the layers to a graph after `x`, and tells what each gives.
    pub(super) fn build(
        &self,
        range: Range<usize>,
        prefix: &str,
        b: &mut Builder<'_>,
        x: ValueId,
    ) -> Result<Vec<ValueId>, ShapeError> {
        let (mut last, mut outputs) = (x, vec![]);
        let inits = self.inits(b.init_of_run);
        for (index, (layer, init)) in self.layers.iter().zip(inits).enumerate().take(range.end).skip(range.start) {
            last = layer.build(&mut b.at(self.place(prefix, index), init), last)?;
            outputs.push(last);
        }
        Ok(outputs)
    }

    /// For each layer what the activation after it wants, and Xavier's before none, unless the run says otherwise.
    fn inits(&self, of_run: Option<Init>) -> Vec<Init> {
        let (mut inits, mut wanted) = (vec![Init::Xavier; self.layers.len()], None);
        for (init, layer) in inits.iter_mut().zip(&self.layers).rev() {
            *init = of_run.or(wanted).unwrap_or(Init::Xavier);
            wanted = if layer.is_weighted() { None } else { layer.init_before().or(wanted) };
        }
        inits
    }
}
