//! Sets of classes and intervals of numbers that hold the right answer with a given probability (`--coverage`).
//!
//! JSON fields: of classes `set`, their names, the likeliest first; of a number `interval`, its lower and upper end, null
//! where it has none, and of several numbers a list of such. A table has `set_CLASS`, 0 or 1, for each class; of a number
//! `lower` and `upper`, of several `lower_NAME` and `upper_NAME` for each, empty where the interval has no end.

use super::super::args::PredictArgs;
use super::super::{setting, show};
use crate::error::Error;
use crate::export::{Ensemble, Metadata};
use crate::metrics::{prediction_set, scores_needed};
use crate::nn::{Answer, Problem};
use serde_json::{Value, json};

/// What a model's calibration scores make of a coverage.
pub(super) struct Covered {
    coverage: f64,
    /// The largest score of a class in a set, or the half width of each number's interval.
    bounds: Vec<f64>,
    /// Rows that gave a score.
    rows: usize,
    problem: Problem,
}

impl Covered {
    /// What is asked for, if anything is.
    ///
    /// # Errors
    /// The coverage is no share; the model answers labels, is several, or has no scores; or several views of each picture are asked for, of which it has none.
    pub(super) fn read(args: &PredictArgs, model: &Ensemble, meta: &Metadata) -> Result<Option<Self>, Error> {
        let Some(coverage) = args.coverage else { return Ok(None) };
        if !(f64::MIN_POSITIVE..1.0).contains(&coverage) {
            let what = "is no share between 0 and 1";
            return Err(setting(format!("--coverage {coverage} {what}: give one such as 0.9, which is 90 %")));
        }
        let shown = args.model.display();
        if meta.answer == Answer::Labels {
            let what = "answers several labels, and --coverage is for one class or for numbers";
            return Err(setting(format!("{shown} {what}: leave it out")));
        }
        if model.members().len() > 1 {
            let what = "is an ensemble, and calibration scores are those of one model";
            return Err(setting(format!("{shown} {what}: leave --coverage out, or give it a single model")));
        }
        if let Some(flag) = args.views.given() {
            return Err(setting(format!(
                "{flag} looks at pictures in another way than the calibration scores of {shown}: leave it or --coverage out"
            )));
        }
        let Some(calibrated) = &meta.calibrated else {
            return Err(setting(format!(
                "{shown} has no calibration scores, which --coverage needs: train it with --calibrate, or add them to its run with train --resume RUN --calibrate"
            )));
        };
        let (bounds, rows) = (calibrated.scores.bounds(coverage), calibrated.scores.rows());
        Ok(Some(Self { coverage, bounds, rows, problem: meta.problem() }))
    }

    /// That the scores are too few, if they are.
    pub(super) fn note(&self) -> Option<String> {
        let few = self.bounds.iter().any(|bound| bound.is_infinite());
        let what = if self.problem.answer == Answer::Numbers { "interval has no ends" } else { "set has all classes" };
        let (rows, coverage, needed) = (self.rows, self.coverage, scores_needed(self.coverage));
        few.then(|| {
            format!(
                "every {what}: a coverage of {coverage} needs {needed} calibration scores, and the model has {rows}"
            )
        })
    }

    /// The classes of a set, the likeliest first.
    fn set(&self, probabilities: &[f64]) -> Vec<usize> {
        let mut classes = prediction_set(probabilities, self.bounds[0]);
        classes.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        classes
    }

    /// Lower and upper end for each number; none where there is no end.
    fn intervals(&self, numbers: &[f64]) -> Vec<[Option<f64>; 2]> {
        let ends = |(y, bound): (&f64, &f64)| [y - bound, y + bound].map(|end| end.is_finite().then_some(end));
        numbers.iter().zip(&self.bounds).map(ends).collect()
    }

    /// Adds `set` or `interval`. `all` are probabilities or numbers.
    pub(super) fn add_to(&self, object: &mut Value, all: &[f64]) {
        if self.problem.answer != Answer::Numbers {
            let names: Vec<&String> = self.set(all).into_iter().map(|class| &self.problem.names[class]).collect();
            object["set"] = json!(names);
            return;
        }
        let intervals = self.intervals(all);
        object["interval"] = if let [one] = intervals[..] { json!(one) } else { json!(intervals) };
    }

    /// The set, or the interval of each number, behind the answer; `names` are those for a terminal.
    pub(super) fn text(&self, names: &[String], all: &[f64]) -> String {
        if self.problem.answer != Answer::Numbers {
            let set = self.set(all);
            return match set.len() {
                0 => "  set: none".to_owned(),
                count if count == all.len() => format!("  set: all {count} classes"),
                _ => {
                    format!("  set: {}", set.iter().map(|&class| names[class].as_str()).collect::<Vec<_>>().join(", "))
                }
            };
        }
        let end = |end: Option<f64>| end.map_or_else(|| "no end".to_owned(), show::number);
        let one = |[low, high]: [Option<f64>; 2]| format!("{} to {}", end(low), end(high));
        format!("  interval: {}", self.intervals(all).into_iter().map(one).collect::<Vec<_>>().join(", "))
    }

    /// The names of the columns in a table.
    pub(super) fn columns(&self) -> Vec<String> {
        let names = &self.problem.names;
        match self.problem.answer {
            Answer::Numbers if names.len() == 1 => vec!["lower".into(), "upper".into()],
            Answer::Numbers => {
                names.iter().flat_map(|name| ["lower", "upper"].map(|end| format!("{end}_{name}"))).collect()
            }
            _ => names.iter().map(|name| format!("set_{name}")).collect(),
        }
    }

    /// The fields of these columns.
    pub(super) fn fields(&self, all: &[f64]) -> Vec<String> {
        if self.problem.answer != Answer::Numbers {
            let set = self.set(all);
            return (0..all.len()).map(|class| usize::from(set.contains(&class)).to_string()).collect();
        }
        let end = |end: Option<f64>| end.map_or_else(String::new, |end| end.to_string());
        self.intervals(all).into_iter().flatten().map(end).collect()
    }
}
