//! Batch norm's averages after training: the population statistics, and how far the running ones are from them.
//!
//! Algorithm 2 of Ioffe & Szegedy 2015: one pass over the training rows in a drawn order, in full mini-batches only (or the
//! one batch of a smaller set), each normalised by its own statistics, dropout off. The mean over batches of their variances is
//! that of all rows only where a batch is like all rows: in a file that is sorted, neighbours are alike.

use super::averages::{Averaged, Gap, Moments, gap};
use super::job::Job;
use super::run_folder::RunFolder;
use super::trainer::Trainer;
use crate::error::Error;
use crate::nn::{Averages, Place};
use crate::run::batches::{epoch_order, steps};

impl Trainer {
    /// Whether some layer takes the population statistics at inference.
    pub fn takes_population(&self) -> bool {
        self.compiled().averages.iter().any(|(_, averages)| *averages == Averages::Population)
    }

    /// How far batch norm's two averages are apart, layer by layer, once training is over.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// How the model does on the validation part with each of the two, where there is such a part and both are known.
    pub fn averaged(&self) -> Option<&Averaged> {
        self.averaged.as_ref()
    }

    /// Takes the population statistics of the current weights, keeps them where a layer is to have them, and compares
    /// them with the running ones.
    pub(super) fn settle(&mut self, folder: Option<&mut RunFolder>) -> Result<(), Error> {
        let layers = self.compiled().averages.clone();
        let running: Vec<Moments> = layers.iter().map(|(place, _)| self.moments(place)).collect::<Result<_, _>>()?;
        // Of a model that was settled before, the running averages are known no more.
        let unknown = self.best.as_ref().is_some_and(|best| best.settled);
        let rows = if unknown || layers.is_empty() { vec![] } else { self.job.split.validation.clone() };
        let before = if rows.is_empty() { None } else { Some(self.evaluate(&rows)?) };
        self.take_population()?;
        if let Some(before) = before {
            let after = self.evaluate(&rows)?;
            let labels = self.job.dataset.targets.classes().map(|(labels, _)| labels);
            let truth: Option<Vec<u32>> = labels.map(|labels| rows.iter().map(|&row| labels[row as usize]).collect());
            self.averaged = Some(Averaged::new(before, after, truth.as_deref()));
        }
        let mut gaps = vec![];
        for ((place, averages), running) in layers.iter().zip(&running) {
            if *averages == Averages::Running || !unknown {
                gaps.push(gap(place.path.clone(), running, &self.moments(place)?));
            }
            if *averages == Averages::Running {
                for (name, values) in names(place).iter().zip(running) {
                    self.runner.write_floats(name, values)?;
                }
            }
        }
        self.gaps = gaps;
        if self.takes_population() {
            self.save_settled(folder)?;
        }
        Ok(())
    }

    /// Runs the pass; a plan without batch norm has none.
    fn take_population(&mut self) -> Result<(), Error> {
        let Some(program) = self.compiled().population else { return Ok(()) };
        let (rows, batch) = (self.job.statistics_rows(), self.job.settings.batch);
        let table = steps(rows.len(), batch, true, |_| 0.0, 0);
        let whole = table.iter().filter(|step| step.rows as usize == batch).count().max(1);
        self.runner.begin(&rows, &table, 0)?;
        Ok(self.runner.run_all(&self.job.dataset.values, program, whole)?)
    }

    fn moments(&mut self, place: &Place) -> Result<Moments, Error> {
        let [mean, variance] = names(place);
        Ok([self.runner.read_floats(&mean)?, self.runner.read_floats(&variance)?])
    }
}

impl Job {
    /// The training rows in the order of the pass over them for batch norm's population statistics: drawn from the seed, also
    /// where training takes the rows in file order.
    pub fn statistics_rows(&self) -> Vec<u32> {
        epoch_order(&self.split.train, true, self.settings.seed, 0)
    }
}

/// The tensors that hold a layer's averages.
fn names(place: &Place) -> [String; 2] {
    ["running_mean", "running_var"].map(|name| place.tensor(name))
}
