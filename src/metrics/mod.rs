//! How outputs do against targets: loss, right answers, and the measures of classes, labels and numbers.

mod assessment;
mod calibration;
mod committee;
mod conformal;
mod diagnosis;
mod evaluation;
mod importance;
mod numbers;
mod paired;
mod ranking;
mod tallies;
mod temperature;

pub use assessment::{Assessment, ByClass, ClassMetrics, Confused, Metrics, Weakness, assess};
pub use calibration::{BINS, Bin, Calibration};
pub use committee::{Committee, Judgement};
pub use conformal::{MOST_SCORES, Scores, prediction_set, scores_needed};
pub use diagnosis::{Errors, Gap};
pub(crate) use evaluation::mean_loss;
pub use evaluation::{Evaluation, Score, evaluate, wilson};
pub use importance::{Importance, importance};
pub use numbers::NumberMetrics;
#[cfg(feature = "cli")]
pub(crate) use numbers::squared_errors;
pub use paired::{Resampled, holm, mcnemar, resample};
pub use tallies::{Tallies, Tally};
pub use temperature::{MOST_TEMPERATURE, WRONG_ANSWERS, apply_temperature, temperature};
