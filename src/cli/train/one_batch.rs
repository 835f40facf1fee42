//! `wgrad train --overfit-one-batch`: whether the network can learn a single batch.

use crate::cli::flags::TrainArgs;
use crate::cli::say::{self, note, say};
use crate::cli::{head, show, target};
use crate::device::Device;
use crate::error::Error;
use crate::train::{Job, OneBatch, Trainer};
use serde_json::json;

/// Steps where the user gives no number.
const STEPS: u64 = 1000;

pub(super) fn run(args: &TrainArgs, job: Job, device: &Device, notes: &[String]) -> Result<u8, Error> {
    let typed = args.settings.0.as_ref().ok();
    let (rows, steps) = (typed.and_then(|typed| typed.batch), typed.and_then(|typed| typed.steps).unwrap_or(STEPS));
    let (job, off) = job.on_one_batch(rows, steps);
    let mut trainer = Trainer::for_target(job, device, target(device, args.base.no_fuse))?;
    let told = trainer.notes().to_vec();
    told.iter().for_each(|text| note!("note: {text}"));
    let shows = !args.quiet && !args.base.json;
    if shows {
        head::one_batch(&trainer, device, notes, &off);
    }
    let found = trainer.overfit()?;
    if args.base.json {
        say::json(&object(&found, &off, trainer.job().settings.lr));
        return Ok(u8::from(!found.reached));
    }
    if shows {
        table(&found);
        say!("");
    }
    Ok(verdict(&found, &trainer))
}

/// Prints the loss of some of the steps, ever further apart.
fn table(found: &OneBatch) {
    let last = found.steps.len();
    let shown = |step: usize| {
        step == last
            || [1, 2, 5].contains(&(step / 10_usize.pow(step.ilog10())))
                && step.is_multiple_of(10_usize.pow(step.ilog10()))
    };
    let row = |step: usize| {
        let (loss, right) = found.steps[step - 1];
        vec![step.to_string(), show::number(loss.into()), right.map_or_else(String::new, percent)]
    };
    let rows: Vec<_> = (1..=last).filter(|&step| shown(step)).map(row).collect();
    let answers = found.steps.iter().any(|(_, right)| right.is_some());
    show::table(&["step", "loss", if answers { "accuracy" } else { "" }], &rows);
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// Says whether the batch was learnt, and what to do if it was not; gives the exit code.
fn verdict(found: &OneBatch, trainer: &Trainer) -> u8 {
    let (steps, (loss, right)) = (found.steps.len(), found.steps.last().copied().unwrap_or((f32::NAN, None)));
    let near = format!("{}, a hundredth of what a constant guess loses", show::number(found.near));
    let (loss, what) =
        (show::number(loss.into()), right.map_or_else(String::new, |right| format!(", accuracy {}", percent(right))));
    if found.reached {
        say!("learnt   the loss went to {loss}{what} in {steps} steps; near 0 is up to {near}");
        say!("next     data, layers, loss and update work together: train on all of it, without --overfit-one-batch");
        return 0;
    }
    say!("failed   the loss is {loss}{what} after {steps} steps; near 0 would be up to {near}");
    say!("next     {}", advice(found, trainer));
    1
}

/// The likeliest reason, from the numbers, and what to do about it.
fn advice(found: &OneBatch, trainer: &Trainer) -> String {
    let (first, last) = (found.steps.first(), found.steps.last());
    let (Some(&(first, _)), Some(&(last, right))) = (first, last) else { return "give it --steps".into() };
    let lr = trainer.job().settings.lr;
    if found.contradicted > 0 {
        let rows = found.contradicted;
        format!("{rows} rows of the batch equal another in all features, but not in the target: look at the data first")
    } else if f64::from(last) > 0.9 * found.guess.min(first.into()) {
        format!(
            "hardly anything was learnt: --lr {lr} does not fit (try --lr find), the targets have nothing to do with the \
             features, or a layer is wrong (wgrad gradcheck)"
        )
    } else if right == Some(1.0) || f64::from(last) < 0.3 * found.guess {
        format!("it was on its way: give it more --steps, or look for a larger rate than {lr} with --lr find")
    } else {
        "take more or wider --layers: this network is too small for the batch, or its units are dead (wgrad init-lab)"
            .into()
    }
}

fn object(found: &OneBatch, off: &[&str], lr: f64) -> serde_json::Value {
    let (loss, accuracy) = found.steps.last().copied().unwrap_or((f32::NAN, None));
    json!({
        "rows": found.rows, "steps": found.steps.len(), "learnt": found.reached, "loss": loss, "accuracy": accuracy,
        "near": found.near, "constant_guess": found.guess, "contradicted": found.contradicted, "lr": lr, "off": off,
        "losses": found.steps.iter().map(|(loss, _)| loss).collect::<Vec<_>>(),
    })
}
