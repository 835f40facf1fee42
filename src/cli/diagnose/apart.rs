//! Whether parts of a run's data have one distribution (`--two-sample`).
//!
//! JSON field `two_sample`: a list, for each two parts, of `parts` (their names), `rows` (as many of either part), `accuracy` and
//! its 95 % `interval` (null where there are too few rows to train on), `chance` (0.5), `verdict` (`differ`, `alike` or
//! `too_few_rows`), and `columns`: those of a table that give a difference away, the largest first, each with `column`, `drop`
//! (of the accuracy, where the column is permuted over the rows) and its 95 % `interval`; null for pictures.

use super::super::say::say;
use super::super::show;
use super::told;
use crate::error::Error;
use crate::metrics::Importance;
use crate::names::short;
use crate::train::{Job, TwoSample, Verdict, two_sample};
use serde_json::{Value, json};

/// Most columns that are shown.
const SHOWN: usize = 5;

/// Two parts by their names, and how well their rows are told apart.
pub(super) struct Apart {
    parts: [&'static str; 2],
    found: TwoSample,
    /// The names of a table's columns; none for pictures.
    columns: Option<Vec<String>>,
}

/// Compares rows that are held out of training in one source with those to validate on, and these with those to test on. Where no
/// part is held out so, the training rows stand for it.
///
/// # Errors
/// The classifier cannot be trained.
pub(super) fn test(job: &Job, train: &[u32]) -> Result<Vec<Apart>, Error> {
    let split = &job.split;
    let source = match split.train_dev.as_slice() {
        [] => ("training", train),
        rows => ("train-dev", rows),
    };
    let (validation, test) = (("validation", &*split.validation), ("test", &*split.test));
    let encoding = &job.dataset.encoding;
    let columns = (!encoding.is_empty()).then(|| encoding.columns.iter().map(|column| column.name.clone()).collect());
    let apart = |[first, second]: [(&'static str, &[u32]); 2]| {
        let found = two_sample(job, [first.1, second.1])?;
        Ok(Apart { parts: [first.0, second.0], found, columns: columns.clone() })
    };
    [[source, validation], [validation, test]].into_iter().map(apart).collect()
}

pub(super) fn objects(all: &[Apart]) -> Value {
    let object = |Apart { parts, found, columns }: &Apart| {
        let verdict = match found.verdict() {
            Verdict::Differ => "differ",
            Verdict::Alike => "alike",
            Verdict::TooFewRows => "too_few_rows",
        };
        let columns = columns.as_ref().map(|names| {
            let column =
                |one: &Importance| json!({ "column": names[one.column], "drop": one.mean, "interval": one.interval });
            found.columns.iter().map(column).collect::<Vec<_>>()
        });
        json!({
            "parts": parts, "rows": found.rows, "accuracy": found.accuracy(), "interval": found.interval(),
            "chance": TwoSample::CHANCE, "verdict": verdict, "columns": columns,
        })
    };
    json!(all.iter().map(object).collect::<Vec<_>>())
}

pub(super) fn tell(all: &[Apart]) {
    let layers = TwoSample::LAYERS.join(", ");
    say!("");
    say!("two-sample test: how often {layers} tells from which of two parts a new row is; chance is 50 %");
    let row = |Apart { parts: [first, second], found, .. }: &Apart| {
        let accuracy = found.accuracy().map_or_else(|| "not known".into(), |share| format!("{:.1} %", 100.0 * share));
        let interval = found.interval().map_or_else(String::new, told::interval);
        let rows = show::thousands(found.rows as u64);
        let verdict = match found.verdict() {
            Verdict::Differ => "their inputs differ",
            Verdict::Alike => "no difference found",
            Verdict::TooFewRows => "too few rows to tell",
        };
        vec![format!("{first}, {second}"), rows, accuracy, interval, verdict.to_owned()]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    show::table(&["parts", "rows each", "accuracy", "95 % interval", ""], &rows);
    all.iter().filter(|apart| apart.found.verdict() == Verdict::Differ).for_each(tell_columns);
    let below = |apart: &&Apart| apart.found.interval().is_some_and(|[_, high]| high < TwoSample::CHANCE);
    for Apart { parts: [first, second], .. } in all.iter().filter(below) {
        let what = "an accuracy below chance shows no difference; rows that both parts hold bring it about";
        say!("{first}, {second}: {what}");
    }
}

/// What gives the difference of two parts away.
fn tell_columns(Apart { parts: [first, second], found, columns }: &Apart) {
    let Some(names) = columns else {
        return say!("{first}, {second}: pictures have no columns to name, so look at some of both");
    };
    if found.columns.is_empty() {
        return say!("{first}, {second}: no single column gives it away");
    }
    let column = |one: &Importance| {
        let [low, high] = one.interval.map(|end| 100.0 * end);
        let name = short(&names[one.column]);
        format!("{name} (accuracy drops by {:.1} points where it is permuted, {low:.1} to {high:.1})", 100.0 * one.mean)
    };
    let told: Vec<String> = found.columns.iter().take(SHOWN).map(column).collect();
    let more = match found.columns.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    say!("{first}, {second}: given away by {}{more}", told.join(", "));
}
