//! What can go wrong between a recipe and a model file, each in one sentence. Messages are of bounded length, whatever names
//! a file holds.

use crate::data::DataError;
use crate::executor::DeviceError;
use crate::export::ModelError;
use crate::files::is_full;
use crate::graph::plan::PlanError;
use crate::names::bounded;
use crate::nn::NotationError;
use crate::shape::ShapeError;
use std::path::PathBuf;

/// All that a run can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data cannot be read or learnt from.
    #[error("{}", bounded(&.0.to_string()))]
    Data(#[from] DataError),
    /// The text of a layer.
    #[error(transparent)]
    Notation(#[from] NotationError),
    /// A layer does not fit the one before it.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The network cannot be compiled for the device.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The network cannot be compiled for batches of this size, but for smaller ones.
    #[error("{}; with a batch of {fits} (`batch = {fits}`) it fits", bounded(&.why.to_string()))]
    Batch {
        /// What is too large.
        why: PlanError,
        /// A batch for which all fits.
        fits: usize,
    },
    /// The device failed, is missing, or lacks what is needed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A model file cannot be read, written or used.
    #[error("{}", bounded(&.0.to_string()))]
    Model(#[from] ModelError),
    /// A setting of a recipe, or several that do not fit one another or the data. Names of settings stand in backticks, with
    /// a value where one is proposed, as in `` `task = regression` ``.
    #[error("{}", bounded(.0))]
    Setting(String),
    /// Rows or inputs were asked for that are not there, or that are no whole rows.
    #[error("{0}")]
    Rows(String),
    /// The network has no such tensor.
    #[error("there is no such tensor as {name}; {meant}")]
    NoTensor {
        /// The name that was asked for.
        name: String,
        /// Names that may be meant.
        meant: String,
    },
    /// The number of steps does not fit the run.
    #[error("{0}")]
    Steps(String),
    /// The run has ended. The trainer holds its best model, which is not the state to go on from.
    #[error("the run is over, and holds its best model: go on from last.safetensors")]
    Over,
    /// A run folder cannot be used.
    #[error("{}", bounded(&format!("{}: {what}", .path.display())))]
    RunFolder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// Predictions under dropout masks were asked of a network without dropout.
    #[error("{path}: has no dropout, so every sample would be the same: leave `samples` out")]
    NoDropout {
        /// The model file without dropout.
        path: PathBuf,
    },
    /// There is no folder to cache in.
    #[error("caching is disabled ({variable} is off, or no home directory was found): set {variable} to a folder")]
    NoCache {
        /// The variable that names the folder.
        variable: &'static str,
    },
    /// The data are not those of the run that is to go on with them.
    #[error("{run}: the data are not those of the run: {what}; give the run its data again, or start a new run")]
    OtherData {
        /// The state of the run.
        run: PathBuf,
        /// In what they differ.
        what: String,
    },
    /// A file or folder that is not data.
    #[error("{path}: {what}: {}", crate::files::reason_at(.path, .why))]
    File {
        /// The path of the file or folder.
        path: PathBuf,
        /// What was tried, as in `cannot be written`.
        what: &'static str,
        /// The operating system's answer.
        why: std::io::Error,
    },
    /// Training cannot go on.
    #[error("{what} (step {step}, epoch {epoch}): {cause}; {saved}")]
    Diverged {
        /// Updates done, so that of the bad step in `steps.csv`.
        step: u64,
        /// From 1, as it is shown.
        epoch: u64,
        /// What is not a number, as in `the loss is NaN`.
        what: String,
        /// The first layer with a value that is not finite, and what may help.
        cause: String,
        /// Where the last good state is.
        saved: String,
    },
    /// The work was done and its answer is bad.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    /// A file that could not be read or written.
    pub fn file(path: impl Into<PathBuf>, what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |why| Self::File { path, what, why }
    }

    /// What the program ends with: 1 the work failed, 2 wrong use or bad input.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::File { why, .. } | Self::Model(ModelError::Unwritable { why, .. }) if is_full(why) => 1,
            Self::Diverged { .. } | Self::Failed(_) => 1,
            Self::Device(DeviceError::Refused { .. } | DeviceError::Lost(_) | DeviceError::Impossible(_)) => 1,
            _ => 2,
        }
    }
}
