//! `wgrad train --dry-run`: all that comes before the first update, and what would be trained.

use crate::cli::flags::TrainArgs;
use crate::cli::plan::table_of_layers;
use crate::cli::say::{self, note, say};
use crate::cli::{head, show, target};
use crate::device::Device;
use crate::error::Error;
use crate::op::Class;
use crate::train::{BAD_START, FirstStep, Job, RunFolder, Trainer};
use serde_json::json;

pub(super) fn run(args: &TrainArgs, job: Job, device: &Device, notes: &[String]) -> Result<u8, Error> {
    args.out.as_deref().map_or(Ok(()), RunFolder::check_free)?;
    let mut trainer = Trainer::for_target(job, device, target(device, args.base.no_fuse))?;
    let told = trainer.notes().to_vec();
    told.iter().for_each(|text| note!("note: {text}"));
    if args.base.json {
        let first = trainer.first_step()?;
        say::json(&object(&trainer, device, first));
        return Ok(0);
    }
    head::begin(&trainer, device, notes);
    table_of_layers(&trainer.layers(), trainer.compiled());
    say!("");
    let plan = &trainer.compiled().plan;
    let held = |class: Class| plan.buffers.iter().filter(|b| b.class == class).map(|b| b.words as u64 * 4).sum::<u64>();
    say!("memory   {}, {} of it the data", show::bytes(plan.bytes()), show::bytes(held(Class::Data)));
    let FirstStep { rows, loss, guess } = trainer.first_step()?;
    let [first, same] = [loss, guess].map(show::number);
    say!("first    loss {first} on the first batch of {rows} rows; {}", constant(trainer.job(), &same));
    if loss > BAD_START * guess {
        say!("         that is a bad start: look at the layers with wgrad init-lab, and at --init and --normalize");
    }
    say!("");
    say!("dry run  nothing was written; without --dry-run it trains");
    Ok(0)
}

/// What a constant guess is, with its loss.
fn constant(job: &Job, loss: &str) -> String {
    let names = job.problem.names.len();
    let plain = job.settings.label_smoothing == 0.0 && job.class_weights.is_none();
    let of = match &job.dataset.targets {
        crate::data::Targets::Classes { .. } if plain && job.problem.loss.kind().link.gives_probabilities => {
            format!("ln {names}, all classes alike")
        }
        crate::data::Targets::Classes { .. } => "all classes alike".to_owned(),
        crate::data::Targets::Labels { .. } => "each label as likely as not".to_owned(),
        crate::data::Targets::Numbers { .. } => "the mean of the training part".to_owned(),
    };
    format!("a constant guess has {loss} ({of})")
}

fn object(trainer: &Trainer, device: &Device, first: FirstStep) -> serde_json::Value {
    let (job, compiled) = (trainer.job(), trainer.compiled());
    let [train_data, validation_data, test_data] = job.sources();
    let parameters = compiled.tensors.iter().filter(|t| t.class == Class::Parameters);
    json!({
        "device": device.to_string(), "data": train_data, "validation_data": validation_data, "test_data": test_data,
        "train": job.split.train.len(), "train_dev": job.split.train_dev.len(), "validation": job.split.validation.len(), "test": job.split.test.len(),
        "layers": trainer.layers(), "parameters": parameters.map(|t| t.shape.elements()).sum::<usize>(),
        "bytes": compiled.plan.bytes(), "batch": job.settings.batch,
        "steps": trainer.total_steps(), "epochs": trainer.total_epochs(),
        "first_loss": first.loss, "constant_guess": first.guess,
    })
}
