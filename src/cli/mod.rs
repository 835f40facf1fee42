//! The command line: one file for each subcommand.

mod answered;
mod args;
mod attend;
mod bag;
mod bar;
mod bench;
mod compare;
mod data;
mod devices;
mod diagnose;
mod doctor;
mod ensemble;
mod eval;
mod explain;
mod export;
mod flags;
mod gradcheck;
mod head;
mod import;
mod init_lab;
mod inputs;
mod markup;
mod plan;
mod predict;
mod reading;
mod report;
mod reproduce;
mod result;
mod runs;
mod say;
mod sheet;
mod show;
mod signals;
mod svg;
mod train;
mod tune;
mod unknown;

use crate::device::Device;
use crate::error::Error;
use crate::kernel::Precision;
use crate::op::{Target, Variants};
use args::{Cli, Command};
use attend::Attending;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use flags::DeviceArg;
#[cfg(not(windows))]
use std::env::args_os;
use std::path::PathBuf;
use std::process::ExitCode;
// Patterns such as `*.png` are the names of files, as the shells of other systems make them.
#[cfg(windows)]
use wild::args_os;

/// Runs what was typed. Errors go to stderr in one sentence; the exit code is 0 done, 1 the work failed, 2 wrong use or
/// bad input, 130 stopped by Ctrl-C after saving.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(args_os()) {
        Ok(cli) => cli,
        Err(error) => match unknown::flag(&error).or_else(|| misspelt(&error)) {
            Some(what) => {
                say::error(&setting(what));
                return ExitCode::from(2);
            }
            None => error.exit(),
        },
    };
    if let (None, Some(data)) = (&cli.command, cli.train.source())
        && let Some(what) = meant(data)
    {
        say::error(&setting(what));
        return ExitCode::from(2);
    }
    let command = cli.command.unwrap_or(Command::Train(cli.train));
    if !matches!(&command, Command::Train(args) if args.quiet) {
        reading::shown();
    }
    let done = match command {
        Command::Train(args) => train::run(args),
        Command::Eval(args) => eval::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Diagnose(args) => diagnose::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Gradcheck(args) => gradcheck::run(&args),
        Command::InitLab(args) => init_lab::run(&args),
        Command::Bag(args) => bag::run(&args),
        Command::Ensemble(args) => ensemble::run(&args),
        Command::Reproduce(args) => reproduce::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Tune(args) => tune::run(&args),
        Command::Data(args) => data::run(&args),
    };
    match say::lost().map_or(done, Err) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say::error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// What is wrong where the first word is a slip of a command, and others follow it.
fn misspelt(error: &clap::Error) -> Option<String> {
    let first = args_os().nth(1)?.into_string().ok()?;
    let is_command = Cli::command().find_subcommand(&first).is_some();
    (matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::ArgumentConflict)
        && !is_command
        && !first.starts_with('-'))
    .then(|| meant(&first))?
}

/// What is wrong with a first word that is a slip of a command, and neither a known data set nor looks like a path.
fn meant(word: &str) -> Option<String> {
    let known = crate::data::KNOWN.iter().any(|known| known.name == word);
    if known || word.contains(['/', '\\', '.']) || std::path::Path::new(word).exists() {
        return None;
    }
    let commands = Cli::command();
    let names: Vec<&str> = commands.get_subcommands().map(clap::Command::get_name).collect();
    crate::names::slip_of(word, &names).map(|meant| format!("there is no command {word:?}; did you mean {meant}?"))
}

/// Opens a device, and says to stderr where the CPU path stands in for a GPU. What takes long is shown there if `shows`.
fn open_device(precision: Precision, asked: &DeviceArg, shows: bool) -> Result<Device, Error> {
    asked.drivers.hush();
    let device = Device::open_attended(precision, &asked.device, Attending::new(shows))?;
    if let Some(why) = device.why_cpu() {
        say::to_stderr(format_args!("on the CPU: {why}"));
    }
    Ok(device)
}

/// What plans for a device are compiled for, with or without operations joined.
fn target(device: &Device, no_fuse: bool) -> Target {
    Target { fuse: !no_fuse, ..device.target() }
}

/// The variants of a target in words.
fn variants(Variants { product, groups_wanted, block_work }: Variants) -> String {
    let product = product.name();
    let split = match groups_wanted {
        1 => "never split".to_owned(),
        groups => format!("split to have {groups} groups"),
    };
    let blocks = match block_work {
        0 => "no blocks".to_owned(),
        u64::MAX => "blocks of any size".to_owned(),
        most => format!("blocks up to {} products", show::thousands(most)),
    };
    format!("{product} products, {split}, {blocks}")
}

/// Where data sets lie: `WGRAD_DATA`.
fn data_dir() -> Option<PathBuf> {
    std::env::var_os("WGRAD_DATA").map(PathBuf::from)
}

/// A wrong flag or argument.
fn setting(error: impl ToString) -> Error {
    Error::Setting(error.to_string())
}
