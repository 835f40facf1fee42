//! What a run has learnt on its validation part of how far the model's answers can be trusted.

use crate::metrics::{MOST_TEMPERATURE, Scores};
use crate::nn::Answer;
use serde::{Deserialize, Serialize};

/// What the validation part has said of a model's answers after training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibrated {
    /// Rows of the validation part.
    pub rows: usize,
    /// The number that outputs are divided by before they become probabilities; none where no number is best, and for
    /// numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The scores from which sets of classes and intervals of numbers are made; none for labels.
    pub scores: Scores,
}

impl Calibrated {
    /// Refuses numbers that no run leaves.
    pub(super) fn check(&self, answer: Answer, outputs: usize) -> Result<(), String> {
        let range = 1.0 / MOST_TEMPERATURE..=MOST_TEMPERATURE;
        let possible = |t: f64| range.contains(&t) && answer != Answer::Numbers;
        if !self.temperature.is_none_or(possible) {
            return Err("its temperature is none that a run leaves".into());
        }
        if !self.scores.fit(answer, outputs) || self.scores.rows() > self.rows {
            return Err("its calibration scores are not sorted lists of finite numbers, as many as it answers".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_run_leaves_are_refused() {
        let of = |text: &str, answer| -> Result<(), String> {
            let found: Calibrated = serde_json::from_str(text).map_err(|error| error.to_string())?;
            found.check(answer, 1)
        };
        let right = r#"{"rows":3,"temperature":1.5,"scores":[[0.1,0.2]]}"#;
        assert_eq!(of(right, Answer::Class), Ok(()));
        assert_eq!(of(r#"{"rows":3,"scores":[[0.1,0.2]]}"#, Answer::Numbers), Ok(()));
        for (wrong, answer) in [
            (right, Answer::Numbers),
            (right, Answer::Labels),
            (r#"{"rows":3,"temperature":0.0,"scores":[[0.1]]}"#, Answer::Class),
            (r#"{"rows":3,"temperature":-1,"scores":[[0.1]]}"#, Answer::Class),
            (r#"{"rows":3,"temperature":1e9,"scores":[[0.1]]}"#, Answer::Class),
            (r#"{"rows":1,"scores":[[0.1,0.2]]}"#, Answer::Class),
            (r#"{"rows":3,"scores":[[0.2,0.1]]}"#, Answer::Class),
            (r#"{"rows":3,"scores":[[-0.2]]}"#, Answer::Class),
            (r#"{"rows":3,"scores":[]}"#, Answer::Class),
        ] {
            assert!(of(wrong, answer).is_err(), "{wrong}");
        }
    }
}
