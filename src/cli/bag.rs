//! `wgrad bag`

mod bags;
mod vary;
mod widths;

use super::args::BagArgs;
use super::attend::Attending;
use super::ensemble::members::Members;
use super::ensemble::rows::Rows;
use super::ensemble::told::Judged;
use super::say::{self, note, say};
use super::train::{again, health_warnings, run_name};
use super::{data_dir, flags, head, setting, signals, target};
use crate::data::{Part, Values};
use crate::device::Device;
use crate::error::Error;
use crate::export::{Ensemble, Model};
use crate::memory::free;
use crate::op::Target;
use crate::threads;
use crate::train::{HealthWarning, Job, Measure, Observer, Outcome, Recipe, RunFolder, Trainer, prepare};
use bags::OutOfBag;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use vary::Varied;

/// The model of a run.
const BEST: &str = "model.safetensors";

/// The model of all members.
const ALL: &str = "ensemble.safetensors";

pub(super) fn run(args: &BagArgs) -> Result<u8, Error> {
    let typed = flags::over(args.base.recipe.as_deref(), &args.settings.0)?;
    typed.check()?;
    let attending = Attending::new(!args.quiet && !args.base.json);
    args.base.device.drivers.hush();
    let (precision, choice) = (typed.precision.unwrap_or_default(), &args.base.device.device);
    let device = Device::open_attended(precision, choice, attending)?;
    let plain = Recipe { bootstrap: None, ..typed.clone() };
    let (job, notes) = prepare(&plain, data_dir().as_deref())?;
    let target = target(&device, args.base.no_fuse);
    let beside = beside(&job, target, &device)?;
    let Varied { recipes, note } = vary::varied((&typed, &job), args.vary, args.k, target)?;
    let folder = RunFolder::several(args.out.as_deref(), &format!("{}-bag", run_name(&job.dataset.name)))?;
    if let Some(why) = device.why_cpu() {
        note!("on the CPU: {why}");
    }
    if let Some(text) = note {
        note!("note: {text}");
    }
    if !args.quiet && !args.base.json {
        begin(&job, &notes, &recipes, &device);
    }
    let training =
        Training { args, device: &device, folder: &folder, stop: stop_flag()?, over: AtomicBool::new(false) };
    let runs = training.all(&recipes, beside)?;
    if runs.iter().any(|run| matches!(run, Run::Stopped)) {
        let shown = folder.display();
        note!(
            "stopped, all saved: go on with each run that has begun in {shown} by wgrad train --resume RUN, and join the \
             models with wgrad ensemble"
        );
        return Ok(130);
    }
    let bagged = recipes.iter().any(|(recipe, _)| recipe.bootstrap == Some(true));
    Joined { args, job: &job, device: &device, folder: &folder, runs: &runs, bagged }.finish()
}

/// How one member went.
enum Run {
    Trained { model: PathBuf, seed: u64, told: String, warnings: Vec<HealthWarning> },
    Failed { run: PathBuf, why: String, warnings: Vec<HealthWarning> },
    Stopped,
}

impl Run {
    /// `run`, `differs`, `seed` and `health_warnings`; of a run that failed `run`, `failed` and `health_warnings`.
    fn object(&self) -> Value {
        match self {
            Self::Trained { model, seed, told, warnings } => {
                let run = model.parent().unwrap_or(model).display().to_string();
                json!({ "run": run, "differs": told, "seed": seed, "health_warnings": health_warnings(warnings) })
            }
            Self::Failed { run, why, warnings } => {
                json!({ "run": run.display().to_string(), "failed": why, "health_warnings": health_warnings(warnings) })
            }
            Self::Stopped => Value::Null,
        }
    }
}

/// What all members have in common.
struct Training<'a> {
    args: &'a BagArgs,
    device: &'a Device,
    folder: &'a Path,
    /// Set by Ctrl-C.
    stop: Arc<AtomicBool>,
    /// Set by a fault that all members have.
    over: AtomicBool,
}

/// Hears what the run of a member does, and asks it to end.
struct Hearing<'a> {
    training: &'a Training<'a>,
    number: usize,
    warnings: Vec<HealthWarning>,
}

impl Observer for Hearing<'_> {
    fn health(&mut self, warning: &HealthWarning) {
        note!("member {}: warning: {}", self.number + 1, warning.text);
        self.warnings.push(warning.clone());
    }

    fn stop(&self) -> bool {
        self.training.is_over()
    }
}

impl Training<'_> {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst) || self.over.load(Ordering::SeqCst)
    }

    /// Trains all members, so many beside one another.
    ///
    /// # Errors
    /// A recipe cannot be trained on these data.
    fn all(&self, recipes: &[(Recipe, String)], beside: usize) -> Result<Vec<Run>, Error> {
        let each = threads::side_by_side(recipes.len(), beside, |number| {
            let done = self.member(number, &recipes[number]);
            self.over.fetch_or(done.is_err(), Ordering::SeqCst);
            done
        });
        each.into_iter().collect()
    }

    fn member(&self, number: usize, (recipe, told): &(Recipe, String)) -> Result<Run, Error> {
        let run = self.folder.join(format!("member-{}", number + 1));
        if self.is_over() {
            return Ok(Run::Stopped);
        }
        let mut hearing = Hearing { training: self, number, warnings: vec![] };
        let done = self.train(recipe, &run, &mut hearing);
        let warnings = hearing.warnings;
        match done {
            Ok(Some(line)) => {
                if !self.args.quiet && !self.args.base.json {
                    say!("member {}, {told}: {line}", number + 1);
                }
                let seed = recipe.seed.unwrap_or_else(|| unreachable!("vary::varied gives every member a seed"));
                Ok(Run::Trained { model: run.join(BEST), seed, told: told.clone(), warnings })
            }
            Ok(None) => Ok(Run::Stopped),
            // What is wrong with a recipe is so before anything is trained.
            Err(error) if error.exit_code() == 2 => Err(error),
            Err(error) => {
                note!("member {}, {told}, failed and is left out: {}", number + 1, say::with_flags(&error.to_string()));
                Ok(Run::Failed { run, why: error.to_string(), warnings })
            }
        }
    }

    /// Trains a member as `wgrad train` does, and says how it went; nothing if it was stopped.
    fn train(&self, recipe: &Recipe, run: &Path, hearing: &mut Hearing<'_>) -> Result<Option<String>, Error> {
        let started = Instant::now();
        let (job, _) = prepare(recipe, data_dir().as_deref())?;
        let trainer = Trainer::for_target(job, self.device, target(self.device, self.args.base.no_fuse))?;
        let folder = RunFolder::create(Some(run), "", &trainer.recipe())?;
        folder.notes().iter().for_each(|text| note!("note: {text}"));
        let told = |hearing: &mut Hearing<'_>, what: &str| {
            note!("member {}: {what}", hearing.number + 1);
            // The run begins once more.
            hearing.warnings.clear();
        };
        let both = (trainer, folder);
        let (trainer, _, outcome) = again::train(recipe.lr.is_none(), self.device, both, hearing, told)?;
        if outcome == Outcome::Stopped {
            return Ok(None);
        }
        let measure = if trainer.job().settings.measure == Measure::Loss { "loss" } else { "accuracy" };
        let best = trainer
            .best()
            .map_or_else(String::new, |(best, epoch)| format!("best epoch {epoch}, validation {measure} {best:.4}, "));
        Ok(Some(format!("{best}{:.1} s", started.elapsed().as_secs_f64())))
    }
}

/// How many members train beside one another: on the CPU as many as there are threads and memory for, since the loops of one
/// network cannot keep all threads busy; a GPU has one at a time, and compiles kernels for the first alone.
///
/// # Errors
/// The network does not fit the data or the device.
fn beside(job: &Job, target: Target, device: &Device) -> Result<usize, Error> {
    let (_, compiled) = job.compile(target)?;
    let own = match &job.dataset.values {
        Values::Bytes(values) => values.len(),
        Values::Floats(values) => 4 * values.len(),
    };
    let needed = (compiled.plan.bytes() + own as u64).max(1);
    let fit = free().map_or(usize::MAX, |free| usize::try_from(free / needed).unwrap_or(usize::MAX));
    Ok(if device.is_cpu() { threads::count().min(fit).max(1) } else { 1 })
}

fn stop_flag() -> Result<Arc<AtomicBool>, Error> {
    signals::stop_flag().map_err(|error| setting(format!("Ctrl-C cannot be caught: {error}")))
}

fn begin(job: &Job, notes: &[String], recipes: &[(Recipe, String)], device: &Device) {
    say!("device   {device}");
    say!("data     {}", job.named());
    say!("split    {}", head::split(&job.split));
    notes.iter().for_each(|text| say!("         {}", say::with_flags(text)));
    let bagged = recipes.iter().any(|(recipe, _)| recipe.bootstrap == Some(true));
    let of = if bagged { "a bootstrap sample each" } else { "all training rows each" };
    say!("members  {}, {of}", recipes.len());
    say!("");
}

/// The members as one.
struct Joined<'a> {
    args: &'a BagArgs,
    /// The data with all rows to train on.
    job: &'a Job,
    device: &'a Device,
    folder: &'a Path,
    runs: &'a [Run],
    /// Whether members were trained on bootstrap samples.
    bagged: bool,
}

impl Joined<'_> {
    /// Joins what was trained, and says how it does.
    fn finish(&self) -> Result<u8, Error> {
        let count = self.runs.iter().filter(|run| matches!(run, Run::Trained { .. })).count();
        if count < 2 {
            let all = self.runs.len();
            note!("error: {count} of {all} members could be trained, and an ensemble has at least two");
            return Ok(1);
        }
        let (members, seeds) = self.members()?;
        let (job, device) = (self.job, self.device);
        let members = if self.args.greedy { members.chosen(job, device)? } else { members };
        let rows = Rows::of_job(job, Part::Test);
        let judged = rows.as_ref().map(|rows| Judged::new(&members, rows, device)).transpose()?;
        let bag = self.bagged.then(|| OutOfBag::of(job, &members, &seeds, device)).transpose()?.flatten();
        let file = self.folder.join(ALL);
        members.ensemble.save(&file)?;
        if self.args.base.json {
            let mut object = judged.as_ref().map_or_else(|| json!({}), Judged::object);
            object["model"] = json!(file.display().to_string());
            object["average"] = json!(self.args.average.to_string());
            object["runs"] = self.runs.iter().map(Run::object).collect();
            object["out_of_bag"] = json!(bag.as_ref().map(OutOfBag::object));
            say::json(&object);
            return Ok(0);
        }
        if let Some(judged) = &judged {
            say!("");
            judged.say()?;
        }
        if let Some(bag) = &bag {
            bag.say();
        }
        say!("model    {}: {} members, {} averaged", file.display(), members.names.len(), self.args.average);
        Ok(0)
    }

    /// The models that were trained, and the seed of each by its name.
    fn members(&self) -> Result<(Members, HashMap<String, u64>), Error> {
        let (mut models, mut names, mut seeds) = (vec![], vec![], HashMap::new());
        for run in self.runs {
            let Run::Trained { model, seed, .. } = run else { continue };
            let (ensemble, _) = Ensemble::open(model)?;
            models.extend(ensemble.into_members());
            names.push(model.display().to_string());
            seeds.insert(model.display().to_string(), *seed);
        }
        models.iter_mut().for_each(Model::leave_run);
        Ok((Members { ensemble: Ensemble::new(self.args.average, models)?, names }, seeds))
    }
}
