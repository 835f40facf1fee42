//! Loss and answers over rows, and predictions for single inputs.

use super::batches::steps;
use super::device::Device;
use super::pace::Pace;
use super::programs::{DataShape, Programs};
use super::runner::Runner;
use super::state;
use crate::data::Values;
use crate::error::Error;
use crate::executor::DeviceError;
use crate::export::Model;
use crate::nn::Network;
use std::time::Instant;

/// How a model did on rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Rows.
    pub n: usize,
    /// Mean loss.
    pub loss: f64,
    /// Correct answers.
    pub correct: usize,
    /// Predicted class of each row.
    pub predictions: Vec<u32>,
}

impl Evaluation {
    /// Share of correct answers.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.n as f64
    }

    /// Its 95 % interval.
    pub fn interval(&self) -> [f64; 2] {
        wilson(self.correct, self.n)
    }

    /// `confusion[true][predicted]`, for the true classes of the rows.
    pub fn confusion(&self, labels: impl IntoIterator<Item = u32>, classes: usize) -> Vec<Vec<usize>> {
        let mut confusion = vec![vec![0; classes]; classes];
        for (label, &predicted) in labels.into_iter().zip(&self.predictions) {
            confusion[label as usize][predicted as usize] += 1;
        }
        confusion
    }
}

/// The 95 % interval of a share (Wilson 1927, "Probable inference", the score interval).
pub fn wilson(correct: usize, n: usize) -> [f64; 2] {
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (n as f64, correct as f64 / n as f64);
    let centre = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    [((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)]
}

impl Runner {
    /// Evaluates rows of the data set.
    ///
    /// # Errors
    /// The device failed.
    pub fn evaluate(&mut self, rows: &[u32]) -> Result<Evaluation, DeviceError> {
        let table = steps(rows.len(), self.programs().batch, false, 0.0, 0);
        let program = self.programs().evaluate;
        self.begin(rows, &table, 0)?;
        let (mut pace, mut done) = (Pace::new(), 0);
        while done < table.len() {
            let (started, count) = (Instant::now(), pace.next(table.len() - done));
            self.run(program, count)?;
            self.executor().now()?;
            pace.took(count, started.elapsed());
            done += count;
        }
        let results = self.results(0, table.len())?;
        let sum: f64 =
            results.iter().zip(&table).map(|((loss, _), step)| f64::from(*loss) * f64::from(step.rows)).sum();
        let correct = results.iter().map(|(_, correct)| *correct as usize).sum();
        let predictions = self.predictions(rows.len())?;
        Ok(Evaluation { n: rows.len(), loss: sum / rows.len() as f64, correct, predictions })
    }
}

/// Rows of one batch of a prediction.
const BATCH: usize = 256;

/// A model ready to predict.
#[derive(Debug)]
pub struct Predictor {
    runner: Runner,
    numbers: (Vec<f32>, Vec<f32>),
    features: usize,
    classes: usize,
}

impl Predictor {
    /// Puts a model on a device, for inputs that are bytes or floats.
    ///
    /// # Errors
    /// The model does not describe a network or does not fit it; the device failed.
    pub fn new(model: &Model, bytes: bool, device: &Device) -> Result<Self, Error> {
        let meta = model.described()?;
        let network = Network::read(&meta.layers, meta.classes.len(), None)?;
        let data = DataShape { bytes, rows: BATCH, row: meta.input.clone() };
        let programs = Programs::compile(&network, &data, BATCH, None, device.target())?;
        let mut runner = Runner::new(device, programs)?;
        state::load(&mut runner, model, false)?;
        let features = meta.input.iter().product();
        Ok(Self { runner, numbers: meta.normalize.numbers(features), features, classes: meta.classes.len() })
    }

    /// Logits of each input, `[rows][classes]`.
    ///
    /// # Errors
    /// The device failed.
    pub fn logits(&mut self, inputs: &Values) -> Result<Vec<Vec<f32>>, DeviceError> {
        let mut out = vec![];
        let rows = inputs.len() / self.features;
        for first in (0..rows).step_by(BATCH) {
            let range = first * self.features..(first + BATCH).min(rows) * self.features;
            let chunk = match inputs {
                Values::Bytes(bytes) => Values::Bytes(bytes[range].to_vec()),
                Values::Floats(floats) => Values::Floats(floats[range].to_vec()),
            };
            let count = chunk.len() / self.features;
            self.runner.load_data(&chunk, &[], (&self.numbers.0, &self.numbers.1))?;
            let order: Vec<u32> = (0..count as u32).collect();
            self.runner.begin(&order, &steps(count, BATCH, false, 0.0, 0), 0)?;
            self.runner.run(self.runner.programs().evaluate, 1)?;
            let logits = self.runner.logits()?;
            out.extend(logits.chunks(self.classes).take(count).map(<[f32]>::to_vec));
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::wilson;

    /// Against R's `prop.test(…, correct = FALSE)` and the closed form at the ends.
    #[test]
    fn wilson_is_the_score_interval() {
        let close = |a: [f64; 2], b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 5e-5);
        assert!(close(wilson(8, 10), [0.4902, 0.9433]));
        assert!(close(wilson(0, 10), [0.0, 0.2775]));
        assert!(close(wilson(10, 10), [0.7225, 1.0]));
        assert!(!close(wilson(9, 10), [0.4902, 0.9433]));
    }
}
