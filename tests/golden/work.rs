//! How the operations of the golden files are computed here.

use crate::file::Golden;
use crate::support::job::{Job, Ran, Subject, Tensor, floats};
use wgrad::kernel::Scalar;
use wgrad::nn::{Answer, Loss, Problem, Weighing};
use wgrad::op::window::Window;
use wgrad::op::{Op, OptimizerKind, Value, configure};
use wgrad::ops::activation::{Activation, functions};
use wgrad::ops::avg_pool::AvgPool;
use wgrad::ops::batch_norm::{BatchNorm, Statistics};
use wgrad::ops::binary_cross_entropy::BinaryCrossEntropy;
use wgrad::ops::conv::Conv;
use wgrad::ops::cross_entropy::CrossEntropy;
use wgrad::ops::global_avg_pool::GlobalAvgPool;
use wgrad::ops::matmul::Matmul;
use wgrad::ops::max_pool::MaxPool;
use wgrad::ops::maxout::Maxout;
use wgrad::ops::metrics::Metrics;
use wgrad::ops::optimizers;
use wgrad::ops::prelu::Prelu;

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
    let plain = Job { op: &Matmul { relu: false }, inputs: &inputs, up, backward, rate: 0.0, step: 0 }.run(subject)?;
    let keys = ["grad.x", "grad.weight", "grad.bias"];
    let mut all = with_gradients(vec![got("out.y", &plain.outputs[0])], &keys, &plain);
    if inputs.len() == 3 {
        let fused = Job { op: &Matmul { relu: true }, inputs: &inputs, up: None, backward: false, rate: 0.0, step: 0 };
        let relu: fn(f64) -> f64 = |y| if y < 0.0 { 0.0 } else { y };
        all.push(Got { through: Some(("ReLU", relu)), ..got("out.y", &fused.run(subject)?.outputs[0]) });
    }
    Ok(all)
}

/// An operation of one output, with gradients by its inputs.
fn plain(g: &Golden, op: &dyn Op, names: [&[&'static str]; 2], subject: &Subject) -> Result<Vec<Got>, String> {
    let [inputs, gradients] = names;
    let inputs: Vec<Tensor> = inputs.iter().map(|key| g.input(key)).collect::<Result<_, _>>()?;
    let job = Job { op, inputs: &inputs, up: g.tensors.get("up.y"), backward: g.has_gradients(), rate: 0.0, step: 0 };
    let ran = job.run(subject)?;
    Ok(with_gradients(vec![got("out.y", &ran.outputs[0])], gradients, &ran))
}

fn activation(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    let (known, parameter): (&[&str], _) = match g.op.as_str() {
        "leaky_relu" => (&["slope"], Some(g.number("slope", 0.01))),
        "elu" => (&["alpha"], Some(g.number("alpha", 1.0))),
        "gelu" => (&["approximate"], None),
        _ => (&[], None),
    };
    let op = Activation::named(&g.op, parameter).ok_or_else(|| format!("there is no function {}", g.op))?;
    g.only(known)?;
    match g.params.get("approximate").map(|form| form.as_str().unwrap_or_default()) {
        None | Some("none") => plain(g, &op, [&["in.x"], &["grad.x"]], subject),
        Some(other) => Err(format!("no gelu is approximated by {other:?}")),
    }
}

fn prelu(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    g.only(&[])?;
    plain(g, &Prelu, [&["in.x", "in.alpha"], &["grad.x", "grad.alpha"]], subject)
}

fn maxout(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    g.only(&["pieces"])?;
    plain(g, &Maxout { pieces: g.number("pieces", 2.0) as usize }, [&["in.x"], &["grad.x"]], subject)
}

/// A window from the settings of a file.
fn window(g: &Golden, kernel: usize, stride: usize) -> Result<Window, String> {
    let size = |key: &str, default: usize| g.number(key, default as f64) as usize;
    let (stride, padding, dilation) = (size("stride", stride), size("padding", 0), size("dilation", 1));
    Ok(Window { kernel, stride, padding, dilation, ceil: g.flag("ceil_mode", false)? })
}

fn conv(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    g.only(&["stride", "padding", "dilation"])?;
    let op = Conv { window: window(g, g.input("in.weight")?.shape.0[1], 1)? };
    let with_bias = ["in.x", "in.weight", "in.bias"];
    let names = if g.tensors.contains_key("in.bias") { &with_bias[..] } else { &with_bias[..2] };
    plain(g, &op, [names, &["grad.x", "grad.weight", "grad.bias"]], subject)
}

fn pool(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    let names: [&[&'static str]; 2] = [&["in.x"], &["grad.x"]];
    let kernel = g.number("kernel", 2.0) as usize;
    g.only(&["kernel", "stride", "padding", "ceil_mode"])?;
    match g.op.as_str() {
        "max_pool" => plain(g, &MaxPool { window: window(g, kernel, kernel)? }, names, subject),
        "avg_pool" => plain(g, &AvgPool { window: window(g, kernel, kernel)? }, names, subject),
        _ => plain(g, &GlobalAvgPool, names, subject),
    }
}

fn batch_norm(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    g.only(&["training", "momentum", "eps"])?;
    let x = g.input("in.x")?;
    let affine =
        |key: &str, value: f64| g.tensors.get(key).cloned().unwrap_or(Tensor::new([x.shape.features()], value));
    let keys = [("in.gamma", 1.0), ("in.beta", 0.0), ("in.running_mean", 0.0), ("in.running_var", 1.0)];
    let inputs: Vec<Tensor> = std::iter::once(x.clone()).chain(keys.map(|(key, value)| affine(key, value))).collect();
    let (eps, momentum) = (g.number("eps", 1e-5), g.number("momentum", 0.1));
    let statistics = if g.flag("training", true)? { Statistics::Batch } else { Statistics::Given };
    let op = BatchNorm { eps, momentum, statistics };
    let job =
        Job { op: &op, inputs: &inputs, up: g.tensors.get("up.y"), backward: g.has_gradients(), rate: 0.0, step: 0 };
    let ran = job.run(subject)?;
    let all = vec![
        got("out.y", &ran.outputs[0]),
        got("out.running_mean", &ran.inputs[3]),
        got("out.running_var", &ran.inputs[4]),
    ];
    Ok(with_gradients(all, &["grad.x", "grad.gamma", "grad.beta"], &ran))
}

/// Algorithm 2: one step for each mini-batch.
fn batch_norm_population(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    g.only(&["batch"])?;
    let batches = g.input("in.batches")?;
    let [count, rows, features] = batches.shape.0[..] else { return Err("in.batches has not three sizes".into()) };
    let op = BatchNorm { eps: 1e-5, momentum: 0.1, statistics: Statistics::Population };
    let (mut mean, mut var) = (Tensor::new([features], f64::NAN), Tensor::new([features], f64::NAN));
    for index in 0..count {
        let values = batches.values[index * rows * features..][..rows * features].to_vec();
        let x = Tensor { values, ..Tensor::new([rows, features], 0.0) };
        let inputs = [x, Tensor::new([features], 1.0), Tensor::new([features], 0.0), mean.clone(), var.clone()];
        let job = Job { op: &op, inputs: &inputs, up: None, backward: false, rate: 0.0, step: 0 };
        let ran = job.run_at(index as u32, subject)?;
        (mean.values, var.values) = (floats(&ran.inputs[3]), floats(&ran.inputs[4]));
    }
    Ok(vec![Got { values: mean.values, ..got("out.mean", &[]) }, Got { values: var.values, ..got("out.var", &[]) }])
}

/// A loss: the mean of its rows, also through the kernel that takes it, and the gradient.
fn loss(
    op: &dyn Op,
    inputs: &[Tensor],
    gradient: &'static str,
    (g, subject): (&Golden, &Subject),
) -> Result<(Vec<Got>, Ran), String> {
    let ran = Job { op, inputs, up: None, backward: g.has_gradients(), rate: 0.0, step: 0 }.run(subject)?;
    let rows = inputs[0].shape.rows();
    let losses = floats(&ran.outputs[0]);
    let corrects = Tensor {
        scalar: Scalar::U32,
        values: ran.outputs[1].iter().map(|w| f64::from(*w)).collect(),
        shape: [rows].into(),
    };
    let row_loss = Tensor { values: losses.clone(), ..Tensor::new([rows], 0.0) };
    let lines = [row_loss, corrects, Tensor::new([1], 0.0), Tensor::new([1], 0.0)];
    let metrics = Job { op: &Metrics, inputs: &lines, up: None, backward: false, rate: 0.0, step: 0 };
    let mean = losses.iter().sum::<f64>() / rows as f64;
    let all = vec![
        Got { values: vec![mean], ..got("out.loss", &[]) },
        Got { through: Some(("metrics", |loss| loss)), ..got("out.loss", &metrics.run(subject)?.inputs[2]) },
    ];
    Ok((with_gradients(all, &[gradient], &ran), ran))
}

fn cross_entropy(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    g.only(&["label_smoothing"])?;
    let op = CrossEntropy { label_smoothing: g.number("label_smoothing", 0.0) };
    let logits = g.input("in.logits")?;
    let weights = Tensor::new([logits.shape.width()], 1.0);
    let (mut all, ran) = loss(&op, &[logits, g.input("in.labels")?, weights], "grad.logits", (g, subject))?;
    all.push(got("out.probabilities", &ran.saved[0]));
    Ok(all)
}

fn binary_cross_entropy(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    g.only(&[])?;
    let inputs = [g.input("in.logits")?, g.input("in.targets")?, Tensor::new([2], 1.0)];
    Ok(loss(&BinaryCrossEntropy, &inputs, "grad.logits", (g, subject))?.0)
}

/// A loss that compares numbers.
fn of_numbers(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    let inputs = [g.input("in.prediction")?, g.input("in.target")?];
    let op = Loss::read(&g.op, &g.settings(&[])?)?.op(0.0);
    let (mut all, _) = loss(&*op, &inputs, "grad.prediction", (g, subject))?;
    all.push(Got { values: vec![on_the_host(g, inputs)?], through: Some(("the host", |loss| loss)), key: "out.loss" });
    Ok(all)
}

/// The mean loss as evaluation takes it.
fn on_the_host(g: &Golden, [prediction, target]: [Tensor; 2]) -> Result<f64, String> {
    let loss = Loss::read(&g.op, &g.settings(&[])?)?;
    let (width, rows) = (prediction.shape.width(), prediction.shape.rows());
    let problem = Problem { answer: Answer::Numbers, loss, names: vec![String::new(); width] };
    let [prediction, target] = [prediction, target].map(|t| t.values.iter().map(|&v| v as f32).collect::<Vec<_>>());
    let of_row = |(outputs, right)| problem.loss_of_numbers(outputs, right, &Weighing::default());
    Ok(prediction.chunks(width).zip(target.chunks(width)).map(of_row).sum::<f64>() / rows as f64)
}

/// An optimiser with PyTorch's defaults: no momentum, and no weight decay but adamw's.
fn optimizer(g: &Golden, subject: &Subject, kind: &'static OptimizerKind) -> Result<Vec<Got>, String> {
    let mut given = g.settings(&["lr", "weight_decay"])?;
    if kind.name == "sgd" && !g.params.contains_key("momentum") {
        given.push(("momentum", Value::Number(0.0)));
    }
    let all = optimizers().map(|kind| (kind.name, kind.settings));
    let values = configure(("optimizer", kind.name), kind.settings, all, &given)?;
    (kind.check)(&values)?;
    let weight_decay = g.number("weight_decay", if kind.name == "adamw" { 0.01 } else { 0.0 });
    updates(g, subject, &*(kind.op)(&values, weight_decay, 1.0), kind.states.len())
}

/// The parameters after each of the updates, with states that start at 0.
fn updates(g: &Golden, subject: &Subject, op: &dyn Op, states: usize) -> Result<Vec<Got>, String> {
    let (gradients, parameter) = (g.input("in.gradients")?, g.input("in.parameter")?);
    let zero = Tensor::new(parameter.shape.clone(), 0.0);
    let mut moved = vec![parameter.clone()];
    moved.resize(1 + states, zero);
    let (mut all, rate) = (vec![], g.number("lr", f64::NAN));
    for (step, row) in gradients.values.chunks(parameter.values.len()).enumerate() {
        let row = Tensor { values: row.to_vec(), ..parameter.clone() };
        let inputs: Vec<Tensor> = std::iter::once(row).chain(moved.iter().cloned()).collect();
        let job = Job { op, inputs: &inputs, up: None, backward: false, rate, step: step as u32 };
        let ran = job.run(subject)?;
        moved.iter_mut().zip(&ran.inputs[1..]).for_each(|(tensor, words)| tensor.values = floats(words));
        all.extend(&moved[0].values);
    }
    Ok(vec![Got { values: all, ..got("out.parameters", &[]) }])
}

/// Everything that a file expects, as a subject computes it.
pub fn compute(g: &Golden, subject: &Subject) -> Result<Vec<Got>, String> {
    match g.op.as_str() {
        "linear" => linear(g, subject),
        name if functions().any(|function| function.name == name) => activation(g, subject),
        "prelu" => prelu(g, subject),
        "maxout" => maxout(g, subject),
        "conv2d" => conv(g, subject),
        "max_pool" | "avg_pool" | "global_avg_pool" => pool(g, subject),
        "batch_norm" => batch_norm(g, subject),
        "batch_norm_population" => batch_norm_population(g, subject),
        "binary_cross_entropy" => binary_cross_entropy(g, subject),
        "huber" | "mse" => of_numbers(g, subject),
        "softmax_cross_entropy" => cross_entropy(g, subject),
        other => match optimizers().find(|kind| kind.name == other) {
            Some(kind) => optimizer(g, subject, kind),
            None => Err(format!("the operation {other} is not known here")),
        },
    }
}
