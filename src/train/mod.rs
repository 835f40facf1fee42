//! From a recipe to a trained model: settings, plan, the loop, evaluation, files.

mod batches;
pub mod bench;
mod defaults;
mod device;
mod diverged;
mod evaluate;
mod identity;
mod impossible;
mod init_from;
mod job;
mod keep;
mod kept;
mod memory;
mod metrics;
mod pace;
mod predictor;
mod prepare;
mod programs;
mod question;
mod ranking;
mod rare;
mod recipe;
mod report;
mod resume;
mod run_folder;
mod runner;
mod schedule;
mod settings;
mod state;
mod statistics;
mod steps;
mod trainer;
pub mod tuned;

pub use device::{Device, DeviceChoice};
pub use evaluate::{Evaluation, Score, judge, wilson};
pub use job::Job;
pub use kept::Kept;
pub use metrics::{Assessment, ByClass, ClassMetrics, Confused, Metrics, NumberMetrics, Weakness, assess};
pub use predictor::{Predictor, Sampled};
pub use prepare::{job, prepare};
pub use programs::{DataShape, Programs, Purpose, TrainOptions};
pub use question::question;
pub use report::{EpochReport, Observer, Outcome};
pub use run_folder::{Claim, RunFolder};
pub use runner::Runner;
pub use schedule::Schedule;
pub use settings::{
    ClassWeights, DecayOnly, Declared, FIXED, Given, HeldOut, Length, Measure, NormalizeTarget, PLAN, POSITIONAL,
    Recipe, SETTINGS, SWITCH, Setting, Settings, named,
};
pub use statistics::{Averaged, Difference, Gap};
pub use trainer::Trainer;
