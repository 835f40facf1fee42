//! Which columns of a table matter (`--importance`).
//!
//! JSON field `importance`: a list, the largest first, of `column`, `drop` (that of the accuracy, or the rise of the mean squared
//! error, where the column's values are permuted over the rows), its 95 % `interval`, and `drops`, that of each repeat, whose mean
//! `drop` is. The two-sample test of `diagnose` has the same names.

use super::super::args::EvalArgs;
use super::super::say::say;
use super::super::{setting, show};
use crate::data::Targets;
use crate::error::Error;
use crate::export::Metadata;
use crate::metrics::{self, Importance};
use crate::nn::{Answer, Problem};
use serde_json::{Value, json};

/// Most columns that are shown.
const SHOWN: usize = 20;

/// Refuses the columns of what has none, and those of answers that differ from mask to mask.
pub(super) fn check(args: &EvalArgs, meta: &Metadata) -> Result<(), Error> {
    if args.importance && args.masks.samples.is_some() {
        let what = "--importance judges the answers of the rule for inference, and --samples draws masks";
        return Err(setting(format!("{what}: give one of them")));
    }
    if args.importance && meta.encoding.is_empty() {
        let shown = args.model.display();
        return Err(setting(format!(
            "{shown} takes no rows of a table, and --importance is for columns: leave it out"
        )));
    }
    Ok(())
}

/// The columns that matter, each with its name.
pub(in crate::cli) struct Columns {
    found: Vec<(String, Importance)>,
    repeats: u32,
    numbers: bool,
}

impl Columns {
    /// The columns of a model by what they matter. `values` are the features `[rows, features]` of these rows of `targets`, and
    /// `outputs` gives the network's outputs for such values.
    ///
    /// # Errors
    /// The device failed.
    pub(in crate::cli) fn of(
        meta: &Metadata,
        (problem, targets, rows): (&Problem, &Targets, &[u32]),
        values: &[f32],
        (repeats, seed): (u32, u64),
        outputs: impl FnMut(Vec<f32>) -> Result<Vec<f32>, Error>,
    ) -> Result<Self, Error> {
        let asked = (problem, &meta.scale(), targets, rows);
        let places = meta.encoding.places();
        let found = metrics::importance(asked, (values, &places), (repeats, seed), outputs)?;
        let named = |one: Importance| (meta.encoding.columns[one.column].name.clone(), one);
        Ok(Self { found: found.into_iter().map(named).collect(), repeats, numbers: problem.answer == Answer::Numbers })
    }

    /// Adds `importance`.
    pub(super) fn add_to(&self, object: &mut Value) {
        let column = |(name, one): &(String, Importance)| {
            let Importance { drops, mean, interval, .. } = one;
            json!({ "column": name, "drop": mean, "interval": interval, "drops": drops })
        };
        object["importance"] = json!(self.found.iter().map(column).collect::<Vec<_>>());
    }

    /// What the numbers are, in a sentence without its end, and a table of the columns that matter most. `rest` says where all
    /// are, if they are more.
    pub(in crate::cli) fn table(&self, rest: &str) -> (String, [&'static str; 3], Vec<Vec<String>>) {
        let (all, repeats) = (self.found.len(), self.repeats);
        let [short, what] = match self.numbers {
            true => ["rise", "rise of the mean squared error, in the target's units squared,"],
            false => ["drop in points", "drop of the accuracy in percentage points"],
        };
        let some = match all > SHOWN {
            true => format!("the {SHOWN} columns of {all} that matter most{rest}"),
            false => "columns by what they matter".to_owned(),
        };
        let about = format!("{some}: {what} where the column's values are permuted, mean of {repeats}");
        // Adding 0 makes −0 a 0.
        let points = |share: f64| format!("{:.2}", (share * 1e4).round() / 100.0 + 0.0);
        let shown = |value: f64| if self.numbers { show::number(value) } else { points(value) };
        let row = |(name, one): &(String, Importance)| {
            let [low, high] = one.interval.map(shown);
            let interval = if one.interval[0].is_nan() { "none of one row".into() } else { format!("{low} to {high}") };
            vec![name.clone(), shown(one.mean), interval]
        };
        (about, ["column", short, "95 % interval"], self.found.iter().take(SHOWN).map(row).collect())
    }

    /// Prints the table of the columns that matter most.
    pub(super) fn say(&self) {
        let (about, header, rows) = self.table(" (all are in --json)");
        say!("");
        say!("{about}");
        show::table(&header, &rows);
    }
}
