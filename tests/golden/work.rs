//! How the operations of the golden files are computed here.

use crate::file::{Golden, Tensor};
use crate::job::{Job, Ran, Subject, floats};
use wgrad::kernel::Scalar;
use wgrad::ops::batch_norm::BatchNorm;
use wgrad::ops::cross_entropy::CrossEntropy;
use wgrad::ops::matmul::Matmul;
use wgrad::ops::metrics::Metrics;
use wgrad::ops::relu::Relu;
use wgrad::ops::sgd::{Decay, Sgd};

/// A function with its name.
type Through = (&'static str, fn(f64) -> f64);

/// What a subject made of an expected tensor.
pub struct Got {
    pub key: &'static str,
    pub values: Vec<f64>,
    /// What is done to the expected values first, with its name.
    pub through: Option<Through>,
}

fn got(key: &'static str, words: &[u32]) -> Got {
    Got { key, values: floats(words), through: None }
}

/// Names gradients, which come in the order of the inputs.
fn with_gradients(mut all: Vec<Got>, keys: &[&'static str], ran: &Ran) -> Vec<Got> {
    all.extend(keys.iter().zip(&ran.gradients).map(|(key, words)| got(key, words)));
    all
}

fn linear(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    g.only(&["bias"])?;
    let mut inputs = vec![g.input("in.x")?, g.input("in.weight")?];
    if g.flag("bias", true)? {
        inputs.extend(g.tensors.get("in.bias").cloned());
    }
    let (up, backward) = (g.tensors.get("up.y"), g.has_gradients());
    let plain = Job { op: &Matmul { relu: false }, inputs: &inputs, up, backward, rate: 0.0 }.run(subject)?;
    let keys = ["grad.x", "grad.weight", "grad.bias"];
    let mut all = with_gradients(vec![got("out.y", &plain.outputs[0])], &keys, &plain);
    if inputs.len() == 3 {
        let fused = Job { op: &Matmul { relu: true }, inputs: &inputs, up: None, backward: false, rate: 0.0 };
        let relu: fn(f64) -> f64 = |y| if y < 0.0 { 0.0 } else { y };
        all.push(Got { through: Some(("ReLU", relu)), ..got("out.y", &fused.run(subject)?.outputs[0]) });
    }
    Ok(all)
}

fn relu(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    g.only(&[])?;
    let job = Job {
        op: &Relu,
        inputs: &[g.input("in.x")?],
        up: g.tensors.get("up.y"),
        backward: g.has_gradients(),
        rate: 0.0,
    };
    let ran = job.run(subject)?;
    Ok(with_gradients(vec![got("out.y", &ran.outputs[0])], &["grad.x"], &ran))
}

fn batch_norm(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    g.only(&["training", "momentum", "eps"])?;
    let x = g.input("in.x")?;
    let affine = |key: &str, value: f64| g.tensors.get(key).cloned().unwrap_or(Tensor::new([x.shape.0[1]], value));
    let keys = [("in.gamma", 1.0), ("in.beta", 0.0), ("in.running_mean", 0.0), ("in.running_var", 1.0)];
    let inputs: Vec<Tensor> = std::iter::once(x.clone()).chain(keys.map(|(key, value)| affine(key, value))).collect();
    let (eps, momentum) = (g.number("eps", 1e-5), g.number("momentum", 0.1));
    let op = BatchNorm { eps, momentum, training: g.flag("training", true)? };
    let job = Job { op: &op, inputs: &inputs, up: g.tensors.get("up.y"), backward: g.has_gradients(), rate: 0.0 };
    let ran = job.run(subject)?;
    let all = vec![
        got("out.y", &ran.outputs[0]),
        got("out.running_mean", &ran.inputs[3]),
        got("out.running_var", &ran.inputs[4]),
    ];
    Ok(with_gradients(all, &["grad.x", "grad.gamma", "grad.beta"], &ran))
}

fn cross_entropy(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    g.only(&["label_smoothing"])?;
    let op = CrossEntropy { label_smoothing: g.number("label_smoothing", 0.0) };
    let inputs = [g.input("in.logits")?, g.input("in.labels")?];
    let ran = Job { op: &op, inputs: &inputs, up: None, backward: g.has_gradients(), rate: 0.0 }.run(subject)?;
    let rows = inputs[0].shape.rows();
    let losses = floats(&ran.outputs[0]);
    let corrects = Tensor {
        scalar: Scalar::U32,
        values: ran.outputs[1].iter().map(|w| f64::from(*w)).collect(),
        shape: [rows].into(),
    };
    let row_loss = Tensor { values: losses.clone(), ..Tensor::new([rows], 0.0) };
    let lines = [row_loss, corrects, Tensor::new([1], 0.0), Tensor::new([1], 0.0)];
    let metrics = Job { op: &Metrics { halt: true }, inputs: &lines, up: None, backward: false, rate: 0.0 };
    let mean = losses.iter().sum::<f64>() / rows as f64;
    let all = vec![
        Got { values: vec![mean], ..got("out.loss", &[]) },
        Got { through: Some(("metrics", |loss| loss)), ..got("out.loss", &metrics.run(subject)?.inputs[2]) },
        got("out.probabilities", &ran.saved[0]),
    ];
    Ok(with_gradients(all, &["grad.logits"], &ran))
}

fn sgd(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    g.only(&["lr", "momentum", "weight_decay", "decay", "nesterov"])?;
    let decay = match g.params.get("decay").map(|d| d.as_str().unwrap_or_default()) {
        None | Some("l2") => Decay::L2,
        Some("decoupled") => Decay::Decoupled,
        Some(other) => return Err(format!("no decay is called {other:?}")),
    };
    let (momentum, weight_decay) = (g.number("momentum", 0.0), g.number("weight_decay", 0.0));
    let op = Sgd { momentum, weight_decay, decay, nesterov: g.flag("nesterov", false)? };
    let (gradients, mut parameter) = (g.input("in.gradients")?, g.input("in.parameter")?);
    let mut velocity = Tensor::new(parameter.shape.clone(), 0.0);
    let mut all = vec![];
    for row in gradients.values.chunks(parameter.values.len()) {
        let row = Tensor { values: row.to_vec(), ..parameter.clone() };
        let inputs = [row, parameter.clone(), velocity.clone()];
        let rate = g.number("lr", f64::NAN);
        let ran = Job { op: &op, inputs: &inputs, up: None, backward: false, rate }.run(subject)?;
        (parameter.values, velocity.values) = (floats(&ran.inputs[1]), floats(&ran.inputs[2]));
        all.extend(&parameter.values);
    }
    Ok(vec![Got { values: all, ..got("out.parameters", &[]) }])
}

/// Everything that a file expects, as a subject computes it.
pub fn compute(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    match g.op.as_str() {
        "linear" => linear(g, subject),
        "relu" => relu(g, subject),
        "batch_norm" => batch_norm(g, subject),
        "softmax_cross_entropy" => cross_entropy(g, subject),
        "sgd" => sgd(g, subject),
        other => Err(format!("the operation {other} is not known here")),
    }
}
