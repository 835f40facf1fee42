//! Steps of programs on data sets of any size. Where the rows do not all lie on the device, the host writes those that the next
//! steps take, in the order of the epoch, into one half of a window while the device is at work on the other. A batch is the same
//! as if all rows lay there, and so is every bit of the results.

use super::batches::steps;
use super::pace::Pace;
use super::runner::Runner;
use super::window::gathered;
use crate::data::Values;
use crate::executor::DeviceError;
use std::time::{Duration, Instant};

/// Bytes that are written at once: after each it is asked whether the device is still at work.
const PIECE_BYTES: usize = 1 << 20;

/// Steps that were given to the device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advance {
    /// How many steps the device took on.
    pub(crate) steps: usize,
    /// How long the device had nothing to do, as it waited for rows.
    pub(crate) waited: Duration,
}

impl Runner {
    /// Gives up to `count` steps of a program, from line `at` of the step table on, to the device: as many as it has rows for.
    /// While it is at work, the rows of the steps behind them are written. `values` are those of the data set.
    ///
    /// # Errors
    /// The device failed.
    pub(crate) fn advance(
        &mut self,
        values: &Values,
        program: usize,
        at: usize,
        count: usize,
    ) -> Result<Advance, DeviceError> {
        let Some(steps) = self.window.as_ref().and_then(|window| window.steps()) else {
            self.executor().run(program, count)?;
            return Ok(Advance { steps: count, waited: Duration::ZERO });
        };
        let piece = at / steps;
        let before = self.fill(values, piece, false)?;
        let count = count.min((piece + 1) * steps - at);
        self.executor().run(program, count)?;
        let meanwhile = self.fill(values, piece + 1, true)?;
        Ok(Advance { steps: count, waited: before + meanwhile })
    }

    /// Writes a piece of the order into its half of the window, if it is not there; says how long the device had nothing to do.
    fn fill(&mut self, values: &Values, piece: usize, mut busy: bool) -> Result<Duration, DeviceError> {
        let (features, answers) = (self.words_of("offset"), self.width_of("targets"));
        let (image, bytes) = (self.compiled().image, matches!(values, Values::Bytes(_)));
        let mut waited = Duration::ZERO;
        let Some((mut place, rows)) = self.window.as_mut().and_then(|window| window.take(piece)) else {
            return Ok(waited);
        };
        if values.len() != self.rows() * features {
            let (is, rows) = (values.len(), self.rows());
            return Err(DeviceError::Misfit(format!("{is} values are no {rows} rows of {features}")));
        }
        // Rows of bytes begin at whole words where their number is one of four.
        for rows in rows.chunks((PIECE_BYTES / features).max(1).next_multiple_of(4)) {
            let started = Instant::now();
            let first = if bytes { place * features / 4 } else { place * features };
            self.write_at("data", first, &gathered(values, rows, features, image))?;
            let targets = self.window.as_ref().map_or(&[][..], |window| &window.targets);
            if !targets.is_empty() {
                let of = |row: &u32| targets[*row as usize * answers..][..answers].iter().copied();
                let targets: Vec<u32> = rows.iter().flat_map(of).collect();
                self.write_at("targets", place * answers, &targets)?;
            }
            place += rows.len();
            busy = busy && !self.executor().is_idle()?;
            if !busy {
                waited += started.elapsed();
            }
        }
        Ok(waited)
    }

    /// Runs steps of a program from the first line of the step table on, in chunks that take the device no more than a moment
    /// each, and waits for them. `values` are those of the data set.
    ///
    /// # Errors
    /// The device failed.
    pub fn run_all(&mut self, values: &Values, program: usize, steps: usize) -> Result<(), DeviceError> {
        let (mut pace, mut done) = (Pace::new(), 0);
        while done < steps {
            let started = Instant::now();
            let Advance { steps: count, waited } = self.advance(values, program, done, pace.next(steps - done))?;
            self.executor().now()?;
            pace.took(count, started.elapsed().saturating_sub(waited));
            done += count;
        }
        Ok(())
    }

    /// The network's outputs for rows of the data set, `[rows, outputs]`, by a program that collects them. `values` are those of
    /// the data set.
    ///
    /// # Errors
    /// The device failed.
    pub fn outputs(&mut self, values: &Values, program: usize, rows: &[u32]) -> Result<Vec<f32>, DeviceError> {
        let table = steps(rows.len(), self.compiled().batch, false, |_| 0.0, 0);
        self.begin(rows, &table, 0)?;
        self.run_all(values, program, table.len())?;
        self.collected(rows.len())
    }

    /// Computes what the first layers make of each row of the data set, and keeps it, if the plan does that. The weights must be
    /// there.
    ///
    /// # Errors
    /// The device failed.
    pub fn keep_features(&mut self, values: &Values) -> Result<(), DeviceError> {
        let Some(program) = self.compiled().features else { return Ok(()) };
        self.take_features_as_they_are()?;
        let order: Vec<u32> = (0..self.rows() as u32).collect();
        let table = steps(order.len(), self.compiled().batch, false, |_| 0.0, 0);
        self.begin_as(self.window.is_some(), &order, &table, 0)?;
        self.run_all(values, program, table.len())
    }

    /// What the first layers made of some rows of the data set, if the plan keeps that.
    ///
    /// # Errors
    /// The device failed.
    ///
    /// # Panics
    /// There is no such row.
    pub(crate) fn features_of(&mut self, rows: &[u32]) -> Result<Option<Vec<f32>>, DeviceError> {
        if self.compiled().features.is_none() {
            return Ok(None);
        }
        let width = self.width_of("features");
        let mut features = Vec::with_capacity(rows.len() * width);
        for &row in rows {
            assert!((row as usize) < self.rows(), "the data set has row {row}");
            features.extend(self.read_at("features", row as usize * width, width)?);
        }
        Ok(Some(features))
    }

    /// Writes what the first layers make of the rows, where the plan begins behind them.
    ///
    /// # Errors
    /// The device failed.
    pub(crate) fn load_features(&mut self, features: &[f32]) -> Result<(), DeviceError> {
        self.take_features_as_they_are()?;
        self.write_floats("features", features)
    }

    /// Features are not normalised again.
    fn take_features_as_they_are(&mut self) -> Result<(), DeviceError> {
        let width = self.words_of("features.factor");
        self.write_floats("features.offset", &vec![0.0; width])?;
        self.write_floats("features.factor", &vec![1.0; width])
    }
}
