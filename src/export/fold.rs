//! Batch norm folded into the layer before it: one affine map after another is one affine map.
//!
//! With y = W x + b and then (y − μ) / √(σ² + ε) · γ + β at inference, s = γ / √(σ² + ε) gives W′ = s W (row by row) and
//! b′ = s (b − μ) + β. Source: Ioffe & Szegedy 2015, section 3.1, last paragraph.

use super::model::{Metadata, Model, ModelError};
use super::tensors::Values;
use crate::nn::LayerText;
use std::collections::BTreeMap;

/// A model without the batch norms that could be folded.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// The same function of its inputs, but for rounding.
    pub model: Model,
    /// Layers of the old network that are gone, as in `1.batch_norm`.
    pub folded: Vec<String>,
    /// Batch norms that stay, because no linear stands right before them.
    pub left: Vec<String>,
}

/// Folds every batch norm that stands right after a linear layer. What comes out is for inference: it has no running
/// statistics to train on with, and as its later layers have other numbers, dropout's masks are others too.
///
/// # Errors
/// The model describes no network, or its tensors are not that network's.
pub fn fold(model: &Model) -> Result<Folded, ModelError> {
    let meta = model.described()?;
    let broken = |what: String| ModelError::Metadata { path: model.path.clone(), what };
    let texts: Vec<LayerText> =
        meta.layers.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(broken)?;
    let (mut layers, mut tensors) = (vec![], BTreeMap::new());
    let (mut folded, mut left) = (vec![], vec![]);
    let mut index = 0;
    while index < texts.len() {
        let text = &texts[index];
        let is = |at: usize, kind: &str| texts.get(at).is_some_and(|text| text.kind == kind);
        if is(index, "linear") && is(index + 1, "batch_norm") {
            let (weight, bias) = affine(model, index, &texts[index + 1])?;
            tensors.insert(format!("{}.weight", layers.len()), weight);
            tensors.insert(format!("{}.bias", layers.len()), bias);
            folded.push(format!("{}.batch_norm", index + 1));
            layers.push(with_bias(text).to_string());
            index += 2;
            continue;
        }
        if is(index, "batch_norm") {
            left.push(format!("{index}.batch_norm"));
        }
        let own = format!("{index}.");
        for (name, values) in &model.tensors {
            if let Some(rest) = name.strip_prefix(&own) {
                tensors.insert(format!("{}.{rest}", layers.len()), values.clone());
            }
        }
        layers.push(text.to_string());
        index += 1;
    }
    let metadata = Some(Metadata { layers, best: None, progress: None, fingerprint: None, ..meta.clone() });
    Ok(Folded { model: Model { path: model.path.clone(), metadata, tensors }, folded, left })
}

/// The text of a linear that has a bias.
fn with_bias(text: &LayerText) -> LayerText {
    let mut text = text.clone();
    text.keys.retain(|(key, _)| key != "bias");
    text
}

/// Weight and bias of linear number `index` with the batch norm after it.
fn affine(model: &Model, index: usize, norm: &LayerText) -> Result<(Values, Values), ModelError> {
    let mismatch = |what: String| ModelError::Mismatch { path: model.path.clone(), what };
    let name = format!("{index}.weight");
    let Some(Values::Floats(sizes, weight)) = model.tensors.get(&name) else {
        return Err(mismatch(format!("the file has no tensor {name}")));
    };
    let [outputs, inputs] = sizes[..] else { return Err(mismatch(format!("{name} is {sizes:?} in the file"))) };
    let of_norm = |part: &str| model.floats(&format!("{}.{part}", index + 1), &[outputs]);
    let (gamma, beta, mean, var) =
        (of_norm("weight")?, of_norm("bias")?, of_norm("running_mean")?, of_norm("running_var")?);
    let eps = norm.keys.iter().find(|(key, _)| key == "eps").map_or(Ok(1e-5), |(_, value)| value.parse());
    let eps: f64 = eps.map_err(|_| mismatch(format!("{norm} has no number for eps")))?;
    let name = format!("{index}.bias");
    let before = if model.tensors.contains_key(&name) { Some(model.floats(&name, &[outputs])?) } else { None };
    let (mut scaled, mut bias) = (weight.clone(), vec![0.0; outputs]);
    for j in 0..outputs {
        let s = f64::from(gamma[j]) / (f64::from(var[j]) + eps).sqrt();
        if !s.is_finite() {
            let what = format!("{}.running_var holds {}, and {norm} cannot divide by its root", index + 1, var[j]);
            return Err(mismatch(what));
        }
        scaled[j * inputs..][..inputs].iter_mut().for_each(|w| *w = (s * f64::from(*w)) as f32);
        let b = before.map_or(0.0, |bias| f64::from(bias[j]));
        bias[j] = (s * (b - f64::from(mean[j])) + f64::from(beta[j])) as f32;
    }
    Ok((Values::Floats(sizes.clone(), scaled), Values::Floats(vec![outputs], bias)))
}
