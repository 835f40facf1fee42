//! The learning-rate range test (Smith 2017, "Cyclical learning rates for training neural networks", section 3.3), in the form
//! of fast.ai's `lr_find`: the rate grows by the same factor from step to step, and the loss is watched. The step table holds
//! a rate for each step, so the device takes many steps without the host.

use super::trainer::Trainer;
use crate::error::Error;
use crate::executor::DeviceError;
use crate::run::stream::Advance;
use std::time::Instant;

/// The first and the last rate, and how many are tried.
const RATES: (f64, f64, usize) = (1e-7, 10.0, 100);

/// What a step keeps of the mean loss of the steps before it: the mean is over some ten steps, in which the rate grows six-fold.
const KEEPS: f64 = 0.9;

/// A mean loss of so many times the least one ends the test.
const TOO_LARGE: f64 = 4.0;

/// The least share of the loss at the first rates by which it must fall, else no rate is known to be of use: more than the loss
/// of batches differs by chance.
const FALL: f64 = 0.05;

/// Steps before and behind a step, between which its slope is taken.
const REACH: usize = 3;

/// One step of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePoint {
    /// The rate of the step's update.
    pub rate: f64,
    /// Mean loss of its batch before the update.
    pub loss: f64,
    /// Exponential mean of the losses so far, weighted so that it is a mean from the first step on.
    pub smoothed: f64,
}

/// Losses by rate, from the smallest rate on.
#[derive(Clone, Debug, PartialEq)]
pub struct RateCurve {
    /// All steps with a finite loss, up to the last rate or the first at which the loss was four times the least.
    pub points: Vec<RatePoint>,
    /// Whether the loss grew so large before the last rate.
    pub too_large: bool,
}

/// What a curve recommends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggestion {
    /// The rate at which the smoothed loss falls most by the logarithm of the rate.
    pub steepest: f64,
    /// The rate of the least smoothed loss.
    pub least: f64,
    /// The recommendation: a tenth of the rate of the least smoothed loss, as fast.ai has it, rounded to one digit.
    pub rate: f64,
}

impl RateCurve {
    /// The curve of these losses, up to the first that makes the smoothed loss too large or is not finite.
    fn of(losses: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let (mut points, mut mean, mut least) = (vec![], 0.0, f64::INFINITY);
        for (step, (rate, loss)) in losses.into_iter().enumerate() {
            mean = KEEPS * mean + (1.0 - KEEPS) * loss;
            let smoothed = mean / (1.0 - KEEPS.powi(step as i32 + 1));
            if !loss.is_finite() || smoothed > TOO_LARGE * least {
                return Self { points, too_large: true };
            }
            least = least.min(smoothed);
            points.push(RatePoint { rate, loss, smoothed });
        }
        Self { points, too_large: false }
    }

    /// The rate to train with; none if the loss fell at no rate.
    pub fn suggestion(&self) -> Option<Suggestion> {
        let least = self.points.iter().min_by(|a, b| a.smoothed.total_cmp(&b.smoothed))?;
        // The mean of the first ten losses: at those rates nothing moves.
        let first = self.points.get(9).or_else(|| self.points.last())?.smoothed;
        if least.smoothed > (1.0 - FALL) * first {
            return None;
        }
        let slope = |window: &[RatePoint]| {
            let (a, b) = (window[0], window[2 * REACH]);
            (b.smoothed - a.smoothed) / (b.rate / a.rate).ln()
        };
        let windows = self.points.windows(2 * REACH + 1);
        let steepest = windows.min_by(|a, b| slope(a).total_cmp(&slope(b)))?[REACH].rate;
        Some(Suggestion { steepest, least: least.rate, rate: one_digit(least.rate / 10.0) })
    }
}

/// The nearest number of one digit, by ratio.
fn one_digit(value: f64) -> f64 {
    let text = format!("{value:.0e}");
    text.parse().unwrap_or(value)
}

/// The rate of a step of the test.
fn rate(step: usize) -> f64 {
    let (first, last, count) = RATES;
    first * (last / first).powf(step as f64 / (count - 1) as f64)
}

impl Trainer {
    /// Trains for up to a hundred steps whose rate grows from 1e-7 to 10, and gives the loss of each. Afterwards the weights are of no
    /// use. A layer that has a rate of its own keeps its share of the run's.
    ///
    /// # Errors
    /// The run has begun already; the device failed.
    pub fn rate_curve(&mut self) -> Result<RateCurve, Error> {
        if self.progress.step > 0 {
            return Err(Error::Steps("rates are tried from the start of a run: this one has begun".into()));
        }
        let program = self.compiled().train.unwrap_or_else(|| panic!("a trainer's plan trains"));
        let mut losses: Vec<(f64, f64)> = vec![];
        let mut curve = RateCurve { points: vec![], too_large: false };
        while losses.len() < RATES.2 && !curve.too_large {
            let first = losses.len();
            let mut table = self.epoch_steps();
            table.truncate(RATES.2 - first);
            if table.is_empty() {
                return Err(Error::Steps("an epoch has no steps: give fewer rows to a batch".into()));
            }
            table.iter_mut().enumerate().for_each(|(at, line)| line.rate = rate(first + at) as f32);
            self.begin_epoch(&table)?;
            let mut at = 0;
            while at < table.len() && !curve.too_large {
                let (started, count) = (Instant::now(), self.pace.next(table.len() - at));
                let Advance { steps: count, waited } =
                    self.runner.advance(&self.job.dataset.values, program, at, count)?;
                let now = self.runner.executor().now()?;
                let halted = now.halted != 0;
                let done = if halted { now.index as usize + 1 } else { at + count };
                let found = self.runner.results(at, done)?;
                losses.extend(found.iter().zip(losses.len()..).map(|(&(loss, _), step)| (rate(step), f64::from(loss))));
                curve = RateCurve::of(losses.iter().copied());
                curve.too_large |= halted;
                self.pace.took(count, started.elapsed().saturating_sub(waited));
                at = done;
            }
            self.progress.step += at as u64;
            self.next_epoch();
        }
        if curve.points.is_empty() {
            let what = "a loss that is not finite, before any update";
            return Err(DeviceError::Impossible(what.into()).into());
        }
        Ok(curve)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[test]
    fn rates_grow_by_one_factor() {
        assert!((rate(0) - 1e-7).abs() < 1e-20 && (rate(99) - 10.0).abs() < 1e-12);
        let factor = 1e8_f64.powf(1.0 / 99.0);
        assert!((1..100).all(|step| (rate(step) / rate(step - 1) / factor - 1.0).abs() < 1e-12));
        assert_eq!([0.0123, 0.0961, 9.6, 1.0].map(one_digit), [0.01, 0.1, 10.0, 1.0]);
    }

    /// By hand: means of 2; of 2 and 1 with weights 0.9 and 1; then a loss that makes the mean more than four times the least.
    #[test]
    fn the_mean_is_one_from_the_first_step_on_and_a_large_one_ends_the_test() {
        let losses = [(1.0, 2.0), (2.0, 1.0), (4.0, 50.0), (8.0, 1.0)];
        let curve = RateCurve::of(losses);
        let smoothed: Vec<f64> = curve.points.iter().map(|point| point.smoothed).collect();
        assert!((smoothed[0] - 2.0).abs() < 1e-12 && (smoothed[1] - 2.8 / 1.9).abs() < 1e-12, "{smoothed:?}");
        assert_eq!((smoothed.len(), curve.too_large), (2, true));
        assert!(!RateCurve::of(losses[..2].iter().copied()).too_large);
        let curve = RateCurve::of([(1.0, 2.0), (2.0, f64::NAN), (4.0, 1.0)]);
        assert_eq!((curve.points.len(), curve.too_large), (1, true));
    }

    /// A loss that falls with the logarithm of the rate between 1e-4 and 1e-1 alone, and grows from 1 on.
    #[test]
    fn a_tenth_of_the_best_rate_is_recommended_and_nothing_where_nothing_falls() {
        let loss = |rate: f64| 3.0 - rate.log10().clamp(-4.0, -1.0) - 4.0 + if rate > 1.0 { rate } else { 0.0 };
        let curve = RateCurve::of((0..100).map(|step| (rate(step), loss(rate(step)))));
        let found = curve.suggestion().unwrap();
        // The mean lags behind by some ten steps of a factor of 1.2, so the least comes before the loss grows.
        assert!((0.1..1.5).contains(&found.least), "{found:?}");
        assert!((1e-3..0.1).contains(&found.steepest), "{found:?}");
        assert!((0.01..=0.2).contains(&found.rate), "{found:?}");
        let flat = RateCurve::of((0..100).map(|step| (rate(step), 2.3 + 0.01 * (step as f64).sin())));
        assert_eq!(flat.suggestion(), None);
        assert_eq!(RateCurve { points: vec![], too_large: true }.suggestion(), None);
    }
}
