//! `wgrad train`

use super::args::TrainArgs;
use super::say::{self, note, say};
use super::{data_dir, eval, setting, show};
use crate::error::Error;
use crate::export::{Model, Progress};
use crate::op::Class;
use crate::ops::sgd::Decay;
use crate::train::{Device, EpochReport, Job, Length, Observer, Outcome, Recipe, RunFolder, Trainer, prepare};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What `--resume` reads and a run writes.
const LAST: &str = "last.safetensors";

/// The model of a run.
const BEST: &str = "model.safetensors";

pub(super) fn run(args: TrainArgs) -> Result<u8, Error> {
    let (mut recipe, given) = recipe(&args)?;
    let device = Device::open(&args.device.device)?;
    let (mut job, notes) = prepare(recipe.settings(given)?, data_dir().as_deref())?;
    start_from(&args, &mut job)?;
    let name = run_name(&job.dataset.name);
    let mut trainer = Trainer::new(job, &device)?;
    complete(&mut recipe, &trainer);
    let mut folder = match &args.resume {
        Some(path) => RunFolder::resume(path, trainer.progress().step, trainer.progress().epoch, &recipe.text())?,
        None => RunFolder::create(args.out.as_deref(), &name, &recipe.text())?,
    };
    let verbose = !args.quiet && !args.json;
    match &device {
        _ if verbose => header(&trainer, &device, &notes),
        Device::Cpu { why: Some(why) } => note!("on the CPU: {why}"),
        _ => {}
    }
    let mut watch = Watch::new(&args, trainer.progress(), trainer.total_steps())?;
    let started = Instant::now();
    let outcome = trainer.run(&mut folder, &mut watch);
    watch.bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    if outcome? == Outcome::Stopped {
        let (step, path, choice) = (trainer.progress().step, folder.path().display().to_string(), &args.device.device);
        let path = if path.contains(' ') { format!("{path:?}") } else { path };
        note!("stopped after {step} steps, all saved; go on with: wgrad train --resume {path} --device {choice}");
        return Ok(130);
    }
    finish(&args, &mut trainer, (&device, &folder), (watch.rows, seconds))
}

/// The recipe with every flag over it, and whether it came from a file.
fn recipe(args: &TrainArgs) -> Result<(Recipe, bool), Error> {
    let file = args.resume.as_ref().map(|run| run.join("recipe.toml")).or_else(|| args.recipe.clone());
    let mut recipe = file.as_deref().map_or(Ok(Recipe::default()), Recipe::read)?;
    args.over(&mut recipe).map_err(setting)?;
    Ok((recipe, file.is_some()))
}

/// The job of `wgrad plan`: the same as that of a training run.
pub(super) fn job(args: &TrainArgs) -> Result<Job, Error> {
    let (recipe, given) = recipe(args)?;
    Ok(prepare(recipe.settings(given)?, data_dir().as_deref())?.0)
}

fn start_from(args: &TrainArgs, job: &mut Job) -> Result<(), Error> {
    if let Some(path) = &args.init_from {
        job.init_from = Some(Model::read(path)?);
    }
    if let Some(run) = &args.resume {
        job.resume = Some(Model::read(&run.join(LAST))?);
        let best = run.join(BEST);
        job.best = best.exists().then(|| Model::read(&best)).transpose()?;
    }
    Ok(())
}

/// A data set's name as a folder's.
fn run_name(data: &str) -> String {
    let stem = data.split('.').next().unwrap_or(data);
    let plain: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    if plain.is_empty() { "run".into() } else { plain }
}

/// Writes every default into the recipe, so that it says all of the run by itself.
fn complete(recipe: &mut Recipe, trainer: &Trainer) {
    let job = trainer.job();
    let settings = &job.settings;
    let known = crate::data::KNOWN.iter().any(|known| known.name == settings.source);
    let absolute = std::fs::canonicalize(&settings.source).map(|path| path.to_string_lossy().into_owned());
    let source = settings.source.clone();
    recipe.data.source = Some(if known { source } else { absolute.unwrap_or(source) });
    recipe.data.target.clone_from(&job.dataset.target);
    recipe.data.normalize = Some(job.normalize.0.to_string());
    recipe.data.shuffle = Some(settings.shuffle);
    recipe.data.validation = Some(settings.fractions.validation);
    if job.dataset.test.is_none() {
        recipe.data.test = Some(settings.fractions.test);
    }
    recipe.model.layers = Some(trainer.layers());
    recipe.train.lr = Some(settings.lr);
    recipe.train.label_smoothing = Some(settings.label_smoothing);
    recipe.train.momentum = Some(settings.optimizer.momentum);
    recipe.train.nesterov = Some(settings.optimizer.nesterov);
    recipe.train.decay = Some(if settings.optimizer.decay == Decay::L2 { "l2" } else { "decoupled" }.into());
    recipe.train.weight_decay = Some(settings.optimizer.weight_decay);
    recipe.train.batch = Some(settings.batch);
    recipe.train.seed = Some(settings.seed);
    (recipe.train.epochs, recipe.train.steps) = match settings.length {
        Length::Epochs(epochs) => (Some(epochs), None),
        Length::Steps(steps) => (None, Some(steps)),
    };
}

fn header(trainer: &Trainer, device: &Device, notes: &[String]) {
    let job = trainer.job();
    let (data, split) = (&job.dataset, &job.split);
    let count = |n: usize| show::thousands(n as u64);
    say!("device   {device}");
    if let Device::Cpu { why: Some(why) } = device {
        say!("         {why}");
    }
    let (shape, classes) = (show::sizes(&data.shape), data.classes.len());
    say!("data     {}: {} rows of {shape}, {classes} classes, {}", data.name, count(data.rows()), job.normalize.0);
    let [train, validation, test] = [&split.train, &split.validation, &split.test].map(|part| count(part.len()));
    say!("split    {train} to train, {validation} to validate, {test} to test");
    notes.iter().for_each(|text| say!("         {text}"));
    let parameters = trainer.programs().tensors.iter().filter(|t| t.class == Class::Parameters);
    let parameters = parameters.map(|t| t.shape.elements()).sum();
    say!("network  {} ({} parameters)", trainer.layers().join(", "), count(parameters));
    let s = &job.settings;
    let o = &s.optimizer;
    let steps = count(trainer.total_steps() as usize);
    let rule = format!("sgd, lr {}, momentum {}, weight decay {}", s.lr, o.momentum, o.weight_decay);
    say!("train    {steps} steps of batch {}, {rule}, seed {}", s.batch, s.seed);
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

/// What the user sees while it trains.
struct Watch {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
    json: bool,
    quiet: bool,
    first: bool,
    /// Rows trained on by this process.
    rows: u64,
    rows_of_epoch: u64,
    started: Instant,
}

impl Watch {
    fn new(args: &TrainArgs, done: &Progress, total: u64) -> Result<Self, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        })
        .map_err(|error| setting(format!("Ctrl-C cannot be caught: {error}")))?;
        let shown = std::io::stderr().is_terminal() && !args.quiet && !args.json;
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_position(done.step);
        let style = ProgressStyle::with_template("{bar:30} step {pos} of {len}, {msg}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let (json, quiet) = (args.json, args.quiet);
        let (rows, rows_of_epoch) = (0, done.rows);
        Ok(Self { bar, stop, json, quiet, first: true, rows, rows_of_epoch, started: Instant::now() })
    }

    fn rate(&self) -> f64 {
        self.rows as f64 / self.started.elapsed().as_secs_f64()
    }
}

impl Observer for Watch {
    fn progress(&mut self, done: u64, _total: u64, rows: u64) {
        self.rows += rows.saturating_sub(self.rows_of_epoch);
        self.rows_of_epoch = rows;
        self.bar.set_message(format!("{} samples/s", show::thousands(self.rate() as u64)));
        self.bar.set_position(done);
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.rows_of_epoch = 0;
        if self.json {
            say::json(&json!({
                "epoch": report.epoch, "step": report.step,
                "train_loss": report.train_loss, "train_accuracy": report.train_accuracy,
                "validation_loss": report.validation.as_ref().map(|v| v.loss),
                "validation_accuracy": report.validation.as_ref().map(|v| v.accuracy()),
            }));
            return;
        }
        if self.quiet {
            return;
        }
        self.bar.suspend(|| {
            if std::mem::take(&mut self.first) {
                let validation = if report.validation.is_some() { "  validation loss  accuracy" } else { "" };
                say!("epoch  train loss  accuracy{validation}");
            }
            let percent = |share: f64| format!("{:.2} %", share * 100.0);
            let validation = report.validation.as_ref().map_or(String::new(), |v| {
                let mark = if report.best { "  best" } else { "" };
                format!("  {:>15.4}  {:>8}{mark}", v.loss, percent(v.accuracy()))
            });
            say!("{:>5}  {:>10.4}  {:>8}{validation}", report.epoch, report.train_loss, percent(report.train_accuracy));
        });
    }

    fn stop(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

fn finish(
    args: &TrainArgs,
    trainer: &mut Trainer,
    (device, folder): (&Device, &RunFolder),
    (rows, seconds): (u64, f64),
) -> Result<u8, Error> {
    let test = trainer.test()?;
    let model = folder.file(BEST);
    let (job, best) = (trainer.job(), trainer.best());
    let confusion = test.as_ref().map(|test| {
        let labels = job.split.test.iter().map(|&row| job.dataset.labels[row as usize]);
        test.confusion(labels, job.dataset.classes.len())
    });
    if args.json {
        let test = test.as_ref().zip(confusion.as_ref()).map(|(test, confusion)| eval::object(test, confusion));
        say::json(&json!({
            "model": model.display().to_string(), "device": device.to_string(), "seed": job.settings.seed, "seconds": seconds, "test": test,
        }));
        return Ok(0);
    }
    let rate = show::thousands((rows as f64 / seconds) as u64);
    if !args.quiet {
        say!("");
    }
    say!("trained in {seconds:.1} s, {rate} samples/s, seed {}", job.settings.seed);
    if let Some((loss, epoch)) = best {
        say!("best     epoch {epoch}, validation loss {loss:.4}");
    }
    if let Some((test, confusion)) = test.as_ref().zip(confusion.as_ref()) {
        eval::summary("test accuracy", test);
        say!("");
        show::confusion(confusion, &job.dataset.classes);
    }
    say!("");
    say!("model    {}", model.display());
    say!("         wgrad predict {} {}", model.display(), example(&job.dataset.shape, Path::new(&job.settings.source)));
    Ok(0)
}

/// An input that the model would take, for the line that says how to go on.
fn example(shape: &[usize], source: &Path) -> String {
    if shape.len() == 3 { "IMAGE.png".into() } else { source.display().to_string() }
}
