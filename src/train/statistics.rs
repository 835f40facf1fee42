//! Batch norm's averages after training: the population statistics, and how far the running ones are from them.
//!
//! Algorithm 2 of Ioffe & Szegedy 2015: one pass over the training rows in file order, in full mini-batches only (or the
//! one batch of a smaller set), each normalised by its own statistics, dropout off.

use super::batches::steps;
use super::run_folder::RunFolder;
use super::trainer::Trainer;
use crate::error::Error;
use crate::nn::Averages;

/// How far the running averages of one layer are from the population statistics.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// The layer, as in `1.batch_norm`.
    pub path: String,
    /// The largest difference of means over the features, in deviations of the population.
    pub mean: f64,
    /// The largest difference of variances, as a share of the population's.
    pub variance: f64,
}

/// Mean and variance of each feature.
type Moments = [Vec<f32>; 2];

impl Trainer {
    /// Whether some layer takes the population statistics at inference.
    pub(super) fn takes_population(&self) -> bool {
        self.network.averages().iter().any(|(_, averages)| *averages == Averages::Population)
    }

    /// How far batch norm's two averages are apart, layer by layer, once training is over.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Takes the population statistics of the current weights, keeps them where a layer is to have them, and compares
    /// them with the running ones.
    pub(super) fn settle(&mut self, folder: &mut RunFolder) -> Result<(), Error> {
        let layers = self.network.averages();
        let running: Vec<Moments> = layers.iter().map(|&(i, _)| self.moments(i)).collect::<Result<_, _>>()?;
        self.take_population()?;
        // Of a model that was settled before, the running averages are known no more.
        let unknown = self.best.as_ref().is_some_and(|best| best.settled);
        let mut gaps = vec![];
        for (&(index, averages), running) in layers.iter().zip(&running) {
            if averages == Averages::Running || !unknown {
                gaps.push(gap(self.network.path(index), running, &self.moments(index)?));
            }
            if averages == Averages::Running {
                for (name, values) in names(index).iter().zip(running) {
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
        let Some(program) = self.programs().population else { return Ok(()) };
        let (rows, batch) = (self.job.split.train.clone(), self.job.settings.batch);
        let table = steps(rows.len(), batch, true, |_| 0.0, 0);
        let whole = table.iter().filter(|step| step.rows as usize == batch).count().max(1);
        self.runner.begin(&rows, &table, 0)?;
        Ok(self.runner.run_all(program, whole)?)
    }

    fn moments(&mut self, index: usize) -> Result<Moments, Error> {
        let [mean, variance] = names(index);
        Ok([self.runner.read_floats(&mean)?, self.runner.read_floats(&variance)?])
    }
}

/// The tensors that hold a layer's averages.
fn names(index: usize) -> [String; 2] {
    ["running_mean", "running_var"].map(|name| format!("{index}.{name}"))
}

fn gap(path: String, running: &Moments, population: &Moments) -> Gap {
    let mut gap = Gap { path, mean: 0.0, variance: 0.0 };
    for f in 0..population[0].len() {
        let [r, p] = [running, population].map(|m| (f64::from(m[0][f]), f64::from(m[1][f])));
        // A constant feature has no deviation to measure by: what it is off by counts whole.
        let deviation = if p.1 > 0.0 { p.1.sqrt() } else { 1.0 };
        gap.mean = gap.mean.max((r.0 - p.0).abs() / deviation);
        gap.variance = gap.variance.max((r.1 - p.1).abs() / if p.1 > 0.0 { p.1 } else { 1.0 });
    }
    gap
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_measured_in_the_populations_own_units() {
        let moments = |mean: [f32; 2], variance: [f32; 2]| [mean.to_vec(), variance.to_vec()];
        let found = gap("1.batch_norm".into(), &moments([1.0, 5.0], [4.0, 8.0]), &moments([0.0, 2.0], [4.0, 9.0]));
        assert!((found.mean - 1.0).abs() < 1e-12 && (found.variance - 1.0 / 9.0).abs() < 1e-12, "{found:?}");
    }
}
