//! The run folder: `recipe.toml`, `model.safetensors`, `last.safetensors`, `steps.csv`, `epochs.csv`, `health.csv`.
//!
//! One process at a time writes into it, which a lock on the file `.lock` ensures; the system releases the lock when the
//! process ends, however it ends. `recipe.toml` is written when the run can begin, so a folder without it holds no run.

use super::events::Events;
use super::health::HEADER;
use super::report::EpochReport;
use super::run_table::{Table, measured, replace, start};
use super::settings::{Log, Recipe};
use crate::error::Error;
use crate::files;
use crate::metrics::Evaluation;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

const STEPS: &str = "steps.csv";
const STEPS_HEADER: &str = "step,loss";
const EPOCHS: &str = "epochs.csv";
const EPOCHS_HEADER: &str = "epoch,step,train_loss,train_accuracy,validation_loss,validation_accuracy";
const HEALTH: &str = "health.csv";
const LOCK: &str = ".lock";

/// The settings of a run, every one.
pub(super) const RECIPE: &str = "recipe.toml";

/// What a run goes on from.
pub(super) const LAST: &str = "last.safetensors";

/// The model of a run: the best so far.
pub(super) const BEST: &str = "model.safetensors";

/// The state before numbers overflowed.
pub(super) const DIVERGED: &str = "diverged.safetensors";

/// The right to write into a run folder, which one process has at a time.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    /// Locked as long as it is open, unless the file system knows no locks.
    _lock: File,
    locked: bool,
}

impl Claim {
    /// Claims the folder of an earlier run.
    ///
    /// # Errors
    /// The folder holds no run, or another process writes into it.
    pub fn of_run(path: &Path) -> Result<Self, Error> {
        let recipe = path.join(RECIPE);
        if path.is_dir() && !recipe.exists() {
            let what =
                "is not there, so the folder holds no run, or one that was ended before it began: start a new run";
            return Err(Error::RunFolder { path: recipe, what: what.into() });
        }
        fs::metadata(&recipe).map_err(Error::file(recipe, "cannot be read"))?;
        Self::of(path)
    }

    fn of(path: &Path) -> Result<Self, Error> {
        let lock = path.join(LOCK);
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&lock);
        let file = opened.map_err(Error::file(lock, "cannot be written"))?;
        let locked = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => {
                let what = "another process trains in this run folder: wait until it ends, or stop it".into();
                return Err(Error::RunFolder { path: path.to_owned(), what });
            }
            Err(TryLockError::Error(_)) => false,
        };
        Ok(Self { path: path.to_owned(), _lock: file, locked })
    }
}

/// An open run folder.
#[derive(Debug)]
pub struct RunFolder {
    claim: Claim,
    steps: BufWriter<File>,
    epochs: BufWriter<File>,
    /// TensorBoard's, once the run has begun, if it is wanted.
    events: Option<Events>,
    /// Made with its first line: not every run measures its layers.
    health: Option<BufWriter<File>>,
    /// Written when the run begins.
    recipe: Option<String>,
    notes: Vec<String>,
}

impl RunFolder {
    /// Makes a folder for several runs: `out`, or the next numbered one `runs/NAME-001` where none is given.
    ///
    /// # Errors
    /// `out` is there and not empty, or cannot be written.
    pub fn several(out: Option<&Path>, name: &str) -> Result<PathBuf, Error> {
        let Some(path) = out else { return numbered(Path::new("runs"), name) };
        if path.is_file() || fs::read_dir(path).is_ok_and(|mut found| found.next().is_some()) {
            let what = "is there and is not an empty folder: name another with `out`, or empty it";
            return Err(Error::RunFolder { path: path.to_owned(), what: what.into() });
        }
        fs::create_dir_all(path).map_err(Error::file(path, "cannot be made"))?;
        Ok(path.to_owned())
    }

    /// Makes the folder `out`, or the next numbered one `runs/NAME-001` where none is given.
    ///
    /// # Errors
    /// `out` is there and not empty, or cannot be written.
    pub fn create(out: Option<&Path>, name: &str, recipe: &Recipe) -> Result<Self, Error> {
        let path = match out {
            Some(path) => {
                free(path)?;
                fs::create_dir_all(path).map_err(Error::file(path, "cannot be made"))?;
                path.to_owned()
            }
            None => numbered(Path::new("runs"), name)?,
        };
        let claim = Claim::of(&path)?;
        // Another process may have been faster between the look and the lock.
        free(&path)?;
        remove_parts(&path);
        let steps = start(&path.join(STEPS), STEPS_HEADER)?;
        let epochs = start(&path.join(EPOCHS), EPOCHS_HEADER)?;
        let (recipe, notes) = (Some(portable(recipe, &path).text()), claim.notes());
        Ok(Self { claim, steps, epochs, events: None, health: None, recipe, notes })
    }

    /// Refuses a folder that no new run can have, and makes nothing.
    ///
    /// # Errors
    /// The path is a file, or a folder that is not empty.
    pub fn check_free(path: &Path) -> Result<(), Error> {
        free(path)
    }

    /// Empties the folder for the same run from its start.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn restart(self, recipe: &Recipe) -> Result<Self, Error> {
        let path = self.claim.path.clone();
        // Whenever a kill comes, the folder is one that can be gone on with, or one that a new run can have: the recipe goes
        // last.
        let steps = start(&path.join(STEPS), STEPS_HEADER)?;
        let epochs = start(&path.join(EPOCHS), EPOCHS_HEADER)?;
        for name in [LAST, BEST, DIVERGED, HEALTH, RECIPE] {
            match fs::remove_file(path.join(name)) {
                Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::file(path.join(name), "cannot be removed")(why));
                }
                _ => {}
            }
        }
        Events::remove(&path)?;
        let recipe = Some(portable(recipe, &path).text());
        Ok(Self { claim: self.claim, steps, epochs, events: None, health: None, recipe, notes: self.notes })
    }

    /// Opens the folder of an earlier run to go on after `step` updates and `epoch` epochs: what its tables hold beyond
    /// is of steps that will be taken again, and is dropped, like a row that was not written to its end. Its recipe becomes
    /// the one that is given, of the longer run.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn resume(claim: Claim, step: u64, epoch: u64, recipe: Option<&Recipe>) -> Result<Self, Error> {
        let path = claim.path.clone();
        let mut notes = claim.notes();
        // All is read before anything is written.
        let steps = Table::read(&path.join(STEPS), STEPS_HEADER, (0, step))?;
        let epochs = Table::read(&path.join(EPOCHS), EPOCHS_HEADER, (1, epoch))?;
        let health = measured(&path.join(HEALTH), HEADER, epoch)?;
        notes.extend([&steps, &epochs].into_iter().filter_map(Table::gap));
        remove_parts(&path);
        if let Some(recipe) = recipe {
            replace(&path.join(RECIPE), &portable(recipe, &path).text())?;
        }
        if let Some(kept) = health {
            replace(&path.join(HEALTH), &kept)?;
        }
        Ok(Self {
            claim,
            steps: steps.go_on()?,
            epochs: epochs.go_on()?,
            events: None,
            health: None,
            recipe: None,
            notes,
        })
    }

    /// Whole epochs that the tables of a run hold.
    pub(super) fn epochs(run: &Path) -> Result<usize, Error> {
        Ok(Table::read(&run.join(EPOCHS), EPOCHS_HEADER, (1, u64::MAX))?.rows)
    }

    /// Writes the recipe of a new run: from here on it can be resumed. Then the log, if one is wanted, goes on after `step`
    /// updates.
    pub(super) fn begin(&mut self, log: Log, step: u64) -> Result<(), Error> {
        self.recipe.take().map_or(Ok(()), |recipe| replace(&self.file(RECIPE), &recipe))?;
        self.events = (log == Log::Tensorboard).then(|| Events::open(self.path(), step)).transpose()?;
        Ok(())
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.claim.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.claim.path.join(name)
    }

    /// What the user should know of it, in sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Notes the loss of the step after `step` updates, and the rate of its own.
    pub(super) fn step(&mut self, step: u64, loss: f32, rate: f32) -> Result<(), Error> {
        writeln!(self.steps, "{step},{loss}").map_err(Error::file(self.file(STEPS), "cannot be written"))?;
        let values = [("loss/step", f64::from(loss)), ("lr", f64::from(rate))];
        // Events are numbered by the updates done, of steps as of epochs, so that the state's number says which it has.
        self.events.as_mut().map_or(Ok(()), |events| events.scalars(step + 1, &values))
    }

    pub(super) fn epoch(&mut self, report: &EpochReport) -> Result<(), Error> {
        let line = report.csv_line();
        writeln!(self.epochs, "{line}").map_err(Error::file(self.file(EPOCHS), "cannot be written"))?;
        let Some(events) = &mut self.events else { return Ok(()) };
        let validation = report.validation.as_ref();
        let values = [
            ("loss/training", Some(report.train_loss)),
            ("loss/validation", validation.map(|validation| validation.loss)),
            ("accuracy/training", report.train_accuracy),
            ("accuracy/validation", validation.and_then(Evaluation::accuracy)),
        ];
        let known: Vec<(&str, f64)> = values.into_iter().filter_map(|(tag, value)| Some((tag, value?))).collect();
        events.scalars(report.step, &known)?;
        events.flush()
    }

    /// Writes the line of one layer into `health.csv`.
    pub(super) fn health(&mut self, line: &str) -> Result<(), Error> {
        let path = self.file(HEALTH);
        let failed = Error::file(path.clone(), "cannot be written");
        let table = match &mut self.health {
            Some(table) => table,
            None if path.exists() => {
                let file = OpenOptions::new().append(true).open(&path).map_err(failed)?;
                self.health.insert(BufWriter::new(file))
            }
            empty => empty.insert(start(&path, HEADER)?),
        };
        writeln!(table, "{line}").map_err(Error::file(path, "cannot be written"))
    }

    /// Has the disk hold the tables.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        let path = self.path().to_owned();
        let health = self.health.as_mut().map(|table| (table, HEALTH));
        for (table, name) in [(&mut self.steps, STEPS), (&mut self.epochs, EPOCHS)].into_iter().chain(health) {
            let synced = table.flush().and_then(|()| table.get_ref().sync_data());
            synced.map_err(Error::file(path.join(name), "cannot be written"))?;
        }
        self.events.as_mut().map_or(Ok(()), Events::flush)
    }
}

impl Claim {
    /// What a file system without locks leaves to the user.
    fn notes(&self) -> Vec<String> {
        let what = "the file system knows no locks: let no other process train in this run folder";
        if self.locked { vec![] } else { vec![format!("{}: {what}", self.path.display())] }
    }
}

/// Refuses a path that is a file, or a folder that holds more than what a run leaves that was ended before it began.
fn free(path: &Path) -> Result<(), Error> {
    let begun = |header: &str| {
        let header = format!("{header}\n");
        move |found: Vec<u8>| header.as_bytes().starts_with(&found)
    };
    let remains = |entry: fs::DirEntry| {
        let read = || fs::read(entry.path());
        match &*entry.file_name().to_string_lossy() {
            LOCK => true,
            STEPS => read().is_ok_and(begun(STEPS_HEADER)),
            EPOCHS => read().is_ok_and(begun(EPOCHS_HEADER)),
            name => files::is_part_of(name, &NAMES),
        }
    };
    let used = fs::read_dir(path).is_ok_and(|mut dir| dir.any(|entry| entry.is_ok_and(|entry| !remains(entry))));
    if path.is_file() || used {
        let what = match path.join(RECIPE).is_file() {
            true => "is there and is not an empty folder: name another with `out`, or go on with `resume`",
            false => "is there and is not an empty folder: name another with `out`, or empty it",
        };
        return Err(Error::RunFolder { path: path.to_owned(), what: what.into() });
    }
    Ok(())
}

/// Files that are written whole or not at all.
const NAMES: [&str; 7] = [RECIPE, LAST, BEST, DIVERGED, STEPS, EPOCHS, HEALTH];

/// Removes what a kill has left of files that were being written. What cannot be removed does no harm.
fn remove_parts(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if files::is_part_of(&entry.file_name().to_string_lossy(), &NAMES) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A recipe that names its data from the run folder, so that both can be moved together.
fn portable(recipe: &Recipe, folder: &Path) -> Recipe {
    let mut recipe = recipe.clone();
    recipe.change_paths(|path| {
        files::name_from(folder, Path::new(path)).ok().flatten().unwrap_or_else(|| path.to_owned())
    });
    recipe
}

/// The first free `runs/NAME-001`, made in one step so that two runs never share one.
fn numbered(runs: &Path, name: &str) -> Result<PathBuf, Error> {
    fs::create_dir_all(runs).map_err(Error::file(runs, "cannot be made"))?;
    for number in 1.. {
        let path = runs.join(format!("{name}-{number:03}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::file(path, "cannot be made")(error)),
        }
    }
    unreachable!("numbers do not end")
}
