//! The diagnosis of a run: its model is measured on each part of its data.
//!
//! JSON fields beside the fixed ones: `rows`, the rows of `train`, `train_dev`, `validation` and `test`; `intervals`, the 95 %
//! interval of each error and each gap under the name of its field, null where it is not known; `undecided`, the gaps for which
//! there are too few rows; `two_sample`, as in `apart`, or null.

use super::super::args::DiagnoseArgs;
use super::super::say::{self, note, say};
use super::super::{data_dir, open_device, setting, show};
use super::parts::Parts;
use super::{apart, told};
use crate::error::Error;
use crate::kernel::Precision;
use crate::metrics::{Gap, Tally};
use crate::nn::Answer;
use crate::train::Finished;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn run(args: &DiagnoseArgs, run: &Path) -> Result<u8, Error> {
    let finished = Finished::open(run, data_dir().as_deref())?;
    let (job, shown) = (finished.job(), run.display());
    if job.problem.answer == Answer::Numbers {
        let what = "learns numbers, whose answers are neither right nor wrong";
        return Err(setting(format!("{shown} {what}: diagnose is for runs that learn classes or labels")));
    }
    let device = open_device(Precision::F32, &args.device, !args.json)?;
    let parts = Parts::of(job, finished.model(), (args.human.human_error, args.threshold), &device)?;
    finished.notes().iter().for_each(|text| note!("note: {text}"));
    let apart = args.two_sample.then(|| apart::test(job, &job.distinct_train_rows())).transpose()?;
    if args.json {
        let mut object = object(&parts);
        object["two_sample"] = apart.map_or(Value::Null, |apart| apart::objects(&apart));
        say::json(&object);
        return Ok(0);
    }
    let epoch = finished.model().described()?.best.map_or_else(String::new, |(_, epoch)| format!(" of epoch {epoch}"));
    say!("run      {shown}, its model{epoch}, on {device}");
    tell(&parts);
    if let Some(apart) = &apart {
        apart::tell(apart);
    }
    Ok(0)
}

fn object(&Parts { rows, tallies, threshold, .. }: &Parts) -> Value {
    let mut object = told::object(&tallies.errors(), &tallies.problems(threshold));
    let [train, train_dev, validation, test] = rows;
    let of = |tally: Option<Tally>| tally.map(Tally::interval);
    object["rows"] = json!({ "train": train, "train_dev": train_dev, "validation": validation, "test": test });
    object["intervals"] = json!({
        "train_error": of(tallies.train),
        "train_dev_error": of(tallies.train_dev),
        "validation_error": of(tallies.validation),
        "test_error": of(tallies.test),
        "avoidable_bias": tallies.interval(Gap::Bias),
        "variance": tallies.interval(Gap::Variance),
        "mismatch": tallies.interval(Gap::Mismatch),
        "validation_overfit": tallies.interval(Gap::ValidationOverfit),
    });
    object["undecided"] = json!(tallies.undecided(threshold).iter().map(|gap| gap.name()).collect::<Vec<_>>());
    object
}

fn tell(parts: &Parts) {
    parts.caution().iter().for_each(|line| say!("         {line}"));
    let (header, lines) = parts.errors();
    show::table(&header, &lines);
    say!("");
    if let Some((header, lines)) = parts.gaps() {
        show::table(&header, &lines);
    }
    parts.remarks().iter().for_each(|line| say!("{line}"));
    say!("next     {}", parts.next());
}
