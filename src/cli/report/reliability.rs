//! Whether the model's probabilities are shares of right answers.

use super::chart::{Chart, Curve};
use super::html;
use crate::metrics::{Bin, Calibration};

/// The expected calibration error, a chart of the bins and their table.
pub(super) fn html(calibration: &Calibration) -> Option<String> {
    let known = |bin: &&Bin| bin.rows > 0;
    let points = calibration.bins.iter().filter(known).map(|bin| [bin.confidence, bin.accuracy]).collect();
    let chart = Chart {
        title: "share of right answers by confidence",
        x: "probability of the answer, mean of a bin",
        curves: vec![
            Curve { name: "perfectly calibrated", class: "faint", points: vec![[0.0, 0.0], [1.0, 1.0]] },
            Curve { name: "the model: below the line it is too sure", class: "b", points },
        ],
        may_be_logarithmic: false,
        mark: None,
    };
    let row = |(at, bin): (usize, &Bin)| {
        let [low, high] = Calibration::edges(at).map(|edge| format!("{edge:.3}"));
        let [confidence, accuracy] = [bin.confidence, bin.accuracy].map(|share| format!("{share:.4}"));
        vec![format!("{low} to {high}"), bin.rows.to_string(), confidence, accuracy]
    };
    let rows: Vec<_> = calibration.bins.iter().enumerate().filter(|(_, bin)| bin.rows > 0).map(row).collect();
    let about = format!(
        "The expected calibration error is {:.4}: the mean gap between probability and share, each bin weighed by its answers.",
        calibration.error
    );
    let table = html::table(&["probability", "answers", "mean probability", "right"], &rows);
    Some(format!("{}<div>{}{table}</div>\n", chart.html()?, html::paragraph(&about)))
}
