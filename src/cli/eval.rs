//! `wgrad eval`

use super::args::EvalArgs;
use super::say::{self, note, say};
use super::{data_dir, open_device, setting, show};
use crate::data::{self, DataError, Dataset, Values};
use crate::error::Error;
use crate::export::{Metadata, Model};
use crate::train::{Evaluation, Predictor};
use serde_json::json;
use std::path::Path;

pub(super) fn run(args: &EvalArgs) -> Result<u8, Error> {
    let model = Model::read(&args.model)?;
    let meta = model.described()?;
    let dataset = open(args, meta)?;
    let labels = data::labels_for(&dataset, &meta.classes)?;
    check_fit(&dataset, meta, &args.data)?;
    let rows = dataset.test.clone().unwrap_or(0..dataset.rows());
    let features = meta.input.iter().product::<usize>();
    let range = rows.start * features..rows.end * features;
    let inputs = match &dataset.values {
        Values::Bytes(bytes) => Values::Bytes(bytes[range].to_vec()),
        Values::Floats(floats) => Values::Floats(floats[range].to_vec()),
    };
    let device = open_device(&args.device.device)?;
    let mut predictor = Predictor::new(&model, matches!(inputs, Values::Bytes(_)), &device)?;
    let evaluation = evaluation(&predictor.logits(&inputs)?, &labels[rows.clone()]);
    let confusion = evaluation.confusion(labels[rows.clone()].iter().copied(), meta.classes.len());
    if dataset.test.is_none() && meta.trained_on.as_deref() == Some(dataset.name.as_str()) {
        note!("the model was trained on rows of {}: on new rows it will do worse than on these", dataset.name);
    }
    if args.json {
        say::json(&object(&evaluation, &confusion));
        return Ok(0);
    }
    let part = if dataset.test.is_some() { "test part of " } else { "" };
    say!("{part}{}, {} rows, on {device}", dataset.name, show::thousands(rows.len() as u64));
    summary("accuracy", &evaluation);
    show::confusion(&confusion, &meta.classes);
    Ok(0)
}

/// The rows to judge by. A table's columns are found by name, as in training whatever else it holds.
fn open(args: &EvalArgs, meta: &Metadata) -> Result<Dataset, Error> {
    let target = args.target.as_deref().or(meta.target.as_deref());
    let is_table = [".csv", ".csv.gz"].iter().any(|end| args.data.to_lowercase().ends_with(end));
    if let (Some(target), true, false) = (target, is_table, meta.columns.is_empty()) {
        return Ok(data::read_labelled(Path::new(&args.data), &meta.columns, target)?);
    }
    match data::open(&args.data, target, data_dir().as_deref()) {
        Err(DataError::TargetOfImages { name, .. }) if args.target.is_none() => {
            Err(setting(format!("{name} holds images, the model takes rows of a table")))
        }
        opened => Ok(opened?),
    }
}

/// A table's columns are found by name; everything else must have the model's number of values, and its kind.
fn check_fit(dataset: &Dataset, meta: &Metadata, source: &str) -> Result<(), Error> {
    let features = meta.input.iter().product::<usize>();
    let found = dataset.values.len() / dataset.rows();
    if dataset.largest != meta.normalize.largest {
        let (has, wants) = (dataset.largest, meta.normalize.largest);
        return Err(setting(format!("{source} has values up to {has}, the model was trained on values up to {wants}")));
    }
    if found != features || meta.columns.is_empty() != dataset.columns.is_empty() {
        let (of, wants) = (show::sizes(&dataset.shape), show::sizes(&meta.input));
        return Err(setting(format!("{source} has rows of {of} values, the model takes {wants}")));
    }
    Ok(())
}

/// Loss and answers from logits, in float64.
pub(super) fn evaluation(logits: &[Vec<f32>], labels: &[u32]) -> Evaluation {
    let mut evaluation = Evaluation { n: labels.len(), loss: 0.0, correct: 0, predictions: vec![] };
    for (row, &label) in logits.iter().zip(labels) {
        let (class, probabilities) = softmax(row);
        evaluation.loss -= log_probability(row, label as usize) / labels.len() as f64;
        evaluation.correct += usize::from(class == label as usize && probabilities[class].is_finite());
        evaluation.predictions.push(class as u32);
    }
    evaluation
}

fn log_probability(logits: &[f32], class: usize) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let z = |j: usize| f64::from(logits[j]) - f64::from(largest);
    z(class) - (0..logits.len()).map(|j| z(j).exp()).sum::<f64>().ln()
}

/// The first largest class, and the probabilities.
pub(super) fn softmax(logits: &[f32]) -> (usize, Vec<f64>) {
    let best = (0..logits.len()).fold(0, |best, j| if logits[j] > logits[best] { j } else { best });
    let exponentials: Vec<f64> = logits.iter().map(|z| (f64::from(*z) - f64::from(logits[best])).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    (best, exponentials.into_iter().map(|e| e / sum).collect())
}

/// One line: accuracy with its interval, and the loss.
pub(super) fn summary(what: &str, evaluation: &Evaluation) {
    let [low, high] = evaluation.interval().map(|share| share * 100.0);
    let (accuracy, correct, n) = (evaluation.accuracy() * 100.0, evaluation.correct, evaluation.n);
    let loss = evaluation.loss;
    say!("{what} {accuracy:.2} % ({correct} of {n}; 95 % interval {low:.2} to {high:.2}), loss {loss:.4}");
}

pub(super) fn object(evaluation: &Evaluation, confusion: &[Vec<usize>]) -> serde_json::Value {
    json!({
        "n": evaluation.n,
        "loss": evaluation.loss,
        "accuracy": evaluation.accuracy(),
        "interval": evaluation.interval(),
        "confusion": confusion,
    })
}
