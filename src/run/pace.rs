//! How many steps go to the device at once: as many as take about a tenth of a second, so that progress is smooth, Ctrl-C
//! is heard, and no system's watchdog takes the device for hung. It changes no bit of any result.

use std::time::Duration;

/// Time that a chunk of steps should take, at least and at most.
const TIME: (Duration, Duration) = (Duration::from_millis(40), Duration::from_millis(160));

/// Most steps of a chunk.
const MOST: usize = 4096;

/// The size of the next chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    steps: usize,
}

impl Pace {
    /// Begins with a single step, whose time is not known.
    pub(crate) fn new() -> Self {
        Self { steps: 1 }
    }

    /// Steps of the next chunk, of those that are left.
    pub(crate) fn next(&self, left: usize) -> usize {
        self.steps.min(left)
    }

    /// Takes note of the time that a chunk took.
    pub(crate) fn took(&mut self, steps: usize, time: Duration) {
        if time < TIME.0 && steps == self.steps {
            self.steps = (steps * 2).min(MOST);
        } else if time > TIME.1 {
            self.steps = (steps / 2).max(1);
        }
    }
}
