//! `wgrad compare`
//!
//! JSON fields: `runs`, each with `run`, `epochs` and `steps` done, `measure`, `best_measure` and `best_epoch` on the validation
//! part, `test` with the fields of `eval`, null where `why` says what is missing, and `curve` with pairs of
//! epoch and the column `curve_of` of `epochs.csv`; `settings`, the settings that differ, each with a value for every run;
//! `best`, the place of the best run from 0, null where nothing is ranked; `comparisons`, one for each other ranked run, with
//! `place` and `against` (the place of the best), `method` (`mcnemar` or `bootstrap`), `only_run` and `only_against` (rows that one
//! alone answers rightly) or `difference` and `interval` (of mean squared errors), `p` and `p_holm`; `not_ranked`, each with `place`
//! and `why`.

mod alike;
mod paired;
mod told;

use super::args::CompareArgs;
use super::runs::{Run, Tested, test};
use super::say::{self, note};
use super::{open_device, result, setting};
use crate::error::Error;
use crate::kernel::Precision;
use crate::train::{Measure, SETTINGS};
use paired::{Difference, Ranking};
use serde_json::{Value, json};

/// The runs side by side.
struct Compared {
    runs: Vec<Run>,
    /// What each reaches on its test part, or why that is not known.
    tested: Vec<Result<Tested, String>>,
    /// The places of runs that are not ranked beside the first, and why.
    not_ranked: Vec<(usize, String)>,
    ranking: Option<Ranking>,
}

pub(super) fn run(args: &CompareArgs) -> Result<u8, Error> {
    if args.runs.len() < 2 {
        return Err(setting("one run is given: give at least two to compare"));
    }
    let runs = args.runs.iter().map(|path| Run::open(path)).collect::<Result<Vec<_>, _>>()?;
    let device = open_device(Precision::F32, &args.device, !args.json)?;
    let told = |error: Error| say::with_flags(&error.to_string());
    let tested: Vec<Result<Tested, String>> = runs.iter().map(|run| test(run, &device).map_err(told)).collect();
    for (run, tested) in runs.iter().zip(&tested) {
        let notes = run.notes.iter().chain(tested.iter().flat_map(|tested| &tested.notes));
        notes.for_each(|text| note!("note: {}: {text}", run.path.display()));
    }
    let compared = Compared::of(runs, tested);
    if args.json {
        say::json(&compared.object());
    } else {
        compared.tell();
    }
    Ok(0)
}

impl Compared {
    fn of(runs: Vec<Run>, tested: Vec<Result<Tested, String>>) -> Self {
        let (mut not_ranked, mut ranked) = (vec![], vec![]);
        for (place, (run, own)) in runs.iter().zip(&tested).enumerate() {
            let by_files = if place == 0 { None } else { alike::by_files(run, &runs[0]) };
            let own = match own {
                Ok(own) => own,
                Err(why) => {
                    not_ranked.push((place, by_files.unwrap_or_else(|| why.clone())));
                    continue;
                }
            };
            let why = by_files.or_else(|| match &tested[0] {
                Ok(first) => alike::by_data(own, first),
                Err(_) => Some("the first run could not be measured".into()),
            });
            let rows = paired::rows(own);
            match why.or_else(|| paired::not_finite(&rows).map(str::to_owned)) {
                None => ranked.push((place, rows)),
                Some(why) => not_ranked.push((place, why)),
            }
        }
        let ranking = paired::ranking(&ranked);
        Self { runs, tested, not_ranked, ranking }
    }

    /// The settings that differ, with the text of each run's.
    fn differing(&self) -> Vec<(&'static str, Vec<Option<toml::Value>>)> {
        let of = |setting: &'static crate::train::Setting<_>| {
            let values: Vec<_> = self.runs.iter().map(|run| (setting.to_toml)(setting, &run.recipe)).collect();
            values.iter().any(|value| *value != values[0]).then_some((setting.name, values))
        };
        SETTINGS.iter().filter_map(of).collect()
    }

    fn object(&self) -> Value {
        let runs: Vec<Value> = self.runs.iter().zip(&self.tested).map(|(run, tested)| of_run(run, tested)).collect();
        let value = |value: &Option<toml::Value>| value.as_ref().map_or(Value::Null, |value| json!(value));
        let settings: serde_json::Map<String, Value> = self
            .differing()
            .into_iter()
            .map(|(name, values)| (name.to_owned(), values.iter().map(value).collect()))
            .collect();
        let why = |(place, why): &(usize, String)| json!({ "place": place, "why": why });
        json!({
            "runs": runs,
            "settings": settings,
            "best": self.ranking.as_ref().map(|ranking| ranking.best),
            "comparisons": self.ranking.as_ref().map_or_else(Vec::new, comparisons),
            "not_ranked": self.not_ranked.iter().map(why).collect::<Vec<_>>(),
        })
    }
}

/// Epochs and the validation measure after each, or the training loss where nothing validates; and the name of the column.
fn curve(run: &Run) -> (&'static str, Vec<[f64; 2]>) {
    let measure = if run.recipe.measure == Some(Measure::Accuracy) { "validation_accuracy" } else { "validation_loss" };
    let of = |column| (column, run.epochs.points("epoch", column));
    let validated = of(measure);
    if validated.1.is_empty() { of("train_loss") } else { validated }
}

fn of_run(run: &Run, tested: &Result<Tested, String>) -> Value {
    let test = tested.as_ref().ok().map(|tested| result::object(&tested.result, &tested.job.problem.names));
    let (column, points) = curve(run);
    json!({
        "run": run.path.display().to_string(),
        "epochs": run.epochs.len(),
        "steps": run.steps.len(),
        "measure": run.recipe.measure.unwrap_or_default().to_string(),
        "best_measure": run.best().map(|(measure, _)| measure),
        "best_epoch": run.best().map(|(_, epoch)| epoch),
        "test": test,
        "why": tested.as_ref().err(),
        "curve_of": column,
        "curve": points,
    })
}

fn comparisons(ranking: &Ranking) -> Vec<Value> {
    let of = |other: &paired::Against| {
        let mut object = json!({
            "place": other.run, "against": ranking.best, "p": other.p, "p_holm": other.corrected,
        });
        let fields = match other.difference {
            Difference::Answers { only_run, only_best } => {
                json!({ "method": "mcnemar", "only_run": only_run, "only_against": only_best })
            }
            Difference::Errors { mean, interval } => {
                json!({ "method": "bootstrap", "difference": mean, "interval": interval })
            }
        };
        if let Value::Object(fields) = fields {
            fields.into_iter().for_each(|(name, value)| object[name] = value);
        }
        object
    };
    ranking.others.iter().map(of).collect()
}
