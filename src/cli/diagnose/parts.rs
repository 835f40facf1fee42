//! How the model of a run does on each part of its data, in the tables and sentences that `diagnose` and `report` show.

use super::super::show;
use super::told::{self, Given};
use crate::device::Device;
use crate::error::Error;
use crate::export::Model;
use crate::metrics::{Evaluation, Gap, Score, Tallies, Tally};
use crate::nn::Answer;
use crate::train::Job;

/// The smallest gap of a run that is a problem, if its interval excludes 0 too.
const THRESHOLD: f64 = 0.01;

/// The parts, in the order of all lists by part.
const NAMES: [&str; 4] = ["training", "train-dev", "validation", "test"];

/// The names of columns, and rows of cells.
type Table<const N: usize> = ([&'static str; N], Vec<Vec<String>>);

/// What the model of a run does on each part of its data.
pub(in crate::cli) struct Parts {
    pub(super) rows: [usize; 4],
    evaluated: [Option<Evaluation>; 4],
    /// The answers of each part; none where the model answers numbers.
    pub(super) tallies: Tallies,
    /// The smallest gap that is a problem.
    pub(super) threshold: f64,
    answer: Answer,
}

impl Parts {
    /// Measures a model on each part of its data, which is a forward pass over all rows. `human` is the error of a person.
    ///
    /// # Errors
    /// The model does not fit the data, or the device failed.
    pub(in crate::cli) fn of(
        job: &Job,
        model: &Model,
        (human, threshold): (Option<f64>, Option<f64>),
        device: &Device,
    ) -> Result<Self, Error> {
        let (train, split) = (job.distinct_train_rows(), &job.split);
        let parts = [&train, &split.train_dev, &split.validation, &split.test].map(Vec::as_slice);
        let evaluated = job.measure(model, parts, device)?;
        let [train, train_dev, validation, test] =
            [0, 1, 2, 3].map(|part: usize| evaluated[part].as_ref().and_then(tally));
        Ok(Self {
            rows: parts.map(<[u32]>::len),
            evaluated,
            tallies: Tallies { human, train, train_dev, validation, test },
            threshold: threshold.unwrap_or(THRESHOLD),
            answer: job.problem.answer,
        })
    }

    /// What limits the claims.
    pub(in crate::cli) fn caution(&self) -> Option<&'static str> {
        let what = "each label of a row counts as an answer of its own, so that intervals may be too narrow";
        (self.answer == Answer::Labels).then_some(what)
    }

    /// The error on each part that has rows.
    pub(in crate::cli) fn errors(&self) -> Table<5> {
        let Tallies { train, train_dev, validation, test, .. } = self.tallies;
        let line = |((name, rows), tally): ((&str, usize), Option<Tally>)| {
            let tally = tally?;
            let count = [rows, tally.wrong].map(|count| show::thousands(count as u64));
            let mut cells = vec![name.to_owned()];
            cells.extend(count);
            cells.extend([told::percent(tally.error()), told::interval(tally.interval())]);
            Some(cells)
        };
        let tallies = [train, train_dev, validation, test];
        let lines = NAMES.into_iter().zip(self.rows).zip(tallies).filter_map(line).collect();
        (["part", "rows", "wrong", "error", "95 % interval"], lines)
    }

    /// The error on each part of a model that answers numbers.
    pub(in crate::cli) fn errors_of_numbers(&self) -> Option<Table<4>> {
        let line = |(name, evaluation): (&str, &Option<Evaluation>)| {
            let evaluation = evaluation.as_ref()?;
            let Score::Numbers { mse, rmse_interval, .. } = evaluation.score else { return None };
            let error = if mse.is_finite() { show::number(mse.sqrt()) } else { "not finite".into() };
            let interval = rmse_interval.map_or_else(
                || "not known".into(),
                |ends| {
                    let [low, high] = ends.map(show::number);
                    format!("{low} to {high}")
                },
            );
            Some(vec![name.to_owned(), show::thousands(evaluation.n as u64), error, interval])
        };
        let lines: Vec<_> = NAMES.into_iter().zip(&self.evaluated).filter_map(line).collect();
        (!lines.is_empty()).then_some((["part", "rows", "root mean squared error", "95 % interval"], lines))
    }

    /// The gaps that are known, if there are any.
    pub(in crate::cli) fn gaps(&self) -> Option<Table<4>> {
        let (tallies, errors) = (&self.tallies, self.tallies.errors());
        let (problems, undecided) = (tallies.problems(self.threshold), tallies.undecided(self.threshold));
        let line = |gap: Gap| {
            let (size, ends) = (errors.gap(gap)?, tallies.interval(gap)?);
            let verdict = match gap {
                _ if problems.contains(&gap) => "problem",
                _ if undecided.contains(&gap) => "too few rows to tell",
                _ => "no problem",
            };
            Some(vec![gap.name().to_owned(), told::points(size), told::interval(ends), verdict.to_owned()])
        };
        let lines: Vec<_> = Gap::ALL.into_iter().filter_map(line).collect();
        (!lines.is_empty()).then_some((["gap", "points", "95 % interval", ""], lines))
    }

    /// What is not known of the gaps, in sentences.
    pub(in crate::cli) fn remarks(&self) -> Vec<String> {
        let undecided = self.tallies.undecided(self.threshold);
        let few = undecided.into_iter().filter_map(|gap| few(&self.tallies, gap, self.threshold));
        told::unknown(&self.tallies.errors(), Given::ByRun).into_iter().chain(few).collect()
    }

    /// What to do next.
    pub(in crate::cli) fn next(&self) -> String {
        match self.tallies.problems(self.threshold).first() {
            Some(gap) => told::advice(*gap),
            None if self.tallies.undecided(self.threshold).is_empty() => {
                format!("no known gap is shown to reach {} points: nothing stands out", told::points(self.threshold))
            }
            None => "nothing is shown to be wrong: hold out more rows to tell more".into(),
        }
    }
}

/// The answers that an evaluation has counted.
fn tally(evaluation: &Evaluation) -> Option<Tally> {
    evaluation.counted().map(|(correct, of)| Tally { wrong: of - correct, of })
}

/// That the rows of a gap are too few for a claim.
fn few(tallies: &Tallies, gap: Gap, threshold: f64) -> Option<String> {
    let interval = tallies.interval(gap)?;
    let fewest = tallies.ends(gap).into_iter().flatten().map(|tally| tally.of).min()?;
    let answers = show::thousands(fewest as u64);
    let (name, interval) = (gap.name(), told::interval(interval));
    let points = told::points(threshold);
    Some(format!(
        "{name}: {answers} answers are too few to tell: the gap is {interval} points, and from {points} on it is a problem"
    ))
}
