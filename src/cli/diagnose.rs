//! `wgrad diagnose`

mod apart;
mod measured;
mod parts;
mod told;

use super::args::DiagnoseArgs;
use super::say::{self, say};
use super::{setting, show};
use crate::error::Error;
use crate::metrics::{Errors, Gap};
pub(super) use parts::Parts;

/// The smallest gap of errors that were given without rows.
const THRESHOLD: f64 = 0.02;

pub(super) fn run(args: &DiagnoseArgs) -> Result<u8, Error> {
    if args.threshold == Some(0.0) {
        return Err(setting("--threshold must be above 0: with 0, errors that are equal would be a problem"));
    }
    let errors = Errors {
        human: args.human.human_error,
        train: args.train_error,
        train_dev: args.train_dev_error,
        validation: args.validation_error,
        test: args.test_error,
    };
    if let Some(run) = &args.run {
        if (Errors { human: None, ..errors }) != Errors::default() {
            let what = "the errors of a run are measured, and beside it only --human-error is given";
            return Err(setting(format!("{what}: leave the other errors out, or {}", run.display())));
        }
        return measured::run(args, run);
    }
    if Gap::ALL.iter().all(|gap| errors.gap(*gap).is_none()) {
        let what = "there are no two neighbouring errors to compare: name a run folder";
        return Err(setting(format!(
            "{what}, or give at least --train-error, and --human-error or --validation-error"
        )));
    }
    let threshold = args.threshold.unwrap_or(THRESHOLD);
    let problems = errors.problems(threshold);
    if args.json {
        say::json(&told::object(&errors, &problems));
    } else {
        tell(&errors, &problems, threshold);
    }
    Ok(0)
}

fn tell(errors: &Errors, problems: &[Gap], threshold: f64) {
    let rows: Vec<Vec<String>> = Gap::ALL.iter().filter_map(|&gap| row(errors, gap, problems)).collect();
    show::table(&["gap", "from", "to", "points", ""], &rows);
    told::unknown(errors, told::Given::ByFlags).iter().for_each(|line| say!("{line}"));
    match problems.first() {
        Some(gap) => say!("next     {}", told::advice(*gap)),
        None => say!("next     no known gap reaches {:.1} points: nothing stands out", 100.0 * threshold),
    }
}

/// A line for a gap whose errors are known.
fn row(errors: &Errors, gap: Gap, problems: &[Gap]) -> Option<Vec<String>> {
    let size = errors.gap(gap)?;
    let [from, to] = errors.ends(gap).map(|share| share.map_or(String::new(), told::percent));
    let verdict = if problems.contains(&gap) { "problem" } else { "no problem" };
    Some(vec![gap.name().into(), from, to, told::points(size), verdict.into()])
}
