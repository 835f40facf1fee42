//! Weights of a `torch.nn.Sequential`, made by `tests/pytorch/sequential.py`: the same outputs here.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use safetensors::{Dtype, SafeTensors};
use std::path::{Path, PathBuf};
use wgrad::data::{Affine, Encoding, Values};
use wgrad::export::{Metadata, Model, Normalization, fold};
use wgrad::kernel::Precision;
use wgrad::nn::Answer;
use wgrad::train::{Device, Predictor};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pytorch").join(name)
}

/// Layers, inputs and PyTorch's float64 outputs.
fn expected() -> (Vec<String>, Vec<f32>, Vec<f64>) {
    let bytes = std::fs::read(file("mixed_io.safetensors")).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let layers = serde_json::from_str(&header.metadata().as_ref().unwrap()["layers"]).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let (x, y) = (tensors.tensor("x").unwrap(), tensors.tensor("y").unwrap());
    assert_eq!((x.dtype(), y.dtype()), (Dtype::F32, Dtype::F64));
    let x = x.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    (layers, x, y.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect())
}

/// The file of PyTorch, and what it does not say of itself.
fn model(layers: Vec<String>) -> Model {
    let metadata = Metadata {
        pictures: None,
        version: Metadata::VERSION,
        layers,
        input: vec![12],
        answer: Answer::Class,
        loss: "cross_entropy".into(),
        loss_settings: std::collections::BTreeMap::new(),
        classes: (0..5).map(|class| class.to_string()).collect(),
        encoding: Encoding::default(),
        target: None,
        dialect: None,
        target_scale: None,
        trained_on: None,
        precision: Precision::F32,
        normalize: Normalization::new("none".into(), 0.0, &Affine::none(12)),
        best: None,
        progress: None,
        fingerprint: None,
    };
    Model { metadata: Some(metadata), ..Model::read(&file("mixed.safetensors")).unwrap() }
}

fn outputs(model: &Model, inputs: &[f32], device: &Device) -> Vec<f32> {
    let mut predictor = Predictor::new(model, false, None, device).unwrap();
    predictor.outputs(&Values::Floats(inputs.to_vec())).unwrap()
}

/// The largest difference, as a share of the largest output.
fn distance(got: &[f32], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let gap = |(g, w): (&f32, &f64)| if g.is_nan() { f64::INFINITY } else { (f64::from(*g) - w).abs() };
    got.iter().zip(want).map(gap).fold(0.0, f64::max) / want.iter().fold(0.0, |m: f64, w| m.max(w.abs()))
}

fn devices() -> Vec<Device> {
    std::iter::once(Device::Cpu { why: None }).chain(support::gpu().map(Device::Gpu)).collect()
}

#[test]
fn weights_of_pytorch_give_its_outputs() {
    let (layers, inputs, want) = expected();
    for device in devices() {
        let error = distance(&outputs(&model(layers.clone()), &inputs, &device), &want);
        assert!(error < 1e-5, "{device}: {error:e}");
    }
}

/// With every batch norm folded away the outputs are the same, and a wrong weight is seen.
#[test]
fn batch_norm_folds_into_the_layer_before() {
    let (layers, inputs, want) = expected();
    let folded = fold(&model(layers.clone())).unwrap();
    assert_eq!(folded.folded, ["1.batch_norm"]);
    assert_eq!(folded.left, ["5.batch_norm"]);
    assert!(!folded.model.tensors.contains_key("1.running_mean"));
    for device in devices() {
        let unfolded = outputs(&model(layers.clone()), &inputs, &device);
        let unfolded: Vec<f64> = unfolded.into_iter().map(f64::from).collect();
        let got = outputs(&folded.model, &inputs, &device);
        assert!(distance(&got, &unfolded) < 1e-5 && distance(&got, &want) < 1e-5, "{device}");
    }
    let mut wrong = folded.model;
    let Some(wgrad::export::Values::Floats(_, bias)) = wrong.tensors.get_mut("0.bias") else { panic!("no bias") };
    bias[3] += 1e-2;
    assert!(distance(&outputs(&wrong, &inputs, &Device::Cpu { why: None }), &want) > 1e-5);
}
