//! A model ready to predict: its outputs for any inputs, by the rule for inference or under dropout's masks.

use super::batches::steps;
use super::compiled::Compiled;
use super::mean::Mean;
use super::options::{DataShape, Purpose};
use super::runner::Runner;
use super::state;
use crate::data::{Affine, Values};
use crate::device::Device;
use crate::error::Error;
use crate::executor::DeviceError;
use crate::export::Model;
use crate::metrics::apply_temperature;
use crate::nn::{Answer, Network, Problem, TargetScale};

/// Most rows of one batch of a prediction.
const BATCH: usize = 256;

/// Most values of one batch: of large images fewer rows are taken at once, since a network's images take many times the memory.
const VALUES: usize = 1 << 22;

/// Rows of one batch of rows of so many values.
fn batch(features: usize) -> usize {
    (VALUES / features.max(1)).clamp(1, BATCH)
}

/// A model on a device, ready to predict.
///
/// ```
/// use wgrad::data::{self, Targets};
/// use wgrad::{Device, Predictor, Recipe, Trainer};
///
/// let (x, y) = ([0.0, 0.1, 0.9, 1.0], [0, 0, 1, 1]);
/// let data = data::from_floats(&x, &[1], Targets::of_labels(&y))?;
/// let recipe = Recipe { test: Some(0.0.into()), validation: Some(0.0.into()), ..Recipe::default() };
/// let mut trainer = Trainer::with_data(&recipe, data, &Device::CPU)?;
/// trainer.fit(&mut ())?;
/// let mut predictor = Predictor::new(&trainer.model()?, &Device::CPU)?;
/// assert_eq!(predictor.predict(&[0.2, 0.8])?.len(), 2);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Debug)]
pub struct Predictor {
    runner: Runner,
    affine: Affine,
    features: usize,
    problem: Problem,
    scale: TargetScale,
    /// By which outputs are divided.
    temperature: Option<f64>,
}

/// What a model answers for one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// One of several classes.
    Class {
        /// The number of the class, from 0 in the order of the model's names.
        class: usize,
        /// The name of the class, as in the data.
        name: String,
        /// The probability of each class.
        probabilities: Vec<f64>,
    },
    /// The probability of each label.
    Labels(Vec<f64>),
    /// Numbers, in the units of the data.
    Numbers(Vec<f64>),
}

/// What a row's predictions under several of dropout's masks have in common, for each class, label or number.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampled {
    /// Mean of the predictions, for each class, label or number.
    pub mean: Vec<f64>,
    /// Their standard deviation, over n − 1.
    pub deviation: Vec<f64>,
}

impl Predictor {
    /// Puts a model on a device.
    ///
    /// # Errors
    /// The model does not describe a network, or its tensors do not fit it; the device failed.
    pub fn new(model: &Model, device: &Device) -> Result<Self, Error> {
        Self::for_inputs(model, false, None, device)
    }

    /// The answers for rows of inputs, `[rows, features]` row-major, in the units of the data that the model was trained on:
    /// pixels as they are in the file, features of a table before normalisation.
    ///
    /// # Errors
    /// `rows` are no whole rows, or there is none; the predictor is for bytes; the device failed.
    pub fn predict(&mut self, rows: &[f32]) -> Result<Vec<Prediction>, Error> {
        if rows.is_empty() || !rows.len().is_multiple_of(self.features) {
            let what = format!("{} values are no whole number of rows of {}", rows.len(), self.features);
            return Err(Error::Rows(format!("{what}: give at least one whole row")));
        }
        let normalized = |(at, &value): (usize, &f32)| self.affine.apply(at % self.features, f64::from(value)) as f32;
        let values = Values::Floats(rows.iter().enumerate().map(normalized).collect());
        let outputs = self.outputs(&values)?;
        Ok(outputs.chunks(self.problem.head().outputs).map(|row| self.prediction(row)).collect())
    }

    fn prediction(&self, outputs: &[f32]) -> Prediction {
        match self.problem.answer {
            Answer::Class | Answer::Binary => {
                let class = self.problem.class(outputs);
                let name = self.problem.names[class].clone();
                Prediction::Class { class, name, probabilities: self.problem.probabilities(outputs) }
            }
            Answer::Labels => Prediction::Labels(self.problem.probabilities(outputs)),
            Answer::Numbers => {
                Prediction::Numbers(outputs.iter().enumerate().map(|(j, &y)| self.scale.original(j, y)).collect())
            }
        }
    }

    /// Puts a model on a device, for inputs that are bytes, which it normalises, or floats, which are normalised already.
    /// With a seed, it can also draw masks.
    ///
    /// # Errors
    /// The model does not describe a network or does not fit it, or is to draw masks and drops nothing; the device failed.
    #[doc(hidden)]
    pub fn for_inputs(model: &Model, bytes: bool, masks: Option<u64>, device: &Device) -> Result<Self, Error> {
        let meta = model.described()?;
        let problem = meta.problem();
        let network = Network::read(&meta.layers, problem.head(), None)?;
        if masks.is_some() && !network.drops() {
            return Err(Error::NoDropout { path: model.path.clone() });
        }
        let features = meta.input.iter().product();
        let batch = batch(features);
        let data = DataShape { bytes, rows: batch, row: meta.input.clone() };
        let purpose = masks.map_or(Purpose::Predict, |seed| Purpose::Sample { seed });
        let compiled = Compiled::compile(&network, &data, batch, purpose, device.target())?;
        state::check(&compiled, model, state::Take::WEIGHTS)?;
        let mut runner = Runner::new(device, compiled)?;
        state::load(&mut runner, model, state::Take::WEIGHTS)?;
        let (affine, scale, temperature) = (meta.normalize.affine(features), meta.scale(), meta.temperature());
        Ok(Self { runner, affine, features, problem, scale, temperature })
    }

    /// What the outputs say.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The network's outputs for each input, `[rows, outputs]`: logits, divided by the model's temperature where it has one,
    /// or the numbers of a regression as training saw them.
    ///
    /// # Errors
    /// The device failed.
    pub fn outputs(&mut self, inputs: &Values) -> Result<Vec<f32>, DeviceError> {
        self.averaged(inputs, 1)
    }

    /// The outputs for inputs of which there are several views, one after the other: those whose probabilities, or numbers,
    /// are the means of the views'. The temperature divides them after that, so that it changes no class.
    pub(crate) fn averaged(&mut self, inputs: &Values, views: usize) -> Result<Vec<f32>, DeviceError> {
        let mut all = vec![];
        for chunk in self.chunks(inputs) {
            let order = self.load(&chunk)?;
            let program = self.runner.compiled().evaluate;
            all.extend(self.runner.outputs(&chunk, program, &order)?);
        }
        let mut all = Mean::of_views(&self.problem, &all, views);
        self.cool(&mut all);
        Ok(all)
    }

    /// Mean and spread over `count` of dropout's masks, each drawn anew for every batch of inputs (Gal & Ghahramani 2016,
    /// "Dropout as a Bayesian approximation", section 4). `of` turns the outputs of a row into what is averaged.
    ///
    /// # Panics
    /// The predictor was made without a seed for masks.
    ///
    /// # Errors
    /// The device failed.
    pub fn sampled(
        &mut self,
        inputs: &Values,
        count: u32,
        of: impl Fn(&[f32]) -> Vec<f64>,
    ) -> Result<Vec<Sampled>, DeviceError> {
        let width = self.problem.head().outputs;
        let mut all = vec![];
        for chunk in self.chunks(inputs) {
            let order = self.load(&chunk)?;
            let mut rows = vec![Spread::default(); order.len()];
            for mask in 0..count {
                let outputs = self.under_mask(&order, mask)?;
                rows.iter_mut().zip(outputs.chunks(width)).for_each(|(row, outputs)| row.add(&of(outputs)));
            }
            all.extend(rows.iter().map(Spread::finish));
        }
        Ok(all)
    }

    /// The outputs whose probabilities, or numbers, are the means of those under `count` of dropout's masks, which are drawn as in
    /// [`Predictor::sampled`].
    ///
    /// # Panics
    /// The predictor was made without a seed for masks, or none is to be drawn.
    pub(crate) fn masked(&mut self, inputs: &Values, count: u32) -> Result<Vec<f32>, DeviceError> {
        let (mean, mut all) = (Mean::of_alike(count as usize), vec![]);
        for chunk in self.chunks(inputs) {
            let order = self.load(&chunk)?;
            let each = (0..count).map(|mask| self.under_mask(&order, mask)).collect::<Result<Vec<_>, _>>()?;
            all.extend(mean.outputs(&self.problem, &each.iter().map(Vec::as_slice).collect::<Vec<_>>()));
        }
        Ok(all)
    }

    /// The outputs of the rows that are loaded, under the mask of a number.
    fn under_mask(&mut self, order: &[u32], mask: u32) -> Result<Vec<f32>, DeviceError> {
        let program = self.runner.compiled().sample.unwrap_or_else(|| panic!("this predictor draws no masks"));
        let steps = steps(order.len(), batch(self.features), false, |_| 0.0, u64::from(mask));
        self.runner.begin(order, &steps, 0)?;
        self.runner.run(program, 1)?;
        let mut outputs = self.runner.collected(order.len())?;
        self.cool(&mut outputs);
        Ok(outputs)
    }

    /// Divides outputs by the temperature.
    fn cool(&self, outputs: &mut [f32]) {
        if let Some(temperature) = self.temperature {
            apply_temperature(&self.problem, temperature, outputs);
        }
    }

    fn chunks(&self, inputs: &Values) -> Vec<Values> {
        let size = batch(self.features) * self.features;
        match inputs {
            Values::Bytes(bytes) => bytes.chunks(size).map(|chunk| Values::Bytes(chunk.to_vec())).collect(),
            Values::Floats(floats) => floats.chunks(size).map(|chunk| Values::Floats(chunk.to_vec())).collect(),
        }
    }

    fn load(&mut self, chunk: &Values) -> Result<Vec<u32>, DeviceError> {
        let (offset, factor) = self.affine.on_device(chunk);
        self.runner.load_data(chunk, (&offset, &factor))?;
        Ok((0..(chunk.len() / self.features) as u32).collect())
    }
}

/// Mean and squared distances of what was added so far (Welford 1962).
#[derive(Clone, Debug, Default)]
struct Spread {
    count: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Spread {
    fn add(&mut self, values: &[f64]) {
        self.count += 1.0;
        self.mean.resize(values.len(), 0.0);
        self.squares.resize(values.len(), 0.0);
        for ((mean, squares), value) in self.mean.iter_mut().zip(&mut self.squares).zip(values) {
            let before = value - *mean;
            *mean += before / self.count;
            *squares += before * (value - *mean);
        }
    }

    fn finish(&self) -> Sampled {
        let deviation = |squares: &f64| (squares / (self.count - 1.0).max(1.0)).sqrt();
        Sampled { mean: self.mean.clone(), deviation: self.squares.iter().map(deviation).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_spread_are_those_of_the_definition() {
        let mut spread = Spread::default();
        [[1.0, 5.0], [3.0, 5.0], [8.0, 5.0]].iter().for_each(|values| spread.add(values));
        let Sampled { mean, deviation } = spread.finish();
        assert!((mean[0] - 4.0).abs() < 1e-12 && (deviation[0] - 13f64.sqrt()).abs() < 1e-12);
        assert_eq!((mean[1], deviation[1]), (5.0, 0.0));
    }
}
