//! Measuring the layers of a training after an epoch: their lines in `health.csv`, and warnings.

use super::health::{self, Cause, DEAD, HealthWarning, Instrument, LayerHealth, constant_loss};
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
        let warnings = match self.layers_now(before) {
            Ok(mut layers) => {
                if let Some(folder) = folder {
                    layers.iter().try_for_each(|layer| folder.health(&layer.csv_line(epoch)))?;
                }
                match self.look_at_all_rows(&mut layers, epoch) {
                    Ok(()) => health::warnings(&layers, epoch),
                    Err(error) => vec![HealthWarning::unmeasured(&error)],
                }
            }
            Err(error) => vec![HealthWarning::unmeasured(&error)],
        };
        for warning in warnings {
            if self.health.is_new(&warning) {
                observer.health(&warning);
            }
        }
        Ok(())
    }

    fn layers_now(&mut self, before: Option<&Snapshot>) -> Result<Vec<LayerHealth>, Error> {
        let target = self.compiled().plan.target;
        let instrument = match &mut self.health.instrument {
            Some(instrument) => instrument,
            empty => empty.insert(Instrument::new((&self.job, &self.network), &self.health.device, target)?),
        };
        instrument.measure(&mut self.runner, before)
    }

    /// Where so many units are dead in the sample that it would be warned of, looks at all training rows: a unit may work on few
    /// of them. Where they are not dead, that is not done again before twice as many epochs, as it takes the time of a forward
    /// pass. Dead units are no fault of a network that has learnt: it puts out units that it does not need.
    fn look_at_all_rows(&mut self, layers: &mut [LayerHealth], epoch: u64) -> Result<(), Error> {
        let is_said = |layer: &LayerHealth| self.health.is_said(&layer.path, Cause::Dead);
        let is_asked = |layer: &&mut LayerHealth| layer.dead >= Some(DEAD) && !is_said(layer);
        let mut asked: Vec<&mut LayerHealth> = layers.iter_mut().filter(is_asked).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let constant = *self.health.constant.get_or_insert_with(|| constant_loss(&self.job));
        // The mean loss of an epoch is much of its first steps, before anything was learnt.
        let has_learnt = self.health.instrument.as_ref().is_some_and(|instrument| instrument.loss < LEARNT * constant);
        if has_learnt || epoch < self.health.next_whole {
            asked.iter_mut().for_each(|layer| layer.dead = None);
            return Ok(());
        }
        asked.retain(|layer| !layer.all_rows);
        let Some(instrument) = self.health.instrument.as_mut().filter(|_| !asked.is_empty()) else { return Ok(()) };
        self.health.next_whole = 2 * epoch;
        instrument.over_all_rows(&self.job, &mut asked)
    }
}
