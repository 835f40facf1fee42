//! `wgrad diagnose`

use super::args::DiagnoseArgs;
use super::say::{self, say};
use super::{setting, show};
use crate::error::Error;
use crate::metrics::{Errors, Gap};
use serde_json::json;

pub(super) fn run(args: &DiagnoseArgs) -> Result<u8, Error> {
    let errors = Errors {
        human: args.human_error,
        train: args.train_error,
        train_dev: args.train_dev_error,
        validation: args.validation_error,
        test: args.test_error,
    };
    if args.threshold == 0.0 {
        return Err(setting("--threshold must be above 0: with 0, errors that are equal would be a problem"));
    }
    if Gap::ALL.iter().all(|gap| errors.gap(*gap).is_none()) {
        let what = "there are no two neighbouring errors to compare";
        return Err(setting(format!("{what}: give at least --train-error, and --human-error or --validation-error")));
    }
    let problems = errors.problems(args.threshold);
    if args.json {
        say::json(&object(&errors, &problems));
    } else {
        tell(&errors, &problems, args.threshold);
    }
    Ok(0)
}

fn object(errors: &Errors, problems: &[Gap]) -> serde_json::Value {
    json!({
        "human_error": errors.human,
        "train_error": errors.train,
        "train_dev_error": errors.train_dev,
        "validation_error": errors.validation,
        "test_error": errors.test,
        "avoidable_bias": errors.gap(Gap::Bias),
        "variance": errors.gap(Gap::Variance),
        "mismatch": errors.gap(Gap::Mismatch),
        "validation_overfit": errors.gap(Gap::ValidationOverfit),
        "problems": problems.iter().map(|gap| gap.name()).collect::<Vec<_>>(),
    })
}

fn tell(errors: &Errors, problems: &[Gap], threshold: f64) {
    let rows: Vec<Vec<String>> = Gap::ALL.iter().filter_map(|&gap| row(errors, gap, problems)).collect();
    show::table(&["gap", "from", "to", "points", ""], &rows);
    let unknown: Vec<&str> = Gap::ALL.into_iter().filter(|gap| errors.gap(*gap).is_none()).map(Gap::name).collect();
    if !unknown.is_empty() {
        say!("not known, as an error is missing: {}", unknown.join(", "));
    }
    match problems.first() {
        Some(gap) => say!("next     {}: {}", gap.name(), advice(*gap)),
        None => say!("next     no known gap reaches {:.1} points: nothing stands out", 100.0 * threshold),
    }
}

/// A line for a gap whose errors are known.
fn row(errors: &Errors, gap: Gap, problems: &[Gap]) -> Option<Vec<String>> {
    let size = errors.gap(gap)?;
    let [from, to] = errors.ends(gap);
    let percent = |share: Option<f64>| share.map_or(String::new(), |share| format!("{:.1} %", 100.0 * share));
    let verdict = if problems.contains(&gap) { "problem" } else { "" };
    Some(vec![gap.name().into(), percent(from), percent(to), format!("{:.1}", 100.0 * size), verdict.into()])
}

/// What a course on training networks does next about a gap.
fn advice(gap: Gap) -> &'static str {
    match gap {
        Gap::Bias => {
            "take a larger network (--layers), train longer (--epochs), or regularise less (--weight-decay, dropout)"
        }
        Gap::Variance => {
            "bring more training data, regularise more (--weight-decay, dropout, augmentation), or take a smaller network"
        }
        Gap::Mismatch => {
            "look at what differs between the training and the validation rows, and bring training data like the latter"
        }
        Gap::ValidationOverfit => "bring more validation rows: choices were fitted to those that are there",
    }
}
