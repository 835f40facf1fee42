//! What a training run says before it begins.

use super::say::{self, say};
use super::{show, variants};
use crate::device::Device;
use crate::kernel::Precision;
use crate::names::short;
use crate::nn::Answer;
use crate::op::{Class, Value, Values};
use crate::train::{ClassWeights, Job, Trainer};

pub(super) fn begin(trainer: &Trainer, device: &Device, notes: &[String]) {
    let job = trainer.job();
    let (data, split) = (&job.dataset, &job.split);
    let count = |n: usize| show::thousands(n as u64);
    say!("device   {device}");
    if let Some(why) = device.why_cpu() {
        say!("         {why}");
    }
    if device.is_tuned() {
        let variants = variants(trainer.compiled().plan.target.variants());
        say!("         tuned: {variants} (wgrad tune --reset with this --device forgets it)");
    }
    let shape = show::sizes(&job.input_shape().unwrap_or_else(|_| data.shape.clone()));
    say!("data     {}: {} rows of {shape}, {}, {}", data.name, count(data.rows()), asked(job), job.normalize.0);
    let [train, validation, test] = [&split.train, &split.validation, &split.test].map(|part| count(part.len()));
    say!("split    {train} to train, {validation} to validate, {test} to test");
    notes.iter().for_each(|text| say!("         {}", say::with_flags(text)));
    let parameters = trainer.compiled().tensors.iter().filter(|t| t.class == Class::Parameters);
    let parameters = parameters.map(|t| t.shape.elements()).sum();
    say!("network  {} ({} parameters)", trainer.layers().join(", "), count(parameters));
    say!("loss     {}", loss(job));
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
