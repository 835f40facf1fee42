//! Training, from a recipe to a model: settings, defaults, the job, the loop, checkpoints and the run folder.

mod augmented;
mod averages;
mod best;
mod calibrate;
mod checkpoint;
mod defaults;
mod diverged;
mod events;
mod extremes;
mod finished;
mod first_step;
mod fit;
mod health;
mod identity;
mod impossible;
mod init_from;
mod inputs;
mod job;
mod measured;
mod one_batch;
mod other;
mod picture_recipe;
mod prepare;
mod question;
mod rare;
mod rate_range;
mod recipe;
mod report;
mod resume;
mod run_folder;
mod run_table;
mod schedule;
mod settings;
mod statistics;
mod steps;
mod trainer;
mod transfer;
mod two_sample;

pub use averages::{Averaged, Difference, Gap};
pub use finished::{Finished, data_of};
pub use first_step::{BAD_START, FirstStep};
pub use health::{Cause, HealthWarning, LayerHealth, Spread};
pub use job::Job;
pub use one_batch::OneBatch;
pub use prepare::{job, prepare, prepare_data};
pub use question::question;
pub use rate_range::{RateCurve, RatePoint, Suggestion};
pub use report::{EpochReport, Observer, Outcome};
pub use run_folder::{Claim, RunFolder};
pub use schedule::Schedule;
pub use settings::{
    ClassWeights, DecayOnly, Declared, FIXED, Given, HeldOut, Length, Log, Measure, NormalizeTarget, PLAN, POSITIONAL,
    Recipe, SETTINGS, SWITCH, Setting, Settings, named,
};
pub use trainer::Trainer;
pub use two_sample::{TwoSample, Verdict, two_sample};
