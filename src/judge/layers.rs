//! What the layers of a network give on rows of inputs: size, spread, saturation and dead units of every layer's output.
//! Layers work as in inference: dropout is absent, and batch norm takes its running statistics.

use super::probe::Probe;
use crate::device::Device;
use crate::error::Error;
use crate::nn::Network;
use crate::op::SlotId;

/// Rows that go through the network at once.
const BATCH: usize = 256;

/// A tanh beyond this magnitude is saturated, and a sigmoid that is nearer than the rest of it to 0 or 1.
const SATURATED: f32 = 0.99;

/// One layer's output over all rows and units, and the pixels of images.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerStatistics {
    /// Path of the layer, as in `3.tanh`.
    pub path: String,
    /// Number of units: values of a row, or channels of an image.
    pub units: usize,
    /// Mean over all values.
    pub mean: f64,
    /// Standard deviation, over n.
    pub deviation: f64,
    /// Share of the values at an end of the range: `|a| > 0.99` after a tanh, `a < 0.01` or `a > 0.99` after a sigmoid;
    /// other layers have none.
    pub saturated: Option<f64>,
    /// Share of the units that are 0 on every row, and in every pixel of an image, after a ReLU, which lets no gradient through to
    /// them; other layers have none.
    pub dead: Option<f64>,
}

impl LayerStatistics {
    /// Root of the mean square.
    pub fn rms(&self) -> f64 {
        self.mean.hypot(self.deviation)
    }
}

/// The layers of a network with these weights, on inputs as they are, each of the shape `row`. `values` gives the values of
/// each tensor by its name in a model file, in the order in which they lie in a plan.
///
/// # Errors
/// The inputs are no whole rows, a layer does not fit, or `values` fails; the device failed.
pub fn of_weights(
    network: &Network,
    mut values: impl FnMut(&str) -> Result<Vec<f32>, Error>,
    inputs: &[f32],
    row: &[usize],
    device: &Device,
) -> Result<Vec<LayerStatistics>, Error> {
    let mut probe = Probe::new(network, row, BATCH, device)?;
    for tensor in probe.tensors.clone() {
        probe.set(&tensor.name, &values(&tensor.name)?)?;
    }
    run(&mut probe, inputs)
}

/// The layers of a network as it starts from a seed, on inputs as they are, each of the shape `row`.
///
/// # Errors
/// The inputs are no whole rows, or a layer does not fit; the device failed.
pub fn of_start(
    network: &Network,
    seed: u64,
    inputs: &[f32],
    row: &[usize],
    device: &Device,
) -> Result<Vec<LayerStatistics>, Error> {
    let mut probe = Probe::new(network, row, BATCH, device)?;
    for (index, tensor) in probe.tensors.clone().iter().enumerate() {
        probe.set(&tensor.name, &tensor.in_plan(&tensor.initial(seed, index)))?;
    }
    run(&mut probe, inputs)
}

fn run(probe: &mut Probe, inputs: &[f32]) -> Result<Vec<LayerStatistics>, Error> {
    if inputs.is_empty() || !inputs.len().is_multiple_of(probe.features) {
        let what = format!("{} values are no whole number of rows of {}", inputs.len(), probe.features);
        return Err(Error::Rows(format!("{what}: give at least one whole row")));
    }
    let layers: Vec<(String, SlotId, usize)> =
        probe.layers.iter().map(|(path, slot)| (path.clone(), *slot, probe.shape(*slot).features())).collect();
    let mut tallies: Vec<Tally> = layers.iter().map(|(path, _, units)| Tally::new(path, *units)).collect();
    for chunk in inputs.chunks(BATCH * probe.features) {
        probe.forward(chunk)?;
        for ((_, slot, _), tally) in layers.iter().zip(&mut tallies) {
            tally.add(&probe.read(*slot, chunk.len() / probe.features)?);
        }
    }
    Ok(layers.into_iter().zip(tallies).map(|((path, ..), tally)| tally.statistics(path)).collect())
}

/// Values of one layer, counted batch by batch.
#[derive(Debug)]
pub(super) struct Tally {
    /// Whether a value is at an end of its range.
    at_end: Option<fn(f32) -> bool>,
    rectifies: bool,
    count: f64,
    mean: f64,
    /// Squares of the distances from the mean.
    squares: f64,
    saturated: usize,
    /// For each unit, whether it was positive, or NaN, on some row.
    alive: Vec<bool>,
}

impl Tally {
    pub(super) fn new(path: &str, units: usize) -> Self {
        let kind = path.rsplit('.').next().unwrap_or(path);
        let at_end: Option<fn(f32) -> bool> = match kind {
            "tanh" => Some(|a| a.abs() > SATURATED),
            "sigmoid" => Some(|a| !(1.0 - SATURATED..=SATURATED).contains(&a) && !a.is_nan()),
            _ => None,
        };
        let rectifies = kind == "relu";
        Self { at_end, rectifies, count: 0.0, mean: 0.0, squares: 0.0, saturated: 0, alive: vec![false; units] }
    }

    /// Takes in `[rows, units]`, of images `[rows, pixels, units]`. Means and squares of batches are joined by Chan, Golub & LeVeque 1983, "Algorithms for
    /// computing the sample variance", eq. 2.1: no large numbers are taken from one another.
    pub(super) fn add(&mut self, values: &[f32]) {
        let count = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
        let squares: f64 = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
        let (all, apart) = (self.count + count, mean - self.mean);
        self.squares += squares + apart * apart * self.count * count / all;
        self.mean += apart * count / all;
        self.count = all;
        if let Some(at_end) = self.at_end {
            self.saturated += values.iter().filter(|&&v| at_end(v)).count();
        }
        for row in values.chunks(self.alive.len()) {
            self.alive.iter_mut().zip(row).for_each(|(alive, &v)| *alive |= v > 0.0 || v.is_nan());
        }
    }

    pub(super) fn statistics(self, path: String) -> LayerStatistics {
        let units = self.alive.len();
        let dead = self.alive.iter().filter(|alive| !**alive).count();
        LayerStatistics {
            path,
            units,
            mean: self.mean,
            deviation: (self.squares / self.count).sqrt(),
            saturated: self.at_end.map(|_| self.saturated as f64 / self.count),
            dead: self.rectifies.then(|| dead as f64 / units as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::nn::Head;

    #[test]
    fn shares_and_moments_are_those_of_all_batches_together() {
        let mut tally = Tally::new("1.tanh", 2);
        tally.add(&[1.0, -1.0, 0.5, 0.25]);
        tally.add(&[-0.995, 0.0]);
        let all = tally.statistics("1.tanh".into());
        assert_eq!((all.units, all.saturated, all.dead), (2, Some(0.5), None));
        let values = [1.0, -1.0, 0.5, 0.25, f64::from(-0.995_f32), 0.0];
        let mean = values.iter().sum::<f64>() / 6.0;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 6.0;
        assert!((all.mean - mean).abs() < 1e-15 && (all.deviation - variance.sqrt()).abs() < 1e-15, "{all:?}");
        let square = values.iter().map(|v| v * v).sum::<f64>() / 6.0;
        assert!((all.rms() - square.sqrt()).abs() < 1e-15);
    }

    /// By hand: the first channel is the picture, and lives by its first pixel; the second is −1 in both.
    #[test]
    fn a_channel_lives_by_any_of_its_pixels() {
        let layers = ["conv 2 kernel=1", "relu", "flatten", "linear"].map(String::from);
        let network = Network::read(&layers, Head::classes(2), None).unwrap();
        let values = |name: &str| {
            Ok(match name {
                "0.weight" => vec![1.0, 0.0],
                "0.bias" => vec![0.0, -1.0],
                "3.weight" => vec![0.0; 8],
                _ => vec![0.0; 2],
            })
        };
        let found = of_weights(&network, values, &[1.0, -1.0, 2.0, 0.0], &[1, 1, 2], &Device::CPU).unwrap();
        assert_eq!((found[1].units, found[1].dead), (2, Some(0.5)), "{found:#?}");
        assert_eq!((found[2].units, found[1].mean), (4, 0.375));
    }

    #[test]
    fn a_unit_is_dead_that_no_row_moves_and_one_that_is_not_a_number_is_not() {
        let mut tally = Tally::new("0.relu", 4);
        tally.add(&[0.0, 1.0, 0.0, 0.0]);
        tally.add(&[0.0, 0.0, 0.0, f32::NAN]);
        let all = tally.statistics("0.relu".into());
        assert_eq!((all.dead, all.saturated), (Some(0.5), None));
        assert!(all.mean.is_nan() && all.deviation.is_nan());
        let mut tally = Tally::new("0.sigmoid", 1);
        tally.add(&[0.005, 0.5, 0.995, 0.02, f32::NAN]);
        assert_eq!(tally.statistics(String::new()).saturated, Some(0.4));
    }
}
