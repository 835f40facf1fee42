//! What a training run says before it begins.

use super::say::{self, say};
use super::{show, variants};
use crate::data::Split;
use crate::device::Device;
use crate::kernel::Precision;
use crate::names::short;
use crate::nn::{Answer, Freeze};
use crate::op::{Class, Value, Values};
use crate::train::{ClassWeights, Job, Trainer};

pub(super) fn begin(trainer: &Trainer, device: &Device, notes: &[String]) {
    let (job, count) = (trainer.job(), |n: usize| show::thousands(n as u64));
    before(trainer, device);
    say!("split    {}", split(&job.split));
    network(trainer, notes);
    say!("train    {} steps of batch {}, {}", count(trainer.total_steps() as usize), job.settings.batch, update(job));
    if trainer.left_out() > 0 {
        say!("         the last batch of an epoch would be one row, which batch_norm cannot train on: it is left out");
    }
    let done = trainer.progress().step;
    if done > 0 {
        let end =
            if done == trainer.total_steps() { ", which is all: give more --epochs or --steps to go on" } else { "" };
        say!("resumed  after {} steps{end}", count(done as usize));
    }
    say!("");
}

/// How many rows are in each part.
pub(super) fn split(Split { train, train_dev, validation, test, .. }: &Split) -> String {
    let [train, validation, test] = [train, validation, test].map(|part| show::thousands(part.len() as u64));
    let train_dev = match train_dev.len() {
        0 => String::new(),
        rows => format!("{} more of their source for train-dev, ", show::thousands(rows as u64)),
    };
    format!("{train} to train, {train_dev}{validation} to validate, {test} to test")
}

/// What training on one batch says before it begins.
pub(super) fn one_batch(trainer: &Trainer, device: &Device, notes: &[String], off: &[&str]) {
    before(trainer, device);
    network(trainer, notes);
    let (rows, job) = (trainer.job().settings.batch, trainer.job());
    say!("train    one batch of {rows} rows, up to {} steps, {}", trainer.total_steps(), update(job));
    let off = if off.is_empty() { "nothing, as there is no regularisation".into() } else { off.join(", ") };
    say!("off      {off}");
    say!("");
}

/// The device and the data.
fn before(trainer: &Trainer, device: &Device) {
    let (job, data) = (trainer.job(), &trainer.job().dataset);
    say!("device   {device}");
    if let Some(why) = device.why_cpu() {
        say!("         {why}");
    }
    if device.is_tuned() {
        let variants = variants(trainer.compiled().plan.target.variants());
        say!("         tuned: {variants} (wgrad tune --reset with this --device forgets it)");
    }
    let shape = show::sizes(&job.input_shape().unwrap_or_else(|_| data.shape.clone()));
    let rows = show::thousands(data.rows() as u64);
    say!("data     {}: {rows} rows of {shape}, {}, {}", job.named(), asked(job), job.normalize.0);
}

/// What the user should know of the data and the defaults, the network, and its loss.
fn network(trainer: &Trainer, notes: &[String]) {
    notes.iter().for_each(|text| say!("         {}", say::with_flags(text)));
    let parameters = trainer.compiled().tensors.iter().filter(|t| t.class == Class::Parameters);
    let parameters: usize = parameters.map(|t| t.shape.elements()).sum();
    let frozen = match &trainer.job().settings.freeze {
        Some(freeze) if *freeze != Freeze::default() => format!(" to train; frozen layers: {freeze}"),
        _ => String::new(),
    };
    let count = show::thousands(parameters as u64);
    say!("network  {} ({count} parameters{frozen})", trainer.layers().join(", "));
    say!("loss     {}", loss(trainer.job()));
}

/// What is to be learnt of a row.
fn asked(job: &Job) -> String {
    let names = &job.problem.names;
    match job.problem.answer {
        Answer::Class | Answer::Binary => match &job.dataset.target {
            Some(target) => format!("{} classes of {}", names.len(), short(target)),
            None => format!("{} classes", names.len()),
        },
        Answer::Labels => format!("{} labels", names.len()),
        Answer::Numbers if names.len() == 1 => format!("the number {}", short(&names[0])),
        Answer::Numbers => format!("{} numbers", names.len()),
    }
}

/// The loss, and what bears on it.
fn loss(job: &Job) -> String {
    let (settings, names) = (&job.settings, &job.problem.names);
    let mut text = format!("{}{}", job.problem.loss, differing(job.problem.loss.values()));
    if job.problem.answer == Answer::Binary {
        text += &format!(", one output: how likely {} is", short(&names[1]));
    }
    if !job.scale.is_none() {
        text += ", in units of the target's deviation";
        if let [factor] = job.scale.factor[..] {
            text += &format!(" ({})", show::number(1.0 / factor));
        }
    }
    let weighs = settings.label_smoothing > 0.0 || job.class_weights.is_some();
    if settings.label_smoothing > 0.0 {
        text += &format!(", label smoothing {}", settings.label_smoothing);
    }
    if let (Some(wanted), Some(weights)) = (&settings.class_weights, &job.class_weights) {
        let weights: Vec<String> = weights.iter().map(|&weight| show::number(weight.into())).collect();
        let kind = if *wanted == ClassWeights::Balanced { "balanced class weights" } else { "class weights" };
        text += &format!(", {kind} {}", weights.join(", "));
    }
    if weighs && !job.split.validation.is_empty() {
        text += "; the validation loss is taken in the same way, the test loss plainly";
    }
    text
}

/// The update, and what bears on it.
fn update(job: &Job) -> String {
    let (settings, optimizer) = (&job.settings, job.settings.update());
    let mut text = format!("{}, lr {}", optimizer.rule.name(), settings.lr);
    if settings.schedule.to_string() != "constant" {
        text += &format!(" ({})", settings.schedule);
    }
    text += &differing(optimizer.rule.values());
    text += &format!(", weight decay {}", optimizer.weight_decay);
    if let Some(clip) = optimizer.clip {
        text += &format!(", clip {clip}");
    }
    if let Some(most) = optimizer.max_norm {
        text += &format!(", max-norm {most}");
    }
    if let Some(patience) = settings.early_stopping {
        text += &format!(", early stopping after {patience}");
    }
    if settings.precision == Precision::F16 {
        text += ", products in f16, loss scaled";
    }
    format!("{text}, seed {}", settings.seed)
}

/// The settings that an optimiser or a loss declares, where they are not the defaults; a momentum in any case.
fn differing(values: &Values) -> String {
    let told = values.iter().filter(|(setting, value)| {
        *value != setting.default() || (setting.name == "momentum" && *value != Value::Number(0.0))
    });
    told.map(|(setting, value)| match value {
        Value::Flag(true) => format!(", {}", setting.name),
        value => format!(", {} {value}", setting.name.replace('_', " ")),
    })
    .collect()
}
