//! How outputs do against targets: loss, right answers, and the measures of classes, labels and numbers.

mod assessment;
mod diagnosis;
mod evaluation;
mod ranking;

pub use assessment::{Assessment, ByClass, ClassMetrics, Confused, Metrics, NumberMetrics, Weakness, assess};
pub use diagnosis::{Errors, Gap};
pub(crate) use evaluation::mean_loss;
pub use evaluation::{Evaluation, Score, evaluate, wilson};
