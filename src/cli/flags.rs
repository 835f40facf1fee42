//! The flags of `train` and `plan`. Every setting is one; they are made from the table of settings.

use super::setting;
use crate::device::DeviceChoice;
use crate::error::Error;
use crate::gpu;
use crate::ops::losses;
use crate::train::{FIXED, PLAN, POSITIONAL, Recipe, SETTINGS, SWITCH, Setting, named};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use std::path::{Path, PathBuf};

/// What a resumed run cannot take, beside the settings that are fixed.
const NOT_RESUMED: [&str; 3] = ["recipe", "init_from", "out"];

/// Settings of training and of pictures that the loss before any update depends on, beside those that a loss declares.
const OF_THE_LOSS: [&str; 6] = ["crop", "scale", "loss", "class_weights", "label_smoothing", "seed"];

/// The rate of `train` that stands for a look for one.
const FIND: &str = "find";

#[derive(Args, Clone, Debug)]
pub(super) struct DeviceArg {
    /// auto (the best hardware GPU, else the CPU), cpu, gpu (also a software driver), or a GPU's number or part of its name
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(super) device: DeviceChoice,
    #[command(flatten)]
    pub(super) drivers: Drivers,
}

#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Drivers {
    /// Say more: what GPU drivers print while wgrad looks for devices, which is else shown only if no device can be opened;
    /// and every epoch of a long training run
    #[arg(long)]
    pub(super) verbose: bool,
}

impl Drivers {
    /// Keeps what drivers print away from the terminal, unless it was asked for.
    pub(super) fn hush(self) {
        if !self.verbose {
            gpu::quiet_drivers();
        }
    }
}

#[derive(Args, Clone, Debug)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    pub(super) base: BaseArgs,
    /// Start from the weights of a safetensors file
    #[arg(long, value_name = "FILE")]
    pub(super) init_from: Option<PathBuf>,
    /// Go on with the run in a folder; with more epochs or steps, the schedule is that of the longer run
    #[arg(long, value_name = "RUN", conflicts_with_all = fixed())]
    pub(super) resume: Option<PathBuf>,
    /// Run folder [default: the next free runs/NAME-001]
    #[arg(long, short_alias = 'o', value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Print only the final summary
    #[arg(long, short_alias = 'q')]
    pub(super) quiet: bool,
    /// Print no summary either: another command tells its own result.
    #[arg(skip)]
    pub(super) silent: bool,
    #[command(flatten)]
    pub(super) checks: CheckFlags,
    #[command(flatten)]
    pub(super) settings: TrainFlags,
}

/// What `train` does in place of a run.
#[derive(Args, Clone, Debug)]
pub(super) struct CheckFlags {
    /// Do all that comes before the first update, tell what would be trained and the first loss, and write nothing
    #[arg(long, conflicts_with = "resume")]
    pub(super) dry_run: bool,
    /// Train on a single batch without regularisation and say whether its loss goes near 0, as it must; exit code 1 if it does
    /// not. Nothing is written
    #[arg(long, conflicts_with_all = ["resume", "out", "dry_run"])]
    pub(super) overfit_one_batch: bool,
    #[command(flatten)]
    pub(super) lr: FindsRate,
}

/// Whether `--lr find` was typed.
#[derive(Clone, Copy, Debug)]
pub(super) struct FindsRate(pub(super) bool);

impl Args for FindsRate {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

impl FromArgMatches for FindsRate {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.get_one::<String>("lr").is_some_and(|text| text == FIND)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl TrainArgs {
    /// The data set that was typed.
    pub(super) fn source(&self) -> Option<&str> {
        self.settings.0.as_ref().ok()?.source.as_deref()
    }
}

/// What `train` and `plan` have in common beside the settings.
#[derive(Args, Clone, Debug)]
pub(super) struct BaseArgs {
    /// A recipe in TOML; a flag wins over its key
    #[arg(long, value_name = "FILE")]
    pub(super) recipe: Option<PathBuf>,
    #[command(flatten)]
    pub(super) device: DeviceArg,
    /// Run every operation as a dispatch of its own; results differ by float32 rounding only
    #[arg(long)]
    pub(super) no_fuse: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

/// The settings that were typed, of `train`: all of them; or what is wrong with one.
#[derive(Clone, Debug)]
pub(super) struct TrainFlags(pub(super) Result<Recipe, String>);

/// The same where no rate can be looked for.
#[derive(Clone, Debug)]
pub(super) struct RunFlags(pub(super) Result<Recipe, String>);

/// The settings that were typed, of `plan`: those that the plan depends on; or what is wrong with one.
#[derive(Clone, Debug)]
pub(super) struct PlanFlags(pub(super) Result<Recipe, String>);

/// The settings that were typed, of commands that look at a network before any update: data, network and loss; or what is wrong
/// with one.
#[derive(Clone, Debug)]
pub(super) struct LossFlags(pub(super) Result<Recipe, String>);

fn fixed() -> Vec<&'static str> {
    let settings = SETTINGS.iter().filter(|setting| setting.has(FIXED)).map(|setting| setting.name);
    settings.chain(NOT_RESUMED).collect()
}

/// The heading of a section's flags in a help text.
fn heading(section: &str) -> &'static str {
    match section {
        "data" => "Data",
        "augment" => "Pictures",
        "model" => "Network",
        _ => "Training",
    }
}

/// Whether a command takes a setting.
type Takes = fn(&Setting<Recipe>) -> bool;

/// Whether the loss before any update depends on a setting.
fn is_of_loss(setting: &Setting<Recipe>) -> bool {
    let declared = || losses().any(|kind| kind.settings.iter().any(|of| of.name == setting.name));
    match setting.section {
        "data" => setting.has(PLAN),
        "model" => setting.has(PLAN) && setting.name != "cache_features",
        _ => OF_THE_LOSS.contains(&setting.name) || declared(),
    }
}

/// Adds an argument for each setting that is taken. It holds the text as typed, which the setting reads.
fn augment(command: Command, takes: Takes) -> Command {
    let of = SETTINGS.iter().filter(|setting| takes(setting));
    of.fold(command, |command, setting| command.arg(argument(setting)))
}

fn argument(setting: &'static Setting<Recipe>) -> Arg {
    let default = if setting.default.is_empty() { String::new() } else { format!(" [default: {}]", setting.default) };
    let help = format!("{}{default}", setting.doc.strip_suffix('.').unwrap_or(&setting.doc));
    let arg = Arg::new(setting.name).value_name(setting.value).help(help).allow_negative_numbers(true);
    if setting.has(POSITIONAL) {
        return arg;
    }
    let aliases = setting.aliases.iter().filter(|alias| alias.len() > 1);
    let short = setting.aliases.iter().find(|alias| alias.len() == 1).and_then(|alias| alias.chars().next());
    let arg = arg.long(setting.name.replace('_', "-")).aliases(aliases).help_heading(heading(setting.section));
    let arg = match short {
        Some(letter) => arg.short_alias(letter),
        None => arg,
    };
    match setting.has(SWITCH) {
        true => arg.num_args(0..=1).default_missing_value("true").require_equals(true),
        false => arg,
    }
}

/// Reads what was typed into a recipe.
fn typed(matches: &ArgMatches, takes: Takes, finds_rate: bool) -> Result<Recipe, String> {
    let mut recipe = Recipe::default();
    // That rate is no setting of a run.
    let is_value = |setting: &Setting<Recipe>, text: &&String| !finds_rate || setting.name != "lr" || *text != FIND;
    for setting in SETTINGS.iter().filter(|setting| takes(setting)) {
        if let Some(text) = matches.get_one::<String>(setting.name).filter(|text| is_value(setting, text)) {
            (setting.read)(setting, &mut recipe, text).map_err(|what| named(setting.name, &what))?;
        }
    }
    Ok(recipe)
}

macro_rules! flags {
    ($name:ident, $takes:expr, $finds_rate:expr) => {
        impl Args for $name {
            fn augment_args(command: Command) -> Command {
                augment(command, $takes)
            }

            fn augment_args_for_update(command: Command) -> Command {
                augment(command, $takes)
            }
        }

        impl FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self(typed(matches, $takes, $finds_rate)))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                self.0 = typed(matches, $takes, $finds_rate);
                Ok(())
            }
        }
    };
}

flags!(TrainFlags, |_| true, true);
flags!(RunFlags, |_| true, false);
flags!(PlanFlags, |setting| setting.has(PLAN), false);
flags!(LossFlags, is_of_loss, false);

/// The recipe of a file, with the settings that were typed over it.
pub(super) fn over(file: Option<&Path>, typed: &Result<Recipe, String>) -> Result<Recipe, Error> {
    let mut recipe = file.map_or(Ok(Recipe::default()), Recipe::open)?;
    recipe.take(typed.as_ref().map_err(setting)?);
    Ok(recipe)
}
