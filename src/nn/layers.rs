//! The layers: how each is read, what tensors it has, and the operations it is made of.

use super::init::Init;
use super::network::{Builder, Layer, Start};
use super::notation::{LayerText, nearest};
use crate::graph::ValueId;
use crate::op::Class;
use crate::ops::{batch_norm::BatchNorm, dropout::Dropout, matmul::Matmul, relu::Relu};
use crate::shape::ShapeError;

/// Reads the layer that a text names.
type Read = fn(&LayerText) -> Result<Box<dyn Layer>, String>;

/// All kinds of layers. A new one is one line here.
const KINDS: &[(&str, Read)] = &[
    ("linear", Linear::read),
    ("batch_norm", Normalization::read),
    ("relu", Rectifier::read),
    ("dropout", Drop::read),
];

/// The layer of a text.
pub(super) fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
    match KINDS.iter().find(|(kind, _)| *kind == text.kind) {
        Some((_, read)) => read(text),
        None => {
            let known: Vec<&str> = KINDS.iter().map(|&(kind, _)| kind).collect();
            Err(format!("there is no layer {:?}; {}", text.kind, nearest(&text.kind, &known)))
        }
    }
}

/// `linear 256 bias=true`: y = x Wᵀ + b over all elements of a row.
#[derive(Clone, Debug)]
struct Linear {
    outputs: Option<usize>,
    bias: bool,
}

impl Linear {
    fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
        text.allow(1, &["bias"])?;
        let outputs = text.value::<usize>(0, "the number of outputs")?;
        if outputs == Some(0) {
            return Err("the number of outputs must be at least 1".into());
        }
        Ok(Box::new(Self { outputs, bias: text.key("bias", true)? }))
    }
}

impl Layer for Linear {
    fn complete(&self, text: &mut LayerText, classes: usize) -> Option<Box<dyn Layer>> {
        if self.outputs.is_some() {
            return None;
        }
        text.values.push(classes.to_string());
        Some(Box::new(Self { outputs: Some(classes), ..self.clone() }))
    }

    fn outputs(&self) -> Option<usize> {
        self.outputs
    }

    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        let inputs = b.shape(x).width();
        let outputs = self
            .outputs
            .ok_or_else(|| ShapeError::new("only the last linear may leave the number of outputs out").at(b.path()))?;
        let init = b.init();
        let weight = b.tensor("weight", &[outputs, inputs], Class::Parameters, Start::Weights(init));
        let mut wires = vec![x, weight];
        if self.bias {
            wires.push(b.tensor("bias", &[outputs], Class::Parameters, Start::Value(0.0)));
        }
        b.push(Matmul { relu: false }, &wires)
    }

    fn is_weighted(&self) -> bool {
        true
    }
}

/// `batch_norm eps=1e-5 momentum=0.1`
#[derive(Clone, Debug)]
struct Normalization {
    eps: f64,
    momentum: f64,
}

impl Normalization {
    fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
        text.allow(0, &["eps", "momentum"])?;
        let layer = Self { eps: text.key("eps", 1e-5)?, momentum: text.key("momentum", 0.1)? };
        let eps = layer.eps as f32;
        if !(eps > 0.0 && eps.is_normal()) {
            return Err(format!("eps must be a 32-bit number of more than 0, not {:e}", layer.eps));
        }
        if !(0.0..=1.0).contains(&layer.momentum) {
            return Err(format!("momentum must be from 0 to 1, not {}", layer.momentum));
        }
        Ok(Box::new(layer))
    }
}

impl Layer for Normalization {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        let features = b.shape(x).0.get(1).copied().unwrap_or(1);
        let mut tensor = |name, class, value| b.tensor(name, &[features], class, Start::Value(value));
        let wires = [
            x,
            tensor("weight", Class::Parameters, 1.0),
            tensor("bias", Class::Parameters, 0.0),
            tensor("running_mean", Class::State, 0.0),
            tensor("running_var", Class::State, 1.0),
        ];
        b.counts_batches();
        b.push(BatchNorm { eps: self.eps, momentum: self.momentum, training: b.is_training() }, &wires)
    }

    fn needs_two_rows(&self) -> bool {
        true
    }
}

/// `relu`
#[derive(Clone, Debug)]
struct Rectifier;

impl Rectifier {
    fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
        text.allow(0, &[])?;
        Ok(Box::new(Self))
    }
}

impl Layer for Rectifier {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        b.push(Relu, &[x])
    }

    fn init_before(&self) -> Option<Init> {
        Some(Init::He)
    }
}

/// `dropout 0.5`: the value is the probability to drop.
#[derive(Clone, Debug)]
struct Drop {
    p: f64,
}

impl Drop {
    fn read(text: &LayerText) -> Result<Box<dyn Layer>, String> {
        text.allow(1, &[])?;
        let p = text.value(0, "the probability to drop")?.unwrap_or(0.5);
        if !(0.0..1.0).contains(&(p as f32)) || p < 0.0 {
            return Err(format!("the probability to drop must be a 32-bit number from 0 to less than 1, not {p}"));
        }
        Ok(Box::new(Self { p }))
    }
}

impl Layer for Drop {
    fn build(&self, b: &mut Builder<'_>, x: ValueId) -> Result<ValueId, ShapeError> {
        if !b.is_training() {
            return Ok(x);
        }
        b.push(Dropout { p: self.p, layer: b.index() as u32, seed: b.seed() }, &[x])
    }
}
