//! Benchmarks: networks that other trainers are measured on too, their products, and what a device does at best.
//!
//! All numbers are of one process on a machine that other processes use as well: [`Usage`] says how much of it they took.
//! A figure of another day, or of another process at work, says little; ratios count that were taken in turn.

mod chain;
mod conv;
mod host;
mod kernels;
mod net;
pub mod tune;

pub use chain::{Chain, Form, Product};
pub use conv::{Conv, ConvPass, peak};
pub use host::{Load, Usage, peak_rss, since_process_start};
pub use kernels::{Best, Clock, KernelTime, Profile, empty_dispatch};
pub use net::{Net, OF_IMAGES, OTHERS, WORKS, Work};

use crate::run::pace::Pace;
use std::time::Instant;

/// Most seconds of warming up.
const WARM_UP: f64 = 3.0;

/// How often and how long something is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Number of runs, at least 1.
    pub runs: usize,
    /// Length of a run, more than 0.
    pub seconds: f64,
}

/// Rates of the runs of one measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// Times per second, in the order of the runs.
    pub runs: Vec<f64>,
    /// Who used the processor meanwhile, where the system says so.
    pub usage: Option<Usage>,
}

impl Rates {
    /// The median of the runs.
    pub fn median(&self) -> f64 {
        median(&self.runs)
    }

    /// The same, each times a factor.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self { runs: self.runs.iter().map(|rate| rate * factor).collect(), usage: self.usage }
    }

    /// The slowest and the fastest run.
    pub fn spread(&self) -> (f64, f64) {
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        self.runs.iter().fold(ends, |(low, high), &rate| (low.min(rate), high.max(rate)))
    }
}

/// The median; of an even number of values the mean of the two in the middle; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        count if count.is_multiple_of(2) => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// Measures `work(n)`, which does something n times and waits until it is done: warms up, then takes the runs.
///
/// # Errors
/// The work failed.
pub fn measure<E>(timing: Timing, mut work: impl FnMut(usize) -> Result<(), E>) -> Result<Rates, E> {
    let mut pace = Pace::new();
    run(timing.seconds.min(WARM_UP), &mut pace, &mut work)?;
    let load = Load::start();
    let runs = (0..timing.runs).map(|_| run(timing.seconds, &mut pace, &mut work)).collect::<Result<_, E>>()?;
    Ok(Rates { runs, usage: load.and_then(|load| load.usage()) })
}

/// Works for a time, in chunks of about a tenth of a second, and gives times per second.
fn run<E>(seconds: f64, pace: &mut Pace, work: &mut impl FnMut(usize) -> Result<(), E>) -> Result<f64, E> {
    let (started, mut done) = (Instant::now(), 0);
    loop {
        let (at, count) = (Instant::now(), pace.next(usize::MAX));
        work(count)?;
        pace.took(count, at.elapsed());
        done += count;
        let passed = started.elapsed().as_secs_f64();
        if passed >= seconds {
            return Ok(done as f64 / passed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_and_summed_up() {
        let (mut done, timing) = (0, Timing { runs: 2, seconds: 0.01 });
        let rates = measure(timing, |count| {
            done += count;
            std::hint::black_box(vec![0u8; count]);
            Ok::<_, ()>(())
        });
        let Ok(rates) = rates else { panic!("nothing failed") };
        assert!(done > 3 && rates.runs.len() == 2 && rates.runs.iter().all(|rate| *rate > 0.0), "{rates:?}");
        assert!(measure(timing, |_| Err(7)).is_err());
        let rates = Rates { runs: vec![3.0, 1.0, 4.0, 2.0], usage: None };
        assert_eq!((rates.median(), rates.spread()), (2.5, (1.0, 4.0)));
        assert_eq!(rates.times(2.0).runs, [6.0, 2.0, 8.0, 4.0]);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert!(median(&[]).is_nan());
    }
}
