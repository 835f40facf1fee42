//! The run folder: `recipe.toml`, `model.safetensors`, `last.safetensors`, `steps.csv`, `epochs.csv`.

use super::settings::Recipe;
use crate::error::Error;
use crate::files;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

const STEPS_HEADER: &str = "step,loss";
const EPOCHS_HEADER: &str = "epoch,step,train_loss,train_accuracy,validation_loss,validation_accuracy";

/// An open run folder.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    steps: BufWriter<File>,
    epochs: BufWriter<File>,
}

impl RunFolder {
    /// Makes the folder `out`, or the next numbered one `runs/NAME-001` where none is given.
    ///
    /// # Errors
    /// `out` is there and not empty, or cannot be written.
    pub fn create(out: Option<&Path>, name: &str, recipe: &Recipe) -> Result<Self, Error> {
        let path = match out {
            Some(path) => {
                let occupied = path.is_file() || fs::read_dir(path).is_ok_and(|mut dir| dir.next().is_some());
                if occupied {
                    let hint = "is there and is not an empty folder: name another with --out, or go on with --resume";
                    return Err(Error::Setting(format!("{} {hint}", path.display())));
                }
                fs::create_dir_all(path).map_err(Error::file(path, "cannot be made"))?;
                path.to_owned()
            }
            None => numbered(Path::new("runs"), name)?,
        };
        let file = path.join("recipe.toml");
        fs::write(&file, portable(recipe, &path).text()).map_err(Error::file(file, "cannot be written"))?;
        let steps = start(&path.join("steps.csv"), STEPS_HEADER)?;
        let epochs = start(&path.join("epochs.csv"), EPOCHS_HEADER)?;
        Ok(Self { path, steps, epochs })
    }

    /// Opens the folder of an earlier run to go on after `step` updates and `epoch` epochs: what its tables hold beyond
    /// is of steps that will be taken again, and is dropped. Its recipe becomes the one that is given, of
    /// the longer run.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn resume(path: &Path, step: u64, epoch: u64, recipe: Option<&Recipe>) -> Result<Self, Error> {
        let [steps, epochs] = ["steps.csv", "epochs.csv"].map(|name| path.join(name));
        // All is read before anything is written.
        let kept_steps = keep(&steps, STEPS_HEADER, |number| number < step)?;
        let kept_epochs = keep(&epochs, EPOCHS_HEADER, |number| number <= epoch)?;
        if let Some(recipe) = recipe {
            replace(&path.join("recipe.toml"), &portable(recipe, path).text())?;
        }
        replace(&steps, &kept_steps)?;
        replace(&epochs, &kept_epochs)?;
        Ok(Self { path: path.to_owned(), steps: append(&steps)?, epochs: append(&epochs)? })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn step(&mut self, step: u64, loss: f32) -> Result<(), Error> {
        writeln!(self.steps, "{step},{loss}").map_err(Error::file(self.file("steps.csv"), "cannot be written"))
    }

    pub(super) fn epoch(&mut self, line: &str) -> Result<(), Error> {
        writeln!(self.epochs, "{line}").map_err(Error::file(self.file("epochs.csv"), "cannot be written"))
    }

    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.steps.flush().map_err(Error::file(self.file("steps.csv"), "cannot be written"))?;
        self.epochs.flush().map_err(Error::file(self.file("epochs.csv"), "cannot be written"))
    }
}

/// A recipe whose data set is named relative to the run folder, so that both can be moved together.
fn portable(recipe: &Recipe, folder: &Path) -> Recipe {
    let source = recipe.source.as_deref().map(|source| match crate::data::is_path(source) {
        false => source.to_owned(),
        true => files::relative(Path::new(source), folder).to_string_lossy().into_owned(),
    });
    Recipe { source, ..recipe.clone() }
}

fn start(path: &Path, header: &str) -> Result<BufWriter<File>, Error> {
    let file = File::create(path).and_then(|mut file| writeln!(file, "{header}").map(|()| file));
    file.map(BufWriter::new).map_err(Error::file(path, "cannot be written"))
}

/// The lines of a table whose first number is wanted, under its header.
fn keep(path: &Path, header: &str, wanted: impl Fn(u64) -> bool) -> Result<String, Error> {
    let text = fs::read_to_string(path).map_err(Error::file(path, "cannot be read"))?;
    let number = |line: &str| line.split(',').next().and_then(|n| n.parse().ok());
    let kept = text.lines().filter(|line| number(line).is_some_and(&wanted));
    Ok(std::iter::once(header).chain(kept).map(|line| format!("{line}\n")).collect())
}

fn replace(path: &Path, text: &str) -> Result<(), Error> {
    files::replace(path, text.as_bytes()).map_err(Error::file(path, "cannot be written"))
}

fn append(path: &Path) -> Result<BufWriter<File>, Error> {
    let file = OpenOptions::new().append(true).open(path);
    file.map(BufWriter::new).map_err(Error::file(path, "cannot be written"))
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
