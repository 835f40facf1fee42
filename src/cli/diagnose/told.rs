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

/// A sentence that names the gaps that are not known, if there are any.
pub(super) fn unknown(errors: &Errors) -> Option<String> {
    let unknown: Vec<&str> = Gap::ALL.into_iter().filter(|gap| errors.gap(*gap).is_none()).map(Gap::name).collect();
    let hint = if errors.human.is_none() { " (--human-error gives that of a person)" } else { "" };
    (!unknown.is_empty()).then(|| format!("not known, as an error is missing: {}{hint}", unknown.join(", ")))
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// The two ends of an interval, in percentage points.
pub(super) fn interval([low, high]: [f64; 2]) -> String {
    format!("{:.1} to {:.1}", 100.0 * low, 100.0 * high)
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
