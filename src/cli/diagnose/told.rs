//! What is said of errors, of a run or given: the JSON fields that both have, and what to do next.

use crate::metrics::{Errors, Gap};
use serde_json::{Value, json};

pub(super) fn object(errors: &Errors, problems: &[Gap]) -> Value {
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

/// What gives the errors that are not known: of a run, or by flags of `diagnose` alone.
#[derive(Clone, Copy)]
pub(super) enum Given {
    ByRun,
    ByFlags,
}

impl Given {
    /// The names of the human, training, train-dev, validation and test errors, as what to give to know them.
    fn names(self) -> [&'static str; 5] {
        match self {
            Self::ByRun => [
                "--human-error",
                "training rows",
                "train-dev rows (train with --other-source)",
                "validation rows (train with --validation)",
                "test rows (train with --test)",
            ],
            Self::ByFlags => {
                ["--human-error", "--train-error", "--train-dev-error", "--validation-error", "--test-error"]
            }
        }
    }
}

/// A sentence for each gap that is not known, which names what would give it.
pub(super) fn unknown(errors: &Errors, given: Given) -> Vec<String> {
    let [human, train, train_dev, validation, test] = given.names();
    let sentence = |gap: Gap| {
        errors.gap(gap).is_none().then_some(())?;
        let ends = match gap {
            Gap::Bias => [human, train],
            Gap::Variance => [train, validation],
            Gap::Mismatch => [train_dev, validation],
            Gap::ValidationOverfit => [validation, test],
        };
        let missing = ends.into_iter().zip(errors.ends(gap)).filter(|(_, error)| error.is_none());
        let names: Vec<&str> = missing.map(|(name, _)| name).collect();
        Some(format!("{} is not known without {}", gap.name(), names.join(" and ")))
    };
    Gap::ALL.into_iter().filter_map(sentence).collect()
}

/// A share in percentage points, of which no zero has a sign.
pub(super) fn points(share: f64) -> String {
    let text = format!("{:.1}", 100.0 * share);
    if text == "-0.0" { "0.0".into() } else { text }
}

pub(super) fn percent(share: f64) -> String {
    format!("{} %", points(share))
}

/// The two ends of an interval, in percentage points.
pub(super) fn interval([low, high]: [f64; 2]) -> String {
    format!("{} to {}", points(low), points(high))
}

/// A gap, and what a course on training networks does next about it.
pub(super) fn advice(gap: Gap) -> String {
    let advice = match gap {
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
    };
    format!("{}: {advice}", gap.name())
}
