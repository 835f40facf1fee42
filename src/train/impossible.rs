//! Numbers that no right device gives: then neither weights nor losses mean anything, and the run must not go on.

use crate::export::Progress;

/// Losses are sums of terms that are not negative, each but for a few roundings.
const ROUNDING: f32 = 1e-3;

/// Steps of numbers without a loss of which no one is to be believed.
const STEPS_OF_NOTHING: u64 = 16;

/// What cannot be in the answer of one step.
pub(super) fn in_step(loss: f32, correct: u32, rows: u32, answers: Option<u64>) -> Option<String> {
    let most = answers.map(|answers| u64::from(rows) * answers);
    match most {
        Some(most) if u64::from(correct) > most => Some(format!("{correct} right answers of {most}")),
        _ if loss < -ROUNDING => Some(format!("a loss of {loss}")),
        _ => None,
    }
}

/// What cannot be in all answers of the epoch at work: each loss exactly 0, though not each answer is right.
pub(super) fn in_epoch(p: &Progress, answers: Option<u64>) -> Option<String> {
    let wrong = match answers {
        Some(answers) => p.rows > 0 && p.correct < p.rows * answers,
        None => p.step_in_epoch >= STEPS_OF_NOTHING,
    };
    (wrong && p.loss_sum == 0.0).then(|| format!("a loss of exactly 0 in each of {} steps", p.step_in_epoch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_told_from_what_can() {
        for (loss, correct) in [(-0.5, 3), (0.5, 11), (f32::NEG_INFINITY, 0)] {
            assert!(in_step(loss, correct, 10, Some(1)).is_some(), "{loss} {correct}");
        }
        for (loss, correct) in [(0.0, 10), (-1e-7, 10), (2.5, 0), (f32::NAN, 0)] {
            assert_eq!(in_step(loss, correct, 10, Some(1)), None, "{loss} {correct}");
        }
        assert_eq!(in_step(0.5, 30, 10, Some(3)), None);
        // Where answers are numbers, what is counted right says little.
        assert_eq!(in_step(0.5, 11, 10, None), None);
        let epoch = |loss_sum, correct, step_in_epoch| Progress {
            loss_sum,
            correct,
            step_in_epoch,
            rows: 10 * step_in_epoch,
            ..Progress::default()
        };
        assert!(in_epoch(&epoch(0.0, 9, 1), Some(1)).is_some());
        assert!(in_epoch(&epoch(0.0, 0, STEPS_OF_NOTHING), None).is_some());
        for (p, answers) in [
            // A network that is sure of all answers, and right.
            (epoch(0.0, 10, 1), Some(1)),
            (epoch(1e-9, 9, 1), Some(1)),
            (epoch(0.0, 0, 1), None),
            (epoch(0.0, 0, 0), Some(1)),
        ] {
            assert_eq!(in_epoch(&p, answers), None, "{p:?}");
        }
    }
}
