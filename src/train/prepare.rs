//! From settings to a job: the data opened, split and measured, and the question that they pose.

use super::job::Job;
use super::question::question;
use super::settings::{ClassWeights, Measure, Settings};
use crate::data::{self, Dataset, Fractions, Normalize, Targets, Values};
use crate::error::Error;
use crate::nn::{Answer, Loss, Problem, TargetScale};
use std::path::Path;

/// Opens the data that settings name, splits them, and takes everything that is measured of them from the training part.
/// What the user should know of the data comes along, in sentences.
///
/// # Errors
/// The data are not there, are broken, or cannot be split so; or the settings do not fit them.
pub fn prepare(mut settings: Settings, data_dir: Option<&Path>) -> Result<(Job, Vec<String>), Error> {
    let options = data::Options { target: settings.target.as_deref(), task: settings.task, ignore: &settings.ignore };
    let opened = data::open(&settings.source, &options, data_dir)?;
    let mut notes: Vec<String> = opened.inferred.iter().cloned().collect();
    let replaced = settings.test_is_default && opened.test.is_some();
    let test = if replaced { 0.0 } else { settings.fractions.test };
    let split = data::split(&opened, Fractions { test, ..settings.fractions }, settings.seed)?;
    let (dataset, told) = opened.encode(&split.train)?;
    notes.extend(told);
    notes.extend(numbers_as_classes(&settings, &dataset));
    notes.extend(counters(&dataset));
    let learns_numbers = matches!(dataset.targets, Targets::Numbers { .. });
    let (layers, lr) = (settings.layers(learns_numbers), settings.lr(learns_numbers));
    let problem = question(&dataset.targets, &layers, settings.loss)?;
    check(&settings, &problem, split.validation.is_empty())?;
    let class_weights = class_weights(&settings, &dataset.targets, &split.train)?;
    let scale = match &dataset.targets {
        Targets::Numbers { values, names } if settings.standardize_target => {
            TargetScale::standardize(values, names.len(), &split.train)
        }
        _ => TargetScale::none(problem.names.len()),
    };
    let kind = settings.normalize.unwrap_or(if dataset.is_image() { Normalize::Scale } else { Normalize::Standardize });
    let fit = data::fit(kind, &dataset, &split.train);
    if settings.batch_is_default && settings.batch > split.train.len() {
        settings.batch = split.train.len();
        notes.push(format!("fewer rows to train on than a batch usually has, so all {} are one", settings.batch));
    }
    if problem.loss == Loss::CrossEntropy && layers.last().is_some_and(|layer| layer == "sigmoid") {
        notes.push(
            "cross_entropy has its softmax in it: the last sigmoid before it only narrows the probabilities".into(),
        );
    }
    notes.extend(constant(&dataset, &fit.constant, kind));
    let normalize = (kind, fit.affine);
    let (init_from, resume, best) = (None, None, None);
    let job =
        Job { dataset, split, normalize, problem, scale, class_weights, layers, lr, settings, init_from, resume, best };
    Ok((job, notes))
}

/// Most classes of whole numbers that are not asked about.
const FEW_CLASSES: usize = 10;

/// What many classes of a table that are numbers may be instead.
fn numbers_as_classes(settings: &Settings, dataset: &Dataset) -> Option<String> {
    let (_, names) = dataset.targets.classes()?;
    let asks = settings.task.is_none() && dataset.target.is_some() && names.len() > FEW_CLASSES;
    let numbers = names.iter().all(|name| name.parse::<f64>().is_ok());
    (asks && numbers).then(|| "the classes are numbers: to learn how large they are, give --task regression".into())
}

/// Names columns that count the rows, which tells nothing of new ones.
fn counters(dataset: &Dataset) -> Option<String> {
    let Values::Floats(values) = &dataset.values else { return None };
    let (features, rows) = (dataset.columns.len(), dataset.rows());
    let counts = |feature: &usize| {
        let column = || values.iter().skip(*feature).step_by(features).copied();
        if rows < LEAST_ROWS || column().any(|value| value.fract() != 0.0) {
            return false;
        }
        let mut sorted: Vec<f32> = column().collect();
        sorted.sort_unstable_by(f32::total_cmp);
        sorted.windows(2).all(|pair| pair[1] - pair[0] == 1.0)
    };
    let names: Vec<&str> = (0..features).filter(counts).map(|i| dataset.columns[i].as_str()).collect();
    let what = "counts the rows, which says nothing of others: leave it out with --ignore";
    (!names.is_empty()).then(|| format!("{} {what} {}", names.join(", "), names.join(",")))
}

/// Rows from which on it is no chance that a column holds each of as many whole numbers once.
const LEAST_ROWS: usize = 20;

/// Names features that do not vary over the training rows. Pixels at the rim never do, and are not worth a word unless
/// standardising would have divided by their deviation.
fn constant(dataset: &Dataset, constant: &[usize], kind: Normalize) -> Option<String> {
    if constant.is_empty() || (dataset.columns.is_empty() && kind != Normalize::Standardize) {
        return None;
    }
    let names = match dataset.columns.as_slice() {
        [] => format!("{} of {} features", constant.len(), dataset.features()),
        columns => constant.iter().map(|&i| columns[i].as_str()).collect::<Vec<_>>().join(", "),
    };
    Some(format!("constant in the training part, so of no use: {names}"))
}

/// Refuses settings that mean nothing for the problem.
fn check(settings: &Settings, problem: &Problem, no_validation: bool) -> Result<(), Error> {
    let loss = problem.loss;
    let numbers = problem.answer == Answer::Numbers;
    let what = if !numbers && settings.standardize_target && !settings.standardize_target_is_default {
        "normalize_target standardizes numbers, and the target is none: leave it out".into()
    } else if settings.label_smoothing > 0.0 && problem.answer != Answer::Class {
        format!("label_smoothing belongs to cross_entropy, but the loss is {loss}: leave it out")
    } else if settings.class_weights.is_some() && !matches!(problem.answer, Answer::Class | Answer::Binary) {
        "class_weights need one class for each row, and the target is another: leave them out".into()
    } else if settings.class_weights.is_some() && loss == Loss::Mse {
        format!("class_weights weigh cross-entropies, but the loss is {loss}: leave them out")
    } else if settings.measure == Measure::Accuracy && numbers {
        "measure cannot be accuracy, for numbers are neither right nor wrong: use loss".into()
    } else if settings.early_stopping.is_some() && no_validation {
        "early_stopping needs rows to validate on: give --validation a share".into()
    } else if settings.measure == Measure::Accuracy && no_validation {
        "measure needs rows to validate on: give --validation a share".into()
    } else {
        return Ok(());
    };
    Err(Error::Setting(what))
}

/// The weight of each class, if they are not all alike.
fn class_weights(settings: &Settings, targets: &Targets, rows: &[u32]) -> Result<Option<Vec<f32>>, Error> {
    let (Some(wanted), Targets::Classes { labels, names }) = (&settings.class_weights, targets) else {
        return Ok(None);
    };
    match wanted {
        ClassWeights::Each(weights) if weights.len() != names.len() => {
            let what = format!("class_weights has {} numbers for {} classes", weights.len(), names.len());
            Err(Error::Setting(format!("{what}: give one for each of {}", names.join(", "))))
        }
        ClassWeights::Each(weights) => Ok(Some(weights.clone())),
        ClassWeights::Balanced => {
            let mut counts = vec![0usize; names.len()];
            rows.iter().for_each(|&row| counts[labels[row as usize] as usize] += 1);
            // A class without a row to train on has no weight to have.
            let weight = |&count: &usize| rows.len() as f32 / (names.len() * count.max(1)) as f32;
            Ok(Some(counts.iter().map(weight).collect()))
        }
    }
}
