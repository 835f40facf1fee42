//! A golden file and its bounds.

use crate::support::job::Tensor;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use wgrad::kernel::Scalar;
use wgrad::op::Value as Setting;
use wgrad::ops::activation::functions;
use wgrad::ops::optimizers;
use wgrad::shape::{Shape, channels_last};

/// Activations and their like, whose bounds are those of each element; the others add many up.
const OF_ONE_ELEMENT: [&str; 2] = ["maxout", "prelu"];

/// Whether each element has a bound of its own: it is computed of one element, as those of all optimisers.
fn is_of_one_element(op: &str) -> bool {
    OF_ONE_ELEMENT.contains(&op)
        || functions().any(|function| function.name == op)
        || optimizers().any(|kind| kind.name == op)
}

/// One file.
#[derive(Clone)]
pub struct Golden {
    pub name: String,
    pub op: String,
    pub params: Map<String, Value>,
    pub f32_error: Map<String, Value>,
    pub tensors: BTreeMap<String, Tensor>,
}

/// Images and the weights of convolutions as plans have them: with the channels last.
fn in_plan(tensor: Tensor) -> Tensor {
    let [n, channels, height, width] = tensor.shape.0[..] else { return tensor };
    let values = channels_last(&tensor.values, height * width, channels);
    Tensor { shape: [n, height, width, channels].into(), values, ..tensor }
}

impl Golden {
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let failed = |what: &dyn std::fmt::Display| format!("{name}: {what}");
        let bytes = std::fs::read(path).map_err(|e| failed(&e))?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| failed(&e))?;
        let case = metadata.metadata().as_ref().and_then(|m| m.get("case")).ok_or_else(|| failed(&"no case"))?;
        let case: Value = serde_json::from_str(case).map_err(|e| failed(&e))?;
        let map = |key: &str| case[key].as_object().cloned().unwrap_or_default();
        let op = case["op"].as_str().ok_or_else(|| failed(&"no op"))?.to_owned();
        let mut tensors = BTreeMap::new();
        for (key, view) in SafeTensors::deserialize(&bytes).map_err(|e| failed(&e))?.tensors() {
            let words = view.data();
            let (scalar, values) = match view.dtype() {
                Dtype::F64 => (Scalar::F32, words.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()),
                Dtype::F32 => {
                    (Scalar::F32, words.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b).into()).collect())
                }
                Dtype::I32 => {
                    (Scalar::U32, words.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b).into()).collect())
                }
                other => return Err(failed(&format!("{key} holds {other:?}"))),
            };
            tensors.insert(key, in_plan(Tensor { shape: Shape(view.shape().to_vec()), scalar, values }));
        }
        Ok(Self { op, params: map("params"), f32_error: map("f32_error"), tensors, name: name.clone() })
    }

    pub fn input(&self, key: &str) -> Result<Tensor, String> {
        self.tensors.get(key).cloned().ok_or_else(|| format!("{key} is missing"))
    }

    pub fn expected(&self) -> impl Iterator<Item = (&String, &Tensor)> {
        self.tensors.iter().filter(|(key, _)| key.starts_with("out.") || key.starts_with("grad."))
    }

    pub fn has_gradients(&self) -> bool {
        self.tensors.keys().any(|key| key.starts_with("grad."))
    }

    pub fn number(&self, key: &str, default: f64) -> f64 {
        self.params.get(key).map_or(default, |value| value.as_f64().unwrap_or(f64::NAN))
    }

    pub fn flag(&self, key: &str, default: bool) -> Result<bool, String> {
        self.params.get(key).map_or(Ok(default), |value| value.as_bool().ok_or_else(|| format!("{key} is {value}")))
    }

    /// A setting that is not read would make a wrong check pass for a right one.
    pub fn only(&self, known: &[&str]) -> Result<(), String> {
        let unknown = self.params.keys().find(|key| !known.contains(&key.as_str()));
        unknown.map_or(Ok(()), |key| Err(format!("the setting {key} of {} is not known here", self.op)))
    }

    /// The settings of an optimiser or a loss, but for those of these names.
    pub fn settings(&self, but: &[&str]) -> Result<Vec<(&str, Setting<'_>)>, String> {
        let setting = |(key, value): (&'_ String, &'_ Value)| match value {
            Value::Number(number) => Ok(Setting::Number(number.as_f64().unwrap_or(f64::NAN))),
            Value::Bool(flag) => Ok(Setting::Flag(*flag)),
            other => Err(format!("{key} is {other}")),
        };
        let own = self.params.iter().filter(|(key, _)| !but.contains(&key.as_str()));
        own.map(|(key, value)| {
            let value = value.as_str().map_or_else(|| setting((key, value)), |word| Ok(Setting::Word(word)))?;
            Ok((key.as_str(), value))
        })
        .collect()
    }

    /// How far each element of an expected tensor may be off.
    pub fn bounds(&self, key: &str, device: bool) -> Vec<f64> {
        let expected = &self.tensors[key];
        let of_one_element = is_of_one_element(&self.op);
        let (largest, share) = (expected.largest(), if device { 3.0 } else { 1.0 });
        let error = self.f32_error.get(key).and_then(Value::as_f64);
        let bound = |value: &f64| {
            let size = if of_one_element { value.abs() } else { largest };
            share * error.map_or(1e-5 * largest, |error| (10.0 * error).max(2e-6 * size).max(1e-6))
        };
        expected.values.iter().map(bound).collect()
    }
}
