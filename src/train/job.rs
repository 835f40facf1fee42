//! All that a run starts from.

use super::settings::{HeldOut, Recipe, Settings};
use crate::data::{self, Affine, Dataset, Normalize, Split, Targets, Values};
use crate::device::Device;
use crate::error::Error;
use crate::executor::DeviceError;
use crate::export::Model;
use crate::graph::plan::PlanError;
use crate::metrics::{Assessment, Evaluation, assess, evaluate, mean_loss};
use crate::nn::{Answer, Init, Network, Problem, TargetScale, Weighing};
use crate::op::Target;
use crate::run::{Compiled, DataShape, Purpose, Runner, TrainOptions, batches};
use crate::shape::Shape;
use std::path::Path;

/// Data, question and settings.
#[derive(Debug)]
pub struct Job {
    /// The rows, with features and targets.
    pub dataset: Dataset,
    /// The rows to train on, to validate on and to test on.
    pub split: Split,
    /// Normalisation by the training part.
    pub normalize: (Normalize, Affine),
    /// What is asked of the network.
    pub problem: Problem,
    /// Where the numbers of a regression lie.
    pub scale: TargetScale,
    /// How much each class weighs in training, if not all alike.
    pub class_weights: Option<Vec<f32>>,
    /// The recipe with every default filled in.
    pub recipe: Recipe,
    /// The settings of that recipe.
    pub settings: Settings,
    /// Weights to start from in place of random ones.
    pub init_from: Option<Model>,
    /// A run to go on with.
    pub resume: Option<Model>,
    /// The best model of that run so far.
    pub best: Option<Model>,
}

impl Job {
    /// The names of the sources that the rows to train on, to validate on and to test on come from.
    pub fn sources(&self) -> [String; 3] {
        let Recipe { source, other_source, validation, test, .. } = &self.recipe;
        let named = |source: &str| data::name_of(Path::new(source));
        let train = self.dataset.name.clone();
        let counts = match (source, other_source) {
            (Some(source), Some(_)) => named(source),
            _ => train.clone(),
        };
        let [validation, test] = [validation, test].map(|held_out| {
            let file = held_out.as_ref().and_then(HeldOut::file);
            file.map_or_else(|| counts.clone(), named)
        });
        [train, validation, test]
    }

    /// The names of all sources that rows come from, one after the other.
    pub fn named(&self) -> String {
        let [train, validation, test] = self.sources();
        let mut names = vec![train];
        for (name, rows) in [(validation, &self.split.validation), (test, &self.split.test)] {
            if !rows.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(" and ")
    }

    /// What the plan must know of the data.
    ///
    /// # Errors
    /// The recipe's shape is of another size than the rows.
    pub fn data_shape(&self) -> Result<DataShape, Error> {
        let bytes = matches!(self.dataset.values, Values::Bytes(_));
        Ok(DataShape { bytes, rows: self.dataset.rows(), row: self.input_shape()? })
    }

    /// The shape of one input: the recipe's if it names one of the right size, else the data's.
    ///
    /// # Errors
    /// The recipe's shape is of another size than the rows.
    pub fn input_shape(&self) -> Result<Vec<usize>, Error> {
        match &self.settings.shape {
            Some(shape) if Shape(shape.clone()).elements() != self.dataset.features() => {
                let (has, values) = (Shape(self.dataset.shape.clone()), self.dataset.features());
                Err(Error::Setting(format!("shape {shape:?} does not fit rows of {has}, which are {values} values")))
            }
            Some(shape) => Ok(shape.clone()),
            None => Ok(self.dataset.shape.clone()),
        }
    }

    /// What the plan must know of the training.
    ///
    /// # Errors
    /// The data cannot be augmented as the recipe says.
    pub fn train_options(&self) -> Result<TrainOptions, Error> {
        let Settings { seed, label_smoothing, lr, .. } = self.settings;
        let augment = self.augment_shape()?;
        Ok(TrainOptions {
            seed,
            optimizer: self.settings.update(),
            lr,
            label_smoothing,
            augment,
            keep: None,
            window: None,
        })
    }

    /// The network, whose weights start as `init` says where a layer does not say otherwise.
    ///
    /// # Errors
    /// A layer cannot be read, or there is no layer that is to be frozen.
    pub fn network(&self, init: Option<Init>) -> Result<Network, Error> {
        let network = Network::read(&self.settings.layers, self.problem.head(), init)?;
        let Some(frozen) = &self.settings.freeze else { return Ok(network) };
        network.freeze(frozen).map_err(|what| Error::Setting(format!("freeze: {what}")))
    }

    /// The network and its programs, compiled to train for a target.
    ///
    /// # Errors
    /// The settings do not fit the data or one another, or a tensor the target.
    pub fn compile(&self, target: Target) -> Result<(Network, Compiled), Error> {
        self.compile_for(target, true)
    }

    /// The network and its plan's memory on a device. Where there is no room for all rows of the data set, they come in parts.
    ///
    /// # Errors
    /// As [`Job::compile`]; or there is no room, or the device refuses.
    pub(super) fn runner(&self, device: &Device, target: Target) -> Result<(Network, Runner), Error> {
        let (network, compiled) = self.compile(target)?;
        let is_whole = compiled.window.is_none();
        match Runner::new(device, compiled) {
            Err(full @ (DeviceError::OutOfMemory { .. } | DeviceError::HostMemory { .. })) if is_whole => {
                let (network, compiled) = self.compile_for(target, false)?;
                if compiled.window.is_none() {
                    return Err(full.into());
                }
                Ok((network, Runner::new(device, compiled)?))
            }
            runner => Ok((network, runner?)),
        }
    }

    /// What is to be said where not all rows lie on the device.
    pub(super) fn in_parts(&self, compiled: &Compiled) -> Option<String> {
        let (rows, of) = (compiled.window?, self.dataset.rows());
        Some(format!(
            "{} is larger than what the device holds in one piece: {rows} of its {of} rows lie there at a time, and those that \
             follow are written while it works",
            self.named()
        ))
    }

    /// Compiles with all rows of the data set on the device, if `whole` and as long as they fit there in one piece; else in parts,
    /// if they are more than one part.
    fn compile_for(&self, target: Target, whole: bool) -> Result<(Network, Compiled), Error> {
        let (settings, rows) = (&self.settings, self.split.train.len());
        let network = self.network(settings.init)?;
        if settings.batch > rows {
            let what = format!("a batch of {} is larger than the {rows} rows to train on", settings.batch);
            return Err(Error::Setting(format!("{what}: `batch` can be {rows} at most")));
        }
        let (data, options) =
            (self.data_shape()?, TrainOptions { keep: self.kept(&network)?, ..self.train_options()? });
        let compile_with = |batch, window| {
            let purpose = Purpose::Train(TrainOptions { window, ..options });
            Compiled::compile(&network, &data, batch, purpose, target)
        };
        let compile = |batch| match whole.then(|| compile_with(batch, None)) {
            Some(Err(Error::Plan(PlanError::TooLarge { name, limit, .. })))
                if name == "data" && data.window(batch, limit).is_some() =>
            {
                compile_with(batch, data.window(batch, limit))
            }
            Some(done) => done,
            None => compile_with(batch, data.window(batch, u64::MAX)),
        };
        match compile(settings.batch) {
            Ok(compiled) if batches::count(rows, settings.batch, compiled.needs_two_rows) == 0 => {
                Err(Error::Setting("batch_norm cannot be trained on one row".into()))
            }
            Ok(compiled) if settings.freeze.is_some() && !compiled.is_trained() => {
                Err(Error::Setting("freeze leaves nothing to train: leave the last layer out of it".into()))
            }
            Ok(compiled) => Ok((network, compiled)),
            Err(Error::Plan(why @ (PlanError::TooLarge { .. } | PlanError::Dispatch(_)))) => {
                let smaller = std::iter::successors(Some(settings.batch / 2), |batch| Some(batch / 2));
                let fits = smaller.take_while(|batch| *batch > 0).find(|batch| compile(*batch).is_ok());
                Err(match fits {
                    Some(fits) => Error::Batch { why, fits },
                    None => Error::Plan(why),
                })
            }
            Err(error) => Err(error),
        }
    }

    /// How many of the first layers are computed once for each row, if any are.
    pub(super) fn kept(&self, network: &Network) -> Result<Option<usize>, Error> {
        if !self.settings.cache_features {
            return Ok(None);
        }
        let refused = |what: String| Error::Setting(format!("`cache_features`: {what}"));
        if self.draws()?.is_some() {
            return Err(refused(
                "pictures that are drawn anew in every epoch have no features to keep: leave it out, or `flip`, the padding \
                 of `crop`, `scale` from one size to another, `brightness` and `contrast`"
                    .into(),
            ));
        }
        network.frozen_first().map(Some).map_err(refused)
    }

    /// Writes values, targets and class weights to a device.
    ///
    /// # Errors
    /// The device failed.
    pub(super) fn load(&self, runner: &mut Runner) -> Result<(), DeviceError> {
        let (offset, factor) = self.normalize.1.on_device(&self.dataset.values);
        runner.load_data(&self.dataset.values, (&offset, &factor))?;
        if let Some(pool) = self.pool().filter(|_| runner.compiled().plan.slot("pool").is_some()) {
            runner.load_pool(&pool.bytes, &pool.places)?;
        }
        runner.load_targets(&self.target_words(), self.class_weights.as_deref())
    }

    /// What is to be learnt of each row, as the loss takes it.
    pub(super) fn target_words(&self) -> Vec<u32> {
        match &self.dataset.targets {
            Targets::Classes { labels, .. } if self.problem.answer == Answer::Class => labels.clone(),
            Targets::Classes { labels, .. } => labels.iter().map(|&label| (label as f32).to_bits()).collect(),
            Targets::Labels { values, .. } => values.iter().map(|value| value.to_bits()).collect(),
            Targets::Numbers { values, names } => {
                let scaled = |(i, &value): (usize, &f64)| self.scale.scaled(i % names.len(), value).to_bits();
                values.iter().enumerate().map(scaled).collect()
            }
        }
    }

    /// How these outputs of a network do on rows.
    pub(super) fn evaluate(&self, outputs: &[f32], rows: &[u32]) -> Evaluation {
        evaluate(&self.problem, &self.scale, outputs, &self.dataset.targets, rows)
    }

    /// The same in full.
    pub(super) fn assess(&self, outputs: &[f32], rows: &[u32]) -> Assessment {
        assess(&self.problem, &self.scale, outputs, &self.dataset.targets, rows)
    }

    /// The same with the loss of training, which class weights and label smoothing are part of: what training is watched
    /// by, and the best model is chosen by.
    pub(super) fn validate(&self, outputs: &[f32], rows: &[u32]) -> Evaluation {
        let answers = (outputs, &self.dataset.targets, rows);
        let loss = mean_loss(&self.problem, &self.scale, answers, &self.weighing());
        Evaluation { loss, ..self.evaluate(outputs, rows) }
    }

    /// What class weights and label smoothing make of the loss.
    pub fn weighing(&self) -> Weighing {
        let class_weights = self.class_weights.clone().unwrap_or_default();
        Weighing { label_smoothing: self.settings.label_smoothing, class_weights }
    }
}
