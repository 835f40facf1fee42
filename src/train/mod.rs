//! From a recipe to a trained model: settings, plan, the loop, evaluation, files.

mod batches;
mod device;
mod diverged;
mod evaluate;
mod memory;
mod pace;
mod prepare;
mod programs;
mod recipe;
mod report;
mod run_folder;
mod runner;
mod state;
mod steps;
mod trainer;

pub use device::{Device, DeviceChoice};
pub use evaluate::{Evaluation, Predictor, wilson};
pub use prepare::prepare;
pub use programs::{DataShape, Programs, TrainOptions};
pub use recipe::{DataSection, Length, ModelSection, Recipe, Settings, TrainSection};
pub use report::{EpochReport, Observer, Outcome};
pub use run_folder::RunFolder;
pub use runner::Runner;
pub use trainer::{Job, Trainer};
