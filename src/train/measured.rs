//! Measuring the layers of a training after an epoch: their lines in `health.csv`, and warnings.

use super::health::{self, Began, Cause, DEAD, Fault, HealthWarning, Instrument, LayerHealth, Origin, constant_loss};
use super::report::Observer;
use super::run_folder::RunFolder;
use super::trainer::Trainer;
use crate::error::Error;
use crate::run::Snapshot;

/// The share of the loss of a constant answer below which a network has learnt something of its inputs.
const LEARNT: f64 = 0.9;

impl Trainer {
    /// The warnings about layers so far, in the order in which they came; one for each layer and cause.
    pub fn health_warnings(&self) -> &[HealthWarning] {
        &self.health.warnings
    }

    /// Whether the layers are measured after the epoch at work: the first, and then every so many.
    pub(super) fn is_measured(&self) -> bool {
        let (every, epoch) = (self.job.settings.health, self.progress.epoch + 1);
        every > 0 && (epoch == 1 || epoch.is_multiple_of(every)) && !self.health.is_given_up()
    }

    /// Measures the layers as they are, writes their lines and tells what is wrong. `before` has the weights before the last
    /// update.
    pub(super) fn measure(
        &mut self,
        before: Option<&Snapshot>,
        folder: Option<&mut RunFolder>,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let epoch = self.progress.epoch + 1;
        let faults = match self.layers_now(before) {
            Ok(mut layers) => {
                if let Some(folder) = folder {
                    layers.iter().try_for_each(|layer| folder.health(&layer.csv_line(epoch)))?;
                }
                self.look_at_many_rows(&mut layers, epoch).map(|()| health::faults(&layers, epoch))
            }
            Err(error) => Err(error),
        };
        let warnings = faults.and_then(|faults| self.advised(faults));
        for warning in warnings.unwrap_or_else(|error| vec![HealthWarning::unmeasured(&error)]) {
            if self.health.is_new(&warning) {
                observer.health(&warning);
            }
        }
        Ok(())
    }

    /// Measures the layers before the first step, where their weights came from a file: later these are not there any more. Random
    /// weights are made again if they are asked for.
    pub(super) fn measure_start(&mut self, observer: &mut dyn Observer) {
        if self.job.settings.health == 0 || !self.from_file || !matches!(self.health.began, Began::Random) {
            return;
        }
        match self.layers_now(None) {
            Ok(layers) => self.health.began = Began::Measured { layers, from_file: true },
            Err(error) => {
                self.health.began = Began::Unknown;
                let warning = HealthWarning::unmeasured(&error);
                if self.health.is_new(&warning) {
                    observer.health(&warning);
                }
            }
        }
    }

    /// Faults that were not warned of yet, with what mends them.
    fn advised(&mut self, mut faults: Vec<Fault>) -> Result<Vec<HealthWarning>, Error> {
        faults.retain(|fault| !self.health.is_said(&fault.path, fault.cause));
        if faults.is_empty() {
            return Ok(vec![]);
        }
        if let (Began::Random, Some(instrument)) = (&self.health.began, &mut self.health.instrument) {
            let layers = instrument.measure_start(self.job.settings.seed)?;
            self.health.began = Began::Measured { layers, from_file: false };
        }
        let (start, from_file) = match &self.health.began {
            Began::Measured { layers, from_file } => (Some(&layers[..]), *from_file),
            Began::Random | Began::Unknown => (None, false),
        };
        let settings = &self.job.settings;
        let (init, lr, tensors, texts) = (settings.init, settings.lr, &self.compiled().tensors, self.network.texts());
        let origin = Origin { start, from_file, tensors, texts: &texts, init, lr };
        Ok(faults.into_iter().map(|fault| origin.warning(fault)).collect())
    }

    fn layers_now(&mut self, before: Option<&Snapshot>) -> Result<Vec<LayerHealth>, Error> {
        let target = self.compiled().plan.target;
        let instrument = match &mut self.health.instrument {
            Some(instrument) => instrument,
            empty => {
                let on = (&self.health.device, target);
                empty.insert(Instrument::new((&self.job, &self.network), on, &mut self.runner)?)
            }
        };
        instrument.measure(&mut self.runner, before)
    }

    /// Where so many units are dead in the sample that it would be warned of, looks at many more training rows: a unit may work on
    /// few of them. Where they are not dead, that is not done again before twice as many epochs, as it takes time. Dead units are
    /// no fault of a network that has learnt: it puts out units that it does not need.
    fn look_at_many_rows(&mut self, layers: &mut [LayerHealth], epoch: u64) -> Result<(), Error> {
        let is_said = |layer: &LayerHealth| self.health.is_said(&layer.path, Cause::Dead);
        let is_asked = |layer: &&mut LayerHealth| layer.dead >= Some(DEAD) && !is_said(layer);
        let mut asked: Vec<&mut LayerHealth> = layers.iter_mut().filter(is_asked).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let constant = *self.health.constant.get_or_insert_with(|| constant_loss(&self.job));
        // The mean loss of an epoch is much of its first steps, before anything was learnt.
        let has_learnt = self.health.instrument.as_ref().is_some_and(|instrument| instrument.loss < LEARNT * constant);
        if has_learnt || epoch < self.health.next_long_look {
            asked.iter_mut().for_each(|layer| layer.dead = None);
            return Ok(());
        }
        asked.retain(|layer| layer.rows < layer.of_rows);
        let Some(instrument) = self.health.instrument.as_mut().filter(|_| !asked.is_empty()) else { return Ok(()) };
        self.health.next_long_look = 2 * epoch;
        instrument.over_many_rows(&self.job, &mut self.runner, &mut asked)
    }
}
