//! Which columns of a table matter (`--importance`).
//!
//! JSON field `importance`: a list, the largest first, of `column`, `mean` (the drop of the accuracy, or the rise of the mean
//! squared error, where the column's values are permuted over the rows), its 95 % `interval`, and `drops`, that of each repeat.

use super::super::args::EvalArgs;
use super::super::say::say;
use super::super::{setting, show};
use super::rows::Judged;
use crate::data::Values;
use crate::error::Error;
use crate::export::Metadata;
use crate::metrics::{self, Importance};
use crate::nn::Answer;
use crate::run::Answerer;
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
pub(super) struct Columns {
    found: Vec<(String, Importance)>,
    repeats: u32,
    numbers: bool,
}

impl Columns {
    /// What is asked for, if anything is. `inputs` are the values of the rows from number `first` of the data set on.
    ///
    /// # Errors
    /// The device failed.
    pub(super) fn of(
        args: &EvalArgs,
        meta: &Metadata,
        answerer: &mut Answerer,
        inputs: &Values,
        (judged, rows): (&Judged<'_>, &[u32]),
    ) -> Result<Option<Self>, Error> {
        let (true, Values::Floats(values)) = (args.importance, inputs) else { return Ok(None) };
        let repeats = args.repeats;
        let outputs = |values| Ok::<_, Error>(answerer.outputs(&Values::Floats(values), 1)?);
        let asked = (judged.problem, &meta.scale(), judged.targets, rows);
        let places = meta.encoding.places();
        let found = metrics::importance(asked, (values, &places), (repeats, args.permute_seed), outputs)?;
        let named = |one: Importance| (meta.encoding.columns[one.column].name.clone(), one);
        let numbers = judged.problem.answer == Answer::Numbers;
        Ok(Some(Self { found: found.into_iter().map(named).collect(), repeats, numbers }))
    }

    /// Adds `importance`.
    pub(super) fn add_to(&self, object: &mut Value) {
        let column = |(name, one): &(String, Importance)| {
            let Importance { drops, mean, interval, .. } = one;
            json!({ "column": name, "mean": mean, "interval": interval, "drops": drops })
        };
        object["importance"] = json!(self.found.iter().map(column).collect::<Vec<_>>());
    }

    /// A table of the columns that matter most.
    pub(super) fn say(&self) {
        let (all, repeats) = (self.found.len(), self.repeats);
        let what = if self.numbers { "rise of the mean squared error" } else { "drop of the accuracy" };
        let some = match all > SHOWN {
            true => format!("the {SHOWN} columns of {all} that matter most (all are in --json)"),
            false => "columns by what they matter".to_owned(),
        };
        say!("");
        say!("{some}: {what} where the column's values are permuted, mean of {repeats}");
        // Adding 0 makes −0 a 0.
        let percent = |share: f64| format!("{:.2} %", (share * 1e4).round() / 100.0 + 0.0);
        let shown = |value: f64| if self.numbers { show::number(value) } else { percent(value) };
        let row = |(name, one): &(String, Importance)| {
            let [low, high] = one.interval.map(shown);
            let interval = if one.interval[0].is_nan() { "none of one row".into() } else { format!("{low} to {high}") };
            vec![name.clone(), shown(one.mean), interval]
        };
        let rows: Vec<_> = self.found.iter().take(SHOWN).map(row).collect();
        show::table(&["column", what.split_once(' ').map_or(what, |(first, _)| first), "95 % interval"], &rows);
    }
}
