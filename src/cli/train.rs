//! `wgrad train`

pub(super) mod again;
mod ahead;
mod dry_run;
mod lines;
mod one_batch;
mod rate;

use super::attend::Attending;
use super::bar;
use super::flags::TrainArgs;
use super::result::{self, Naming};
use super::say::{self, note, say};
use super::{data_dir, flags, head, setting, show, signals, target};
use crate::device::Device;
use crate::error::Error;
use crate::export::{Calibrated, LossScaling, Model, Progress};
use crate::files;
use crate::metrics::{Assessment, Evaluation, WRONG_ANSWERS};
use crate::nn::{Answer, Freeze};
use crate::train::{
    Averaged, Claim, Difference, EpochReport, Gap, HealthWarning, Measure, Observer, Outcome, Recipe, RunFolder,
    Trainer, prepare,
};
use ahead::Check;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lines::Lines;
use serde_json::{Value, json};
use std::cell::Cell;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The model of a run.
const BEST: &str = "model.safetensors";

pub(super) fn run(args: TrainArgs) -> Result<u8, Error> {
    let claim = args.resume.as_deref().map(Claim::of_run).transpose()?;
    let file = args.resume.as_ref().map(|run| run.join("recipe.toml")).or_else(|| args.base.recipe.clone());
    let mut recipe = flags::over(file.as_deref(), &args.settings.0)?;
    recipe.check()?;
    let start = args.init_from.as_ref().map(|path| Model::open(path)).transpose()?;
    if let Some((model, notes)) = &start {
        notes.iter().cloned().chain(recipe.start_from(model)).for_each(|text| note!("note: {text}"));
    }
    check_start(&recipe, &args)?;
    let choice = &args.base.device.device;
    let attending = Attending::new(!args.quiet && !args.base.json);
    args.base.device.drivers.hush();
    let device = Device::open_attended(recipe.precision.unwrap_or_default(), choice, attending.clone())?;
    let (mut job, notes) = prepare(&recipe, data_dir().as_deref())?;
    job.init_from = start.map(|(model, _)| model);
    if let Some(check) = Check::asked(&args)? {
        return check.run(&args, job, &device, &notes);
    }
    let anew = args.resume.as_ref().map(|run| job.go_on_from(run)).transpose()? == Some(false);
    let name = run_name(&job.dataset.name);
    let trainer = Trainer::for_target(job, &device, target(&device, args.base.no_fuse))?;
    let folder = match claim {
        Some(claim) => {
            let Progress { step, epoch, .. } = *trainer.progress();
            // A run with nothing left to do keeps its recipe.
            let recipe = (step < trainer.total_steps()).then(|| trainer.recipe());
            RunFolder::resume(claim, step, epoch, recipe.as_ref())?
        }
        None => RunFolder::create(args.out.as_deref(), &name, &trainer.recipe())?,
    };
    trainer.notes().iter().chain(folder.notes()).for_each(|text| note!("note: {text}"));
    if anew {
        let path = folder.path().display();
        note!("note: {path} was ended before anything of it was saved: it starts from its first step");
    }
    let verbose = !args.quiet && !args.base.json;
    match device.why_cpu() {
        _ if verbose => head::begin(&trainer, &device, &notes),
        Some(why) => note!("on the CPU: {why}"),
        None => {}
    }
    let mut watch = Watch::new(&args, &trainer, attending)?;
    let may_fall_back = recipe.lr.is_none() && args.resume.is_none() && args.init_from.is_none();
    let done = again::train(may_fall_back, &device, (trainer, folder), &mut watch, |watch, what| {
        watch.bar.suspend(|| note!("{what}"));
        watch.again();
    });
    watch.bar.finish_and_clear();
    watch.rest();
    let (mut trainer, folder, outcome) = done?;
    if outcome == Outcome::Stopped {
        let (step, path) = (trainer.progress().step, folder.path().display().to_string());
        let path = files::typed(&path);
        let s = if step == 1 { "" } else { "s" };
        note!("stopped after {step} step{s}, all saved; go on with: wgrad train --resume {path} --device {choice}");
        return Ok(130);
    }
    finish(&args, &mut trainer, outcome, (&device, &folder), (watch.rows, watch.seconds.get()))
}

/// Refuses a new last layer where a run starts from no model, and says that frozen layers stay as they are drawn.
fn check_start(recipe: &Recipe, args: &TrainArgs) -> Result<(), Error> {
    if args.init_from.is_some() || args.resume.is_some() {
        return Ok(());
    }
    if recipe.new_head == Some(true) {
        let what = "is for a run that starts from a model: name one with --init-from, or leave it out";
        return Err(setting(format!("--new-head {what}")));
    }
    if recipe.freeze.as_ref().is_some_and(|freeze| *freeze != Freeze::default()) {
        note!("note: no --init-from names weights, so the frozen layers stay as they are drawn");
    }
    Ok(())
}

/// A data set's name as a folder's.
pub(super) fn run_name(data: &str) -> String {
    let stem = data.split('.').next().unwrap_or(data);
    let plain: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    if plain.is_empty() { "run".into() } else { plain }
}

/// What the user sees while it trains.
struct Watch {
    bar: ProgressBar,
    attending: Arc<Attending>,
    stop: Arc<AtomicBool>,
    json: bool,
    quiet: bool,
    lines: Lines,
    epochs: u64,
    /// Rows trained on by this process.
    rows: u64,
    rows_of_epoch: u64,
    started: Instant,
    /// From the start to where the run last asked whether it is to stop: steps, validation, measuring the layers and saving.
    seconds: Cell<f64>,
}

impl Watch {
    fn new(args: &TrainArgs, trainer: &Trainer, attending: Arc<Attending>) -> Result<Self, Error> {
        let (done, total) = (trainer.progress(), trainer.total_steps());
        let stop = signals::stop_flag().map_err(|error| setting(format!("Ctrl-C cannot be caught: {error}")))?;
        let shown = std::io::stderr().is_terminal() && !args.quiet && !args.base.json;
        let target = if shown { bar::target() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_position(done.step);
        let style = ProgressStyle::with_template("{bar:10} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let (json, quiet) = (args.base.json, args.quiet);
        let (rows, rows_of_epoch) = (0, done.rows);
        let (started, seconds) = (Instant::now(), Cell::new(0.0));
        let epochs = if args.base.device.drivers.verbose { 1 } else { trainer.total_epochs() };
        let lines = Lines::new(epochs);
        Ok(Self { bar, attending, stop, json, quiet, lines, epochs, rows, rows_of_epoch, started, seconds })
    }

    /// The run begins once more.
    fn again(&mut self) {
        self.rest();
        self.lines = Lines::new(self.epochs);
        (self.rows, self.rows_of_epoch, self.started) = (0, 0, Instant::now());
        self.bar.reset();
    }

    /// Prints what is not yet printed of the run's best and its last epoch.
    fn rest(&mut self) {
        self.lines.rest().iter().for_each(|line| say!("{line}"));
    }

    fn rate(&self) -> f64 {
        self.rows as f64 / self.started.elapsed().as_secs_f64()
    }
}

impl Observer for Watch {
    fn progress(&mut self, done: u64, total: u64, rows: u64) {
        self.attending.hush();
        self.rows += rows.saturating_sub(self.rows_of_epoch);
        self.rows_of_epoch = rows;
        // One message that the bar cuts at the terminal's width: a line that wraps could not be erased.
        let rate = show::thousands(self.rate() as u64);
        self.bar.set_position(done);
        let left = indicatif::HumanDuration(self.bar.eta());
        self.bar.set_message(format!("step {done} of {total}, {rate} samples/s, {left} left"));
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.rows_of_epoch = 0;
        if self.json && !self.quiet {
            say::json(&json!({
                "epoch": report.epoch, "whole": report.whole, "step": report.step,
                "train_loss": report.train_loss, "train_accuracy": report.train_accuracy,
                "validation_loss": report.validation.as_ref().map(|v| v.loss),
                "validation_accuracy": report.validation.as_ref().and_then(|v| v.accuracy()),
            }));
            return;
        }
        if self.json || self.quiet {
            return;
        }
        let lines = self.lines.take(report);
        if !lines.is_empty() {
            self.bar.suspend(|| lines.iter().for_each(|line| say!("{line}")));
        }
    }

    fn health(&mut self, warning: &HealthWarning) {
        self.bar.suspend(|| note!("warning: {}", warning.text));
    }

    fn stop(&self) -> bool {
        self.seconds.set(self.started.elapsed().as_secs_f64());
        self.stop.load(Ordering::SeqCst)
    }
}

fn finish(
    args: &TrainArgs,
    trainer: &mut Trainer,
    outcome: Outcome,
    (device, folder): (&Device, &RunFolder),
    (done, seconds): (u64, f64),
) -> Result<u8, Error> {
    if args.silent {
        return Ok(0);
    }
    let split = trainer.job().split.clone();
    let mut assess = |rows: &[u32]| if rows.is_empty() { Ok(None) } else { trainer.assess(rows).map(Some) };
    let (train_dev, test) = (assess(&split.train_dev)?, assess(&split.test)?);
    let model = folder.file(BEST);
    let (job, best, scaling) = (trainer.job(), trainer.best(), trainer.progress().scaling);
    if args.base.json {
        say::json(&object(trainer, [&train_dev, &test], outcome, (device, &model), seconds));
        return Ok(0);
    }
    let rate = show::thousands((done as f64 / seconds) as u64);
    if !args.quiet {
        say!("");
    }
    if let (Outcome::Early, Some(patience)) = (outcome, job.settings.early_stopping) {
        say!("stopped  after epoch {}: {patience} without a better one", trainer.progress().epoch);
    }
    say!("trained in {seconds:.1} s, {rate} samples/s, seed {}", job.settings.seed);
    waited(trainer);
    scaled(scaling);
    if let Some((measure, epoch)) = best {
        match job.settings.measure {
            Measure::Loss => say!("best     epoch {epoch}, validation loss {measure:.4}"),
            Measure::Accuracy => say!("best     epoch {epoch}, validation accuracy {:.2} %", measure * 100.0),
        }
    }
    calibrated(trainer.calibrated(), job.problem.answer == Answer::Numbers);
    if !args.quiet {
        averages(trainer.averaged(), trainer.takes_population());
    }
    let names = &job.problem.names;
    if let Some(train_dev) = &train_dev {
        result::summary("train-dev ", train_dev, &Naming { names, loss: job.problem.loss });
    }
    if let Some(test) = &test {
        result::summary("test ", test, &Naming { names, loss: job.problem.loss });
        result::warn(test, names, job.class_weights.is_some());
        say!("");
        result::tables(test, names);
    }
    say!("");
    say!("model    {}", model.display());
    let program = std::env::args().next().unwrap_or_else(|| "wgrad".into());
    let input = example(&job.dataset.shape, &job.settings.source);
    let [program, model] = [program, model.display().to_string()].map(|word| files::typed(&word));
    say!("         {program} predict {model} {input}");
    Ok(0)
}

/// The end of a run as JSON.
fn object(
    trainer: &Trainer,
    [train_dev, test]: [&Option<Assessment>; 2],
    outcome: Outcome,
    (device, model): (&Device, &Path),
    seconds: f64,
) -> Value {
    let (job, best, scaling) = (trainer.job(), trainer.best(), trainer.progress().scaling);
    let averaged = |of: fn(&Averaged) -> &Evaluation| {
        let of = trainer.averaged().map(of);
        of.map(|evaluation| json!({ "loss": evaluation.loss, "accuracy": evaluation.accuracy() }))
    };
    let gap = |gap: &Gap| json!({ "layer": gap.path, "mean": gap.mean, "variance": gap.variance });
    json!({
        "model": model.display().to_string(), "device": device.to_string(), "seed": job.settings.seed,
        "seconds": seconds, "waited_for_rows": trainer.waited(), "stopped_early": outcome == Outcome::Early, "step": trainer.progress().step,
        "best_epoch": best.map(|(_, epoch)| epoch), "best_measure": best.map(|(measure, _)| measure),
        "test": test.as_ref().map(|test| result::object(test, &job.problem.names)),
        "train_dev": train_dev.as_ref().map(|train_dev| result::object(train_dev, &job.problem.names)),
        "loss_scale": scaling.map(|scaling| scaling.scale()), "skipped_steps": scaling.map(|scaling| scaling.skipped),
        "temperature": trainer.calibrated().and_then(|found| found.temperature),
        "health_warnings": health_warnings(trainer.health_warnings()),
        "running_on_validation": averaged(|averaged| &averaged.running),
        "population_on_validation": averaged(|averaged| &averaged.population),
        "running_against_population": trainer.gaps().iter().map(gap).collect::<Vec<_>>(),
    })
}

/// `layer`, `cause` and `text` of each warning.
pub(super) fn health_warnings(warnings: &[HealthWarning]) -> Value {
    warnings.iter().map(|w| json!({ "layer": w.path, "cause": w.cause.to_string(), "text": w.text })).collect()
}

/// How much of the training the device waited for rows that did not lie there.
fn waited(trainer: &Trainer) {
    if let Some(share) = trainer.waited() {
        say!("waited   {:.1} % of that time for rows that the host had still to write", share * 100.0);
    }
}

/// Where loss scaling ended, if the loss was scaled.
fn scaled(scaling: Option<LossScaling>) {
    if let Some(scaling) = scaling {
        let (scale, skipped) = (scaling.scale(), scaling.skipped);
        let steps = if skipped == 1 { "step" } else { "steps" };
        say!("loss     scaled by {scale} at the end, {skipped} {steps} skipped whose gradients overflowed");
    }
}

/// What the validation part has said of the answers, if it was asked.
fn calibrated(calibrated: Option<&Calibrated>, numbers: bool) {
    let Some(Calibrated { rows, temperature, scores }) = calibrated else { return };
    let scores = match scores.rows() {
        0 => String::new(),
        scores => format!("; {} scores for predict --coverage", show::thousands(scores as u64)),
    };
    let rows = show::thousands(*rows as u64);
    match temperature {
        Some(temperature) => say!("calibrated on {rows} validation rows: temperature {temperature:.4}{scores}"),
        None if numbers => say!("calibrated on {rows} validation rows{scores}"),
        None => say!(
            "calibrated on {rows} validation rows: no temperature, which takes {WRONG_ANSWERS} wrong answers and more right ones \
             than by chance{scores}"
        ),
    }
}

/// By how much the model's answers depend on which averages batch norm takes, if they do.
fn averages(averaged: Option<&Averaged>, takes_population: bool) {
    let Some(difference) = averaged.and_then(Averaged::difference) else { return };
    let (what, running, population) = match difference {
        Difference::Accuracy(a, b) => ("accuracy", percent(a), percent(b)),
        Difference::Loss(a, b) => ("loss", format!("{a:.4}"), format!("{b:.4}")),
    };
    let kept = if takes_population { "the latter, as batch_norm statistics=population says" } else { "the former" };
    say!(
        "On the validation part the {what} is {running} with batch_norm's running statistics and {population} with those \
         of the population. The model has {kept}."
    );
    let population_is_better = averaged.is_some_and(Averaged::population_is_better);
    if population_is_better && !takes_population {
        say!("batch_norm statistics=population takes the latter.");
    }
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// An input that the model would take, for the line that says how to go on.
fn example(shape: &[usize], source: &str) -> String {
    if shape.len() == 3 { "IMAGE.png".into() } else { files::typed(source) }
}
