//! What the examples share: flags, training jobs out of recipes, a report on the terminal and plots as SVG.
#![allow(dead_code, reason = "each example uses a part")]

pub mod model;
mod plot;
mod report;
pub mod start;

pub use plot::{Plot, Series};
pub use report::Report;

use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wgrad::device::{Device, DeviceChoice};
use wgrad::names::nearest;
use wgrad::train::{Job, Recipe, Trainer, prepare};

/// What an example may fail with.
pub type Failure = Box<dyn std::error::Error>;

/// How much an example does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Seconds, on the digits in the library.
    Short,
    /// Minutes, on MNIST where it needs that, found through `WGRAD_DATA`.
    Full,
    /// The published sizes and length, where the full form has less: hours, without a GPU.
    Paper,
}

/// How an example runs.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How much it does.
    pub form: Form,
    /// Where it computes.
    pub device: Device,
    /// Where plots go.
    pub out: PathBuf,
}

#[derive(Debug, Parser)]
struct Flags {
    /// A few seconds on the built-in digits in place of the full form
    #[arg(long)]
    short: bool,
    /// The published sizes and length, where the full form has less: hours, without a GPU
    #[arg(long, conflicts_with = "short")]
    paper: bool,
    /// Folder for the plots
    #[arg(long, value_name = "DIR", default_value = "target/plots")]
    out: PathBuf,
    /// auto, cpu, gpu, a number or a part of a name
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

impl Setup {
    /// As the flags say, of an example that has a published form or none.
    fn from_flags(has_paper: bool) -> Result<Self, Failure> {
        let flags = Flags::parse();
        if flags.paper && !has_paper {
            return Err("this example has no other published form than its full one: leave --paper out".into());
        }
        let form = match (flags.short, flags.paper) {
            (true, _) => Form::Short,
            (_, true) => Form::Paper,
            _ => Form::Full,
        };
        std::fs::create_dir_all(&flags.out).map_err(|why| format!("{}: cannot be made: {why}", flags.out.display()))?;
        // Window libraries complain of what no computation needs.
        wgrad::gpu::quiet_drivers();
        Ok(Self { form, device: Device::open(&flags.device)?, out: flags.out })
    }

    /// The short form on the CPU path.
    pub fn short(out: &Path) -> Self {
        Self { form: Form::Short, device: Device::CPU, out: out.to_owned() }
    }

    /// One of two, by the form: what is not short is full.
    pub fn pick<T>(&self, short: T, full: T) -> T {
        if self.form == Form::Short { short } else { full }
    }

    /// One of three, by the form.
    pub fn choose<T>(&self, short: T, full: T, paper: T) -> T {
        if self.form == Form::Paper { paper } else { self.pick(short, full) }
    }

    /// A recipe with the data set of the form: the digits, of which a part is held out to test, or MNIST with its own.
    /// All that is not named is off: no momentum, no weight decay, nothing held out to validate.
    pub fn recipe(&self, layers: &[&str], held_out: f64) -> Recipe {
        let mut recipe = Recipe::plain();
        recipe.source = Some(self.pick("digits", "mnist").into());
        recipe.test = Some(self.pick(held_out, 0.0).into());
        recipe.layers = Some(layers.iter().map(|&text| text.into()).collect());
        recipe
    }

    /// The data of a recipe, split and measured.
    pub fn job(&self, recipe: &Recipe) -> Result<Job, Failure> {
        let data = std::env::var_os("WGRAD_DATA").map(PathBuf::from);
        Ok(prepare(recipe, data.as_deref())?.0)
    }

    /// The network of a recipe, ready to be trained on its data.
    pub fn trainer(&self, recipe: &Recipe) -> Result<Trainer, Failure> {
        Ok(Trainer::new(self.job(recipe)?, &self.device)?)
    }
}

/// Runs an example as the flags say, and says what it failed with.
pub fn main<T>(run: fn(&Setup) -> Result<T, Failure>) -> ExitCode {
    run_with(Setup::from_flags(false), run)
}

/// The same for an example that `--paper` changes.
pub fn main_with_paper<T>(run: fn(&Setup) -> Result<T, Failure>) -> ExitCode {
    run_with(Setup::from_flags(true), run)
}

fn run_with<T>(setup: Result<Setup, Failure>, run: fn(&Setup) -> Result<T, Failure>) -> ExitCode {
    match setup.and_then(|setup| run(&setup)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Mean of numbers.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// The one of a list that has a name.
pub fn find<'a, T>(all: &'a [T], name: impl Fn(&T) -> &str, wanted: &str) -> Result<&'a T, Failure> {
    let names: Vec<&str> = all.iter().map(&name).collect();
    let found = all.iter().find(|item| name(item) == wanted);
    found.ok_or_else(|| format!("there is no {wanted}; {}", nearest(wanted, &names)).into())
}
