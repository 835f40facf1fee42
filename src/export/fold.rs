//! Batch norm folded into the layer before it: one affine map after another is one affine map.
//!
//! With y = W x + b and then (y − μ) / √(σ² + ε) · γ + β at inference, s = γ / √(σ² + ε) gives W′ = s W and b′ = s (b − μ) + β,
//! output by output; the outputs of a convolution are its channels. Source: Ioffe & Szegedy 2015, section 3.1, last paragraph.

use super::metadata::Metadata;
use super::model::{Model, ModelError};
use super::tensors::Values;
use crate::nn::LayerText;
use std::collections::BTreeMap;

/// The kinds of layers that batch norm is folded into: affine maps, whose weight has the outputs as its first axis.
const AFFINE: [&str; 2] = ["linear", "conv"];

/// A model without the batch norms that could be folded.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// The same function of its inputs, but for rounding.
    pub model: Model,
    /// Layers of the old network that are gone, as in `1.batch_norm`.
    pub folded: Vec<String>,
    /// Batch norms that stay, because no linear layer or convolution stands right before them, or they are part of a shortcut.
    pub left: Vec<String>,
}

/// Folds every batch norm that stands right after a linear layer or a convolution, those inside of blocks too, but not those of
/// shortcuts. What comes out is for inference:
/// it has no running statistics to train on with, and as its later layers have other numbers, dropout's masks are others too.
///
/// # Errors
/// The model describes no network, or its tensors are not that network's.
pub fn fold(model: &Model) -> Result<Folded, ModelError> {
    let meta = model.described()?;
    let broken = |what: String| ModelError::Metadata { path: model.path.clone(), what };
    let texts: Vec<LayerText> =
        meta.layers.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(broken)?;
    let mut folder = Folder { model, tensors: BTreeMap::new(), folded: vec![], left: vec![] };
    let layers = folder.sequence(&texts, ["", ""])?.iter().map(ToString::to_string).collect();
    let Folder { tensors, folded, left, .. } = folder;
    let metadata = Some(Metadata { layers, best: None, progress: None, fingerprint: None, ..meta.clone() });
    Ok(Folded { model: Model { path: model.path.clone(), metadata, tensors }, folded, left })
}

/// What has been folded so far.
struct Folder<'a> {
    model: &'a Model,
    /// Of the new network.
    tensors: BTreeMap<String, Values>,
    folded: Vec<String>,
    left: Vec<String>,
}

impl Folder<'_> {
    /// Folds layers in sequence; `old` and `new` stand before their indices in the old and the new network, as in `4.body.`.
    fn sequence(&mut self, texts: &[LayerText], [old, new]: [&str; 2]) -> Result<Vec<LayerText>, ModelError> {
        let (mut layers, mut index) = (vec![], 0);
        while let Some(text) = texts.get(index) {
            let (from, to) = (format!("{old}{index}."), format!("{new}{}.", layers.len()));
            let next = texts.get(index + 1).filter(|next| AFFINE.contains(&&*text.kind) && next.kind == "batch_norm");
            index += 1;
            if let Some(norm) = next {
                let of_norm = format!("{old}{index}.");
                let (weight, bias) = affine(self.model, [&from, &of_norm], norm)?;
                self.tensors.extend([(format!("{to}weight"), weight), (format!("{to}bias"), bias)]);
                self.folded.push(format!("{of_norm}batch_norm"));
                layers.push(with_bias(text));
                index += 1;
                continue;
            }
            if text.kind == "batch_norm" {
                self.left.push(format!("{from}batch_norm"));
            }
            self.keep([&from, &to]);
            let body = self.sequence(&text.body, [&format!("{from}body."), &format!("{to}body.")])?;
            layers.push(LayerText { body, ..text.clone() });
        }
        Ok(layers)
    }

    /// Takes over the tensors of a layer as they are, but for those of layers inside of it; `from` stands before their names in the
    /// old network, `to` in the new one.
    fn keep(&mut self, [from, to]: [&str; 2]) {
        let own = |(name, values): (&String, &Values)| {
            let rest = name.strip_prefix(from).filter(|rest| !rest.starts_with("body."))?;
            Some((rest.to_owned(), values.clone()))
        };
        for (rest, values) in self.model.tensors.iter().filter_map(own) {
            if let Some(norm) = rest.strip_suffix(".running_var") {
                self.left.push(format!("{from}{norm}.batch_norm"));
            }
            self.tensors.insert(format!("{to}{rest}"), values);
        }
    }
}

/// The text of a layer that has a bias.
fn with_bias(text: &LayerText) -> LayerText {
    let mut text = text.clone();
    text.keys.retain(|(key, _)| key != "bias");
    text
}

/// Weight and bias of a layer with the batch norm after it; `layer` and `of_norm` stand before the names of their tensors.
fn affine(model: &Model, [layer, of_norm]: [&str; 2], norm: &LayerText) -> Result<(Values, Values), ModelError> {
    let mismatch = |what: String| ModelError::Mismatch { path: model.path.clone(), what };
    let name = format!("{layer}weight");
    let Some(Values::Floats(sizes, weight)) = model.tensors.get(&name) else {
        return Err(mismatch(format!("the file has no tensor {name}")));
    };
    let [outputs, ref each @ ..] = sizes[..] else { return Err(mismatch(format!("{name} is {sizes:?} in the file"))) };
    let inputs: usize = each.iter().product();
    let part = |part: &str| model.floats(&format!("{of_norm}{part}"), &[outputs]);
    let (gamma, beta, mean, var) = (part("weight")?, part("bias")?, part("running_mean")?, part("running_var")?);
    let eps = norm.keys.iter().find(|(key, _)| key == "eps").map_or(Ok(1e-5), |(_, value)| value.parse());
    let eps: f64 = eps.map_err(|_| mismatch(format!("{norm} has no number for eps")))?;
    let name = format!("{layer}bias");
    let before = if model.tensors.contains_key(&name) { Some(model.floats(&name, &[outputs])?) } else { None };
    let (mut scaled, mut bias) = (weight.clone(), vec![0.0; outputs]);
    for j in 0..outputs {
        let s = f64::from(gamma[j]) / (f64::from(var[j]) + eps).sqrt();
        if !s.is_finite() {
            let what = format!("{of_norm}running_var holds {}, and {norm} cannot divide by its root", var[j]);
            return Err(mismatch(what));
        }
        scaled[j * inputs..][..inputs].iter_mut().for_each(|w| *w = (s * f64::from(*w)) as f32);
        let b = before.map_or(0.0, |bias| f64::from(bias[j]));
        bias[j] = (s * (b - f64::from(mean[j])) + f64::from(beta[j])) as f32;
    }
    Ok((Values::Floats(sizes.clone(), scaled), Values::Floats(vec![outputs], bias)))
}
