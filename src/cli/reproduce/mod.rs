//! `wgrad reproduce`: a published figure run again, ours beside it.

mod figures;
mod halves;

use super::args::ReproduceArgs;
use super::flags::{BaseArgs, CheckFlags, FindsRate, TrainArgs, TrainFlags};
use super::runs::{self, Run};
use super::say::{self, say};
use super::{open_device, setting, show, train};
use crate::data::Targets;
use crate::error::Error;
use crate::kernel::Precision;
use crate::metrics::wilson;
use crate::names::nearest;
use crate::train::{Recipe, RunFolder, SETTINGS};
use figures::{FIGURES, Figure};
use serde_json::json;
use std::path::{Path, PathBuf};

pub(super) fn run(args: &ReproduceArgs) -> Result<u8, Error> {
    let Some(name) = &args.name else {
        list(args.json);
        return Ok(0);
    };
    let Some(figure) = FIGURES.iter().find(|figure| figure.name == *name) else {
        let names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
        return Err(setting(format!("unknown figure {name:?}; {}", nearest(name, &names))));
    };
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(figure.name));
    let stages = stages(figure, &out, args.seed);
    check(&out, &stages)?;
    if figure.before.is_some() {
        halves::write(&out)?;
    }
    let mut answered = vec![];
    for stage in &stages {
        let code = trained(args, stage)?;
        if code != 0 {
            return Ok(code);
        }
        if stage.answers {
            answered.push(Answered::of(args, &stage.run)?);
        }
    }
    let right = votes(&answered);
    tell(args, figure, &out, (right.iter().filter(|right| **right).count(), right.len()));
    Ok(0)
}

/// A run of a figure.
struct Stage {
    /// The folder of the run.
    run: PathBuf,
    seed: u64,
    /// The recipe in TOML.
    recipe: &'static str,
    /// The folder of the data, where the recipe does not name them.
    source: Option<PathBuf>,
    /// The model to start from.
    start: Option<PathBuf>,
    /// Whether the figure is of its answers, alone or with others.
    answers: bool,
}

/// The runs of a figure in the folder `out`, in the order in which they are trained. Voters have seeds that follow one another,
/// where after the largest comes 0.
fn stages(figure: &Figure, out: &Path, seed: u64) -> Vec<Stage> {
    let plain = |run, seed| Stage { run, seed, recipe: figure.recipe, source: None, start: None, answers: true };
    if let Some(recipe) = figure.before {
        let [first, second] = halves::folders(out);
        let before = Stage { recipe, source: Some(first), answers: false, ..plain(out.join("before"), seed) };
        let start = Some(before.run.join("model.safetensors"));
        let after = Stage { source: Some(second), start, ..plain(out.join("after"), seed) };
        return vec![before, after];
    }
    if figure.voters == 1 {
        return vec![plain(out.to_owned(), seed)];
    }
    let voter = |number| plain(out.join(format!("member-{}", number + 1)), seed.wrapping_add(number));
    (0..figure.voters).map(voter).collect()
}

/// Refuses a folder that neither is free nor holds runs of this figure, before anything is written.
fn check(out: &Path, stages: &[Stage]) -> Result<(), Error> {
    let own = stages.iter().flat_map(|stage| [Some(&stage.run), stage.source.as_ref()]).flatten();
    if !own.into_iter().any(|folder| folder.is_dir()) {
        RunFolder::check_free(out)?;
    }
    stages.iter().try_for_each(|stage| stage.has_begun().map(|_| ()))
}

impl Stage {
    fn recipe(&self) -> Result<Recipe, Error> {
        Ok(Recipe { seed: Some(self.seed), ..Recipe::read(self.recipe, &self.run)? })
    }

    /// Whether its run is there to go on with.
    ///
    /// # Errors
    /// Another run is there, or something else.
    fn has_begun(&self) -> Result<bool, Error> {
        let found = self.run.join("recipe.toml");
        if !found.is_file() {
            RunFolder::check_free(&self.run)?;
            return Ok(false);
        }
        same(&Recipe::open(&found)?, &self.recipe()?, &self.run)?;
        Ok(true)
    }
}

/// Trains a run, or goes on with it.
fn trained(args: &ReproduceArgs, stage: &Stage) -> Result<u8, Error> {
    let has_begun = stage.has_begun()?;
    let mut recipe = if has_begun { Recipe::default() } else { stage.recipe()? };
    if let (false, Some(source)) = (has_begun, &stage.source) {
        recipe.source = Some(source.to_string_lossy().into_owned());
    }
    let to = |is: bool| is.then(|| stage.run.clone());
    let base = BaseArgs { recipe: None, device: args.device.clone(), no_fuse: false, json: false };
    let checks = CheckFlags { dry_run: false, overfit_one_batch: false, lr: FindsRate(false) };
    let (resume, out, settings) = (to(has_begun), to(!has_begun), TrainFlags(Ok(recipe)));
    let init_from = stage.start.clone().filter(|_| !has_begun);
    let silent = args.quiet || args.json;
    train::run(TrainArgs { base, init_from, resume, out, quiet: silent, silent, checks, settings })
}

/// Refuses to go on with a run of another recipe.
fn same(found: &Recipe, wanted: &Recipe, run: &Path) -> Result<(), Error> {
    let differs = SETTINGS.iter().find(|setting| {
        let value = (setting.to_toml)(setting, wanted);
        value.is_some() && value != (setting.to_toml)(setting, found)
    });
    differs.map_or(Ok(()), |setting| {
        let what = format!("holds a run with another `{}`", setting.name);
        Err(other_folder(run, &what))
    })
}

fn other_folder(path: &Path, what: &str) -> Error {
    setting(format!("{} {what}: give another folder by --out", path.display()))
}

/// What one network answers for the test part.
struct Answered {
    classes: Vec<usize>,
    labels: Vec<usize>,
}

impl Answered {
    fn of(args: &ReproduceArgs, run: &Path) -> Result<Self, Error> {
        let device = open_device(Precision::F32, &args.device, false)?;
        let tested = runs::test(&Run::open(run)?, &device)?;
        let (problem, targets) = (&tested.job.problem, &tested.job.dataset.targets);
        let Targets::Classes { labels, .. } = targets else { return Err(other_folder(run, "holds no run on classes")) };
        let classes = tested.outputs.chunks(problem.head().outputs).map(|row| problem.class(row)).collect();
        let labels = tested.job.split.test.iter().map(|&row| labels[row as usize] as usize).collect();
        Ok(Self { classes, labels })
    }
}

/// For each row, whether the class with the most votes is right; of classes with as many, the first that was named.
fn votes(answered: &[Answered]) -> Vec<bool> {
    let of_row = |row: usize| {
        let named: Vec<usize> = answered.iter().map(|one| one.classes[row]).collect();
        let count = |class: usize| named.iter().filter(|&&other| other == class).count();
        let most = named.iter().map(|&class| count(class)).max();
        named.iter().find(|&&class| Some(count(class)) == most) == Some(&answered[0].labels[row])
    };
    (0..answered.first().map_or(0, |one| one.labels.len())).map(of_row).collect()
}

fn tell(args: &ReproduceArgs, figure: &Figure, out: &Path, (right, of): (usize, usize)) {
    let (ours, interval) = (right as f64 / of as f64, wilson(right, of));
    let [low, high] = interval;
    let verdict = match figure.accuracy() {
        published if published < low => "above",
        published if published > high => "below",
        _ => "within",
    };
    if args.json {
        say::json(&json!({
            "name": figure.name, "accuracy": ours, "interval": interval, "rows": of, "published": figure.accuracy(),
            "verdict": verdict, "source": figure.source, "differs": figure.differs, "seed": args.seed,
            "run": out.display().to_string(),
        }));
        return;
    }
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    say!("");
    say!(
        "ours       {}, 95 % interval {} to {} of {}",
        percent(ours),
        percent(low),
        percent(high),
        show::thousands(of as u64)
    );
    say!("published  {} ({})", percent(figure.accuracy()), figure.source);
    say!(
        "           {}",
        match verdict {
            "within" => "the published figure lies within our interval",
            "above" => "ours is better by more than the interval",
            _ => "ours is worse by more than the interval",
        }
    );
    say!("differs    {}", figure.differs);
}

fn list(is_json: bool) {
    if is_json {
        let object = |figure: &Figure| json!({ "name": figure.name, "what": figure.what, "published": figure.accuracy(), "source": figure.source });
        say::json(&json!(FIGURES.iter().map(object).collect::<Vec<_>>()));
        return;
    }
    let row = |figure: &Figure| {
        let published = format!("{:.2} %", figure.accuracy() * 100.0);
        vec![figure.name.to_owned(), published, figure.what.to_owned()]
    };
    show::table(&["figure", "published", "what"], &FIGURES.iter().map(row).collect::<Vec<_>>());
    say!("");
    say!("on MNIST's test part; run one by its name: wgrad reproduce {}", FIGURES[0].name);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_recipe_can_be_read() {
        for figure in FIGURES {
            for text in figure.before.into_iter().chain([figure.recipe]) {
                let recipe = Recipe::read(text, Path::new(figure.name)).unwrap_or_else(|error| panic!("{error}"));
                recipe.check().unwrap_or_else(|error| panic!("{}: {error}", figure.name));
                assert!(recipe.loss.is_some() && recipe.epochs.is_some(), "{}", figure.name);
                // The recipe of a run has all widths: one that is left out would differ from it.
                assert!(!text.contains("\"linear\"") && recipe.layers.is_some(), "{}", figure.name);
            }
        }
    }

    /// Every figure has a run for each voter, and one before them where it says so; no two share a folder or, among voters, a seed.
    #[test]
    fn voters_have_folders_and_seeds_of_their_own() {
        for figure in FIGURES {
            let stages = stages(figure, Path::new("out"), u64::MAX);
            let answering: Vec<&Stage> = stages.iter().filter(|stage| stage.answers).collect();
            assert_eq!(answering.len() as u64, figure.voters, "{}", figure.name);
            let seeds: Vec<u64> = answering.iter().map(|stage| stage.seed).collect();
            assert_eq!(seeds, [u64::MAX, 0, 1, 2, 3][..seeds.len()], "{}", figure.name);
            let folders: HashSet<&Path> = stages.iter().map(|stage| stage.run.as_path()).collect();
            assert_eq!(folders.len(), stages.len(), "{}", figure.name);
        }
    }

    /// Of five networks: 3 against 2; 2, 2 and 1, where the class named first of the two counts.
    #[test]
    fn the_class_with_the_most_votes_is_taken() {
        let one = |classes: [usize; 3]| Answered { classes: classes.into(), labels: vec![7, 1, 2] };
        let all = [one([7, 1, 2]), one([7, 2, 1]), one([7, 2, 1]), one([3, 1, 2]), one([3, 4, 3])];
        assert_eq!(votes(&all), [true, true, true]);
        let all = [one([3, 2, 1]), one([7, 2, 1]), one([3, 1, 2])];
        assert_eq!(votes(&all), [false, false, false]);
    }
}
