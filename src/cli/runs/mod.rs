//! Runs that training has left in folders, as reports and comparisons read them. What is missing or broken is noted, and the rest
//! is read.

mod log;
mod tested;

use super::setting;
use crate::error::Error;
use crate::export::{Metadata, Model};
use crate::train::Recipe;
pub(super) use log::Log;
use std::path::{Path, PathBuf};
pub(super) use tested::{RunData, Tested, data, test, test_on};

/// What a run has left.
pub(super) struct Run {
    pub(super) path: PathBuf,
    pub(super) recipe: Recipe,
    /// The best model, if it is there and can be read.
    pub(super) model: Option<Model>,
    /// The description of the state that the run can go on from, which knows the data.
    pub(super) state: Option<Metadata>,
    pub(super) steps: Log,
    pub(super) epochs: Log,
    /// What is missing or broken, in sentences.
    pub(super) notes: Vec<String>,
}

impl Run {
    /// Reads a run folder.
    ///
    /// # Errors
    /// There is none, or its recipe cannot be read.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let recipe = path.join("recipe.toml");
        if path.is_dir() && !recipe.is_file() {
            return Err(setting(format!("{} holds no run: it has no recipe.toml; give a run folder", path.display())));
        }
        if path.is_file() {
            return Err(setting(format!("{} is a file: give the folder of a run", path.display())));
        }
        let recipe = Recipe::open(&recipe)?;
        let mut notes = vec![];
        let mut model = |name: &str| {
            let file = path.join(name);
            if !file.is_file() {
                notes.push(format!("{name} is not there"));
                return None;
            }
            let read = Model::read(&file).and_then(|model| model.described().cloned().map(|meta| (model, meta)));
            read.map_err(|error| notes.push(error.to_string())).ok()
        };
        let best = model("model.safetensors").map(|(model, _)| model);
        let state = model("last.safetensors").map(|(_, meta)| meta);
        let [steps, epochs] = ["steps.csv", "epochs.csv"].map(|name| Log::read(path, name));
        notes.extend(steps.notes.iter().chain(&epochs.notes).cloned());
        Ok(Self { path: path.to_owned(), recipe, model: best, state, steps, epochs, notes })
    }

    /// The name of the folder.
    pub(super) fn name(&self) -> String {
        let real = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        real.file_name().map_or_else(|| self.path.display().to_string(), |name| name.to_string_lossy().into_owned())
    }

    /// The best model.
    ///
    /// # Errors
    /// It is not there or cannot be read.
    pub(super) fn best_model(&self) -> Result<&Model, Error> {
        self.model.as_ref().ok_or_else(|| setting("there is no best model to measure"))
    }

    /// The best measure on the validation part and its epoch.
    pub(super) fn best(&self) -> Option<(f64, u64)> {
        self.model.as_ref()?.metadata.as_ref()?.best
    }
}
