//! Measuring the layers of a training after an epoch: their lines in `health.csv`, and warnings.

use super::health::{self, HealthWarning, Instrument, LayerHealth};
use super::report::Observer;
use super::run_folder::RunFolder;
use super::trainer::Trainer;
use crate::error::Error;
use crate::run::Snapshot;

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
            Ok(layers) => {
                if let Some(folder) = folder {
                    layers.iter().try_for_each(|layer| folder.health(&layer.csv_line(epoch)))?;
                }
                health::warnings(&layers, epoch)
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
}
