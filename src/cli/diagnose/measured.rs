//! The diagnosis of a run: its model is measured on each part of its data.
//!
//! JSON fields beside the fixed ones: `rows`, the rows of `train`, `train_dev`, `validation` and `test`; `intervals`, the 95 %
//! interval of each error and each gap under the name of its field, null where it is not known; `undecided`, the gaps for which
//! there are too few rows; `two_sample`, as in `apart`, or null.

use super::super::args::DiagnoseArgs;
use super::super::say::{self, note, say};
use super::super::{data_dir, open_device, setting, show};
use super::{apart, told};
use crate::error::Error;
use crate::kernel::Precision;
use crate::metrics::{Evaluation, Gap, Tallies, Tally};
use crate::nn::Answer;
use crate::train::Finished;
use serde_json::{Value, json};
use std::path::Path;

/// The smallest gap of a run that is a problem, if its interval excludes 0 too.
const THRESHOLD: f64 = 0.01;

pub(super) fn run(args: &DiagnoseArgs, run: &Path) -> Result<u8, Error> {
    let finished = Finished::open(run, data_dir().as_deref())?;
    let (job, shown) = (finished.job(), run.display());
    if job.problem.answer == Answer::Numbers {
        let what = "learns numbers, whose answers are neither right nor wrong";
        return Err(setting(format!("{shown} {what}: diagnose is for runs that learn classes or labels")));
    }
    let split = &job.split;
    let device = open_device(Precision::F32, &args.device, !args.json)?;
    // A bootstrap sample repeats rows, each of which is measured once.
    let mut train = split.train.clone();
    train.dedup();
    let parts = [&train, &split.train_dev, &split.validation, &split.test].map(Vec::as_slice);
    let (rows, evaluated) = (parts.map(<[u32]>::len), finished.evaluate(parts, &device)?);
    let [of_train, train_dev, validation, test] = evaluated.map(|part| part.as_ref().and_then(tally));
    let tallies = Tallies { human: args.human_error, train: of_train, train_dev, validation, test };
    finished.notes().iter().for_each(|text| note!("note: {text}"));
    let threshold = args.threshold.unwrap_or(THRESHOLD);
    let apart = args.two_sample.then(|| apart::test(job, &train)).transpose()?;
    if args.json {
        let mut object = object(&tallies, rows, threshold);
        object["two_sample"] = apart.map_or(Value::Null, |apart| apart::objects(&apart));
        say::json(&object);
        return Ok(0);
    }
    let epoch = finished.model().described()?.best.map_or_else(String::new, |(_, epoch)| format!(" of epoch {epoch}"));
    say!("run      {shown}, its model{epoch}, on {device}");
    if job.problem.answer == Answer::Labels {
        say!("         each label of a row counts as an answer of its own, so that intervals may be too narrow");
    }
    tell(&tallies, rows, threshold);
    if let Some(apart) = &apart {
        apart::tell(apart);
    }
    Ok(0)
}

/// The answers that an evaluation has counted.
fn tally(evaluation: &Evaluation) -> Option<Tally> {
    evaluation.counted().map(|(correct, of)| Tally { wrong: of - correct, of })
}

fn object(tallies: &Tallies, [train, train_dev, validation, test]: [usize; 4], threshold: f64) -> Value {
    let mut object = told::object(&tallies.errors(), &tallies.problems(threshold));
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

fn tell(tallies: &Tallies, rows: [usize; 4], threshold: f64) {
    let errors = [tallies.train, tallies.train_dev, tallies.validation, tallies.test];
    let parts = ["training", "train-dev", "validation", "test"];
    let part = |((name, rows), tally): ((&str, usize), Option<Tally>)| {
        let tally = tally?;
        let count = [rows, tally.wrong].map(|count| show::thousands(count as u64));
        let mut cells = vec![name.to_owned()];
        cells.extend(count);
        cells.extend([told::percent(tally.error()), told::interval(tally.interval())]);
        Some(cells)
    };
    let lines: Vec<Vec<String>> = parts.into_iter().zip(rows).zip(errors).filter_map(part).collect();
    show::table(&["part", "rows", "wrong", "error", "95 % interval"], &lines);
    say!("");
    let (errors, problems, undecided) = (tallies.errors(), tallies.problems(threshold), tallies.undecided(threshold));
    let gap = |gap: Gap| {
        let (size, ends) = (errors.gap(gap)?, tallies.interval(gap)?);
        let verdict = match gap {
            _ if problems.contains(&gap) => "problem",
            _ if undecided.contains(&gap) => "too few rows to tell",
            _ => "none",
        };
        Some(vec![gap.name().to_owned(), format!("{:.1}", 100.0 * size), told::interval(ends), verdict.to_owned()])
    };
    let lines: Vec<Vec<String>> = Gap::ALL.into_iter().filter_map(gap).collect();
    if !lines.is_empty() {
        show::table(&["gap", "points", "95 % interval", ""], &lines);
    }
    told::unknown(&errors);
    undecided.iter().filter_map(|gap| few(tallies, *gap)).for_each(|line| say!("{line}"));
    match problems.first() {
        Some(gap) => say!("next     {}: {}", gap.name(), told::advice(*gap)),
        None if undecided.is_empty() => {
            say!("next     no known gap is a problem from {:.1} points on: nothing stands out", 100.0 * threshold);
        }
        None => say!("next     nothing is shown to be wrong: hold out more rows to tell more"),
    }
}

/// That the rows of a gap are too few for a claim.
fn few(tallies: &Tallies, gap: Gap) -> Option<String> {
    let [_, high] = tallies.interval(gap)?;
    let fewest = tallies.ends(gap).into_iter().flatten().map(|tally| tally.of).min()?;
    let answers = show::thousands(fewest as u64);
    Some(format!(
        "{}: {answers} answers are too few to tell, as the gap may be anything up to {:.1} points",
        gap.name(),
        100.0 * high
    ))
}
