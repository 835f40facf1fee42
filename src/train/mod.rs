//! From a recipe to a trained model: settings, plan, the loop, evaluation, files.

mod batches;
mod device;
mod diverged;
mod evaluate;
mod job;
mod keep;
mod memory;
mod pace;
mod predictor;
mod prepare;
mod programs;
mod question;
mod recipe;
mod report;
mod run_folder;
mod runner;
mod schedule;
mod settings;
mod state;
mod statistics;
mod trainer;

pub use device::{Device, DeviceChoice};
pub use evaluate::{Evaluation, Score, judge, wilson};
pub use job::Job;
pub use predictor::{Predictor, Sampled};
pub use prepare::prepare;
pub use programs::{DataShape, Programs, Purpose, TrainOptions};
pub use question::question;
pub use recipe::{DataSection, ModelSection, Recipe, TrainSection};
pub use report::{EpochReport, Observer, Outcome};
pub use run_folder::RunFolder;
pub use runner::Runner;
pub use schedule::Schedule;
pub use settings::{ClassWeights, Length, Measure, Settings};
pub use statistics::Gap;
pub use trainer::Trainer;
