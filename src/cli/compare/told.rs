//! What a comparison says to a person.

use super::super::runs::{Run, Tested};
use super::super::say::say;
use super::super::show;
use super::paired::{self, Difference, Ranking};
use super::{Compared, curve};
use crate::metrics::{Metrics, Score};

/// The chance of a wrong claim that is taken.
const LEVEL: f64 = 0.05;

/// Epochs of the table of curves.
const EPOCHS: usize = 8;

/// Most characters of a value in a table.
const WIDE: usize = 40;

impl Compared {
    pub(super) fn tell(&self) {
        let names: Vec<String> = self.runs.iter().map(|run| run.path.display().to_string()).collect();
        self.settings(&names);
        say!("");
        let rows: Vec<Vec<String>> =
            self.runs.iter().zip(&self.tested).map(|(run, tested)| result(run, tested)).collect();
        show::table(&["run", "test", "95 % interval", "loss", "best epoch", "of", "validation"], &rows);
        say!("");
        self.curves(&names);
        say!("");
        if let Some(ranking) = &self.ranking {
            tests(ranking, &names);
        }
        for (place, why) in &self.not_ranked {
            say!("not ranked: {}: {why}", names[*place]);
        }
        if let (Some(ranking), true) = (&self.ranking, self.not_ranked.len() < self.runs.len()) {
            verdicts(ranking, &names);
        }
    }

    /// A line for each setting that differs.
    fn settings(&self, names: &[String]) {
        let differing = self.differing();
        if differing.is_empty() {
            say!("all settings are the same");
            return;
        }
        let cell = |value: &Option<toml::Value>| {
            let text = value.as_ref().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let text = text.unwrap_or_else(|| "-".into());
            if text.chars().count() > WIDE { text.chars().take(WIDE - 1).chain(['…']).collect() } else { text }
        };
        let row = |(name, values): &(&str, Vec<_>)| {
            std::iter::once((*name).to_owned()).chain(values.iter().map(cell)).collect()
        };
        let header: Vec<&str> = std::iter::once("setting").chain(names.iter().map(String::as_str)).collect();
        show::table(&header, &differing.iter().map(row).collect::<Vec<_>>());
    }

    /// The validation measures at a few epochs.
    fn curves(&self, names: &[String]) {
        let (columns, curves): (Vec<&str>, Vec<Vec<[f64; 2]>>) = self.runs.iter().map(curve).unzip();
        let mut epochs: Vec<u64> = curves.iter().flatten().map(|point| point[0] as u64).collect();
        epochs.sort_unstable();
        epochs.dedup();
        let Some(last) = epochs.len().checked_sub(1) else { return };
        let mut shown: Vec<u64> = (0..EPOCHS).map(|i| epochs[i * last / (EPOCHS - 1)]).collect();
        shown.dedup();
        let row = |epoch: &u64| {
            let value = |points: &Vec<[f64; 2]>| {
                let point = points.iter().find(|point| point[0] as u64 == *epoch && point[1].is_finite());
                point.map_or_else(|| "-".to_owned(), |point| format!("{:.4}", point[1]))
            };
            std::iter::once(epoch.to_string()).chain(curves.iter().map(value)).collect()
        };
        let what = columns.iter().map(|column| column.replace('_', " "));
        let named = |(name, what): (&String, String)| format!("{name} {what}");
        let header: Vec<String> = std::iter::once("epoch".into()).chain(names.iter().zip(what).map(named)).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        show::table(&header, &shown.iter().map(row).collect::<Vec<_>>());
    }
}

/// A run's line in the table of results.
fn result(run: &Run, tested: &Result<Tested, String>) -> Vec<String> {
    let mut cells = vec![run.path.display().to_string()];
    cells.extend(match tested {
        Err(_) => ["not known", "", ""].map(str::to_owned),
        Ok(tested) => {
            let (value, interval) = measured(tested);
            let interval = interval.map_or_else(|| "not known".into(), |[low, high]| format!("{low} to {high}"));
            [value, interval, format!("{:.4}", tested.result.evaluation.loss)]
        }
    });
    let best = run.best();
    cells.push(best.map_or_else(|| "-".into(), |(_, epoch)| epoch.to_string()));
    cells.push(run.epochs.len().to_string());
    let measure = run.recipe.measure.unwrap_or_default();
    cells.push(best.map_or_else(|| "-".into(), |(value, _)| format!("{measure} {value:.4}")));
    cells
}

/// Accuracy, or the root of the mean squared error, with its interval.
fn measured(tested: &Tested) -> (String, Option<[String; 2]>) {
    let evaluation = &tested.result.evaluation;
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    match (&tested.result.metrics, &evaluation.score) {
        (Metrics::Numbers(numbers), Score::Numbers { rmse_interval, .. }) => {
            let interval = rmse_interval.map(|interval| interval.map(show::number));
            (format!("RMSE {}", show::number(numbers.rmse)), interval)
        }
        _ => {
            let accuracy = evaluation.accuracy().unwrap_or(f64::NAN);
            (percent(accuracy), evaluation.interval().map(|interval| interval.map(percent)))
        }
    }
}

/// The runs against the best.
fn tests(ranking: &Ranking, names: &[String]) {
    let p = |p: f64| if p < 1e-4 { format!("{p:.1e}") } else { format!("{p:.4}") };
    let mut header = vec![];
    let mut rows = vec![];
    for other in &ranking.others {
        let mut cells = vec![names[other.run].clone()];
        match other.difference {
            Difference::Answers { only_run, only_best } => {
                header = vec!["run", "only it right", "only the best right", "p (McNemar)", "p (Holm)"];
                cells.extend([only_run.to_string(), only_best.to_string()]);
            }
            Difference::Errors { mean, interval: [low, high] } => {
                header = vec!["run", "squared error more", "95 % interval", "p (bootstrap)", "p (Holm)"];
                let [mean, low, high] = [mean, low, high].map(show::number);
                cells.extend([mean, format!("{low} to {high}")]);
            }
        }
        cells.extend([p(other.p), p(other.corrected)]);
        rows.push(cells);
    }
    show::table(&header, &rows);
}

/// What may be claimed.
fn verdicts(ranking: &Ranking, names: &[String]) {
    let best = &names[ranking.best];
    let (worse, open): (Vec<_>, Vec<_>) = ranking.others.iter().partition(|other| other.corrected < LEVEL);
    let list = |others: &[&paired::Against]| {
        others.iter().map(|other| names[other.run].clone()).collect::<Vec<_>>().join(", ")
    };
    say!("best     {best}");
    if !worse.is_empty() {
        say!("         better by more than chance than {} (at a level of {LEVEL})", list(&worse));
    }
    if !open.is_empty() {
        say!("         {} may be as good: these test rows do not tell it from the best", list(&open));
    }
}
