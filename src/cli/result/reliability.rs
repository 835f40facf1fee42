//! How far confidence can be trusted: the calibration error in a line, and the table behind it.

use super::super::say::say;
use super::super::show;
use crate::metrics::{Assessment, Bin, Calibration, ClassMetrics, Metrics};
use serde_json::{Value, json};

/// The calibration error, where outputs stand for probabilities.
pub(super) fn line(metrics: &ClassMetrics) {
    let Some(Calibration { error, bins }) = &metrics.calibration else { return };
    say!("  expected calibration error {error:.4} ({} bins of the confidence)", bins.len());
}

/// Adds `ece` and `reliability`.
pub(super) fn add_to(object: &mut Value, metrics: &ClassMetrics) {
    let calibration = metrics.calibration.as_ref();
    object["ece"] = json!(calibration.map(|calibration| calibration.error));
    let bins = |calibration: &Calibration| {
        let bin = |(at, bin): (usize, &Bin)| {
            let [from, to] = Calibration::edges(at);
            json!({ "from": from, "to": to, "rows": bin.rows, "confidence": bin.confidence, "accuracy": bin.accuracy })
        };
        calibration.bins.iter().enumerate().map(bin).collect::<Vec<_>>()
    };
    object["reliability"] = json!(calibration.map(bins));
}

/// The bins that hold answers, or that there are no probabilities.
pub(in crate::cli) fn table(result: &Assessment) {
    say!("");
    let calibration = match &result.metrics {
        Metrics::Classes(metrics) => metrics.calibration.as_ref(),
        Metrics::Numbers(_) => None,
    };
    let Some(Calibration { bins, .. }) = calibration else {
        say!("The model's outputs stand for no probabilities, so that there is no confidence to judge.");
        return;
    };
    say!("reliability (right answers by the probability of the answer)");
    let there = bins.iter().enumerate().filter(|(_, bin)| bin.rows > 0);
    let row = |(at, bin): (usize, &Bin)| {
        let [from, to] = Calibration::edges(at);
        let shares = [bin.confidence, bin.accuracy].map(|share| format!("{share:.4}"));
        [vec![format!("{from:.3} to {to:.3}"), show::thousands(bin.rows as u64)], shares.to_vec()].concat()
    };
    show::table(&["confidence", "rows", "mean confidence", "accuracy"], &there.map(row).collect::<Vec<_>>());
    say!("");
}
