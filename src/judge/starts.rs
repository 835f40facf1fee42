//! What initial weights do to a network: size of activations and gradients through the layers, on rows of data, before any
//! update. Deviations that fall or grow from layer to layer by the same factor vanish or explode with depth (Glorot & Bengio 2010,
//! "Understanding the difficulty of training deep feedforward neural networks", section 4; He et al. 2015, section 2.2).

use super::layers::{LayerStatistics, Tally};
use super::tape::{Batch, Tape, Watched};
use crate::device::Device;
use crate::error::Error;
use crate::nn::Network;

/// Kinds of layers whose outputs are compared with one another: what comes between them changes size on purpose.
const COMPARED: [&str; 3] = ["linear", "conv", "residual"];

/// One layer at the start of training.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerStart {
    /// What the layer gives, in training form.
    pub output: LayerStatistics,
    /// Mean and standard deviation of the gradient of the mean loss by what it gives, where a gradient reaches it.
    pub gradient: Option<(f64, f64)>,
}

/// A network at the start of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Mean loss of the batch.
    pub loss: f64,
    /// Its layers, without a last one that the loss has in it.
    pub layers: Vec<LayerStart>,
}

/// Takes a network from a seed through one forward and backward pass.
///
/// # Errors
/// A layer does not fit, or the inputs are no whole rows; the device failed.
pub fn start(network: &Network, seed: u64, batch: &Batch<'_>, device: &Device) -> Result<Start, Error> {
    let mut tape = Tape::on_device(network, batch, device)?;
    tape.start(seed)?;
    let passed = tape.step()?;
    let layers = tape.layers.clone();
    let of = |(layer, [output, gradient]): (&Watched, [Option<Vec<f32>>; 2])| {
        let units = tape.units(layer);
        let tally = |path: &str, values: &[f32]| {
            let mut tally = Tally::new(path, units);
            tally.add(values);
            tally.statistics(path.to_owned())
        };
        let gradient = gradient.map(|values| tally("gradient", &values));
        LayerStart {
            output: tally(&layer.path, &output.unwrap_or_default()),
            gradient: gradient.map(|of| (of.mean, of.deviation)),
        }
    };
    let layers = layers.iter().zip(passed).map(of).collect();
    Ok(Start { loss: tape.loss(0)?, layers })
}

impl Start {
    /// How unlike the layers are: the largest deviation of a layer with weights over the smallest, of the outputs or of the
    /// gradients, whichever is more; divided by the share of live values in the layer with most dead units or saturated values. 1 is
    /// the best; it is infinite where a layer gives nothing or no numbers.
    pub fn spread(&self) -> f64 {
        let kind = |layer: &&LayerStart| COMPARED.iter().any(|kind| layer.output.path.ends_with(&format!(".{kind}")));
        let outputs = self.layers.iter().filter(kind).map(|layer| layer.output.deviation);
        let gradients =
            self.layers.iter().filter(kind).filter_map(|layer| layer.gradient).map(|(_, deviation)| deviation);
        let lost = |layer: &LayerStart| layer.output.dead.unwrap_or(0.0).max(layer.output.saturated.unwrap_or(0.0));
        let live = 1.0 - self.layers.iter().map(lost).fold(0.0, f64::max);
        let spread = ratio(outputs).max(ratio(gradients)) / live;
        if spread.is_nan() { f64::INFINITY } else { spread }
    }
}

/// The largest over the smallest of some values; 1 of none, infinite where one is 0 or no number.
fn ratio(values: impl Iterator<Item = f64>) -> f64 {
    let (mut least, mut most) = (f64::INFINITY, 0.0f64);
    for value in values {
        if !value.is_finite() || value <= 0.0 {
            return f64::INFINITY;
        }
        (least, most) = (least.min(value), most.max(value));
    }
    if most == 0.0 { 1.0 } else { most / least }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::nn::{Head, Init};

    const ROWS: usize = 64;

    fn of(layers: &[&str], init: Init, row: &[usize]) -> Start {
        let layers: Vec<String> = layers.iter().map(|&text| text.into()).collect();
        let network = Network::read(&layers, Head::classes(4), Some(init)).unwrap();
        let features: usize = row.iter().product();
        let inputs: Vec<f32> = (0..ROWS * features).map(|i| ((i * 7919 % 1009) as f32 - 504.0) / 291.0).collect();
        let targets: Vec<u32> = (0..ROWS as u32).map(|row| row % 4).collect();
        let (class_weights, label_smoothing) = (None, 0.0);
        let batch = Batch { row, inputs: &inputs, targets: &targets, class_weights, label_smoothing, seed: 1 };
        start(&network, 1, &batch, &Device::CPU).unwrap()
    }

    /// The figure of the courses: small weights through ten layers of tanh give next to nothing, large ones saturate.
    #[test]
    fn small_weights_vanish_with_depth_and_large_ones_saturate() {
        let mut layers = [["linear 100", "tanh"]; 10].concat();
        layers.push("linear");
        let at = |init| of(&layers, init, &[50]);
        let [small, large, xavier] = [at(Init::Small), at(Init::Large), at(Init::Xavier)];
        let last_tanh = |start: &Start| start.layers[19].output.clone();
        assert!(last_tanh(&small).deviation < 1e-9, "{:?}", last_tanh(&small));
        assert!(last_tanh(&large).saturated.unwrap() > 0.6, "{:?}", last_tanh(&large));
        assert!(last_tanh(&xavier).deviation > 0.1 && last_tanh(&xavier).saturated.unwrap() < 0.01);
        assert!(small.spread() > 1e6 && xavier.spread() < 30.0, "{} {}", small.spread(), xavier.spread());
        assert!(large.spread() > 2.0 * xavier.spread(), "{} {}", large.spread(), xavier.spread());
        assert!((small.loss - 4f64.ln()).abs() < 1e-6);
    }

    /// Variance 2 / n keeps the size of what ReLU lets through, 1 / n halves its square in every layer.
    #[test]
    fn he_keeps_what_relu_lets_through_and_xavier_loses_it() {
        let mut layers = [["linear 200", "relu"]; 8].concat();
        layers.push("linear");
        let fall = |init| {
            let start = of(&layers, init, &[200]);
            start.layers[0].output.deviation / start.layers[14].output.deviation
        };
        // Seven layers: a factor of √2 each is 11.3; drawn weights and rows move it.
        assert!((0.5..2.0).contains(&fall(Init::He)), "{}", fall(Init::He));
        assert!((5.0..25.0).contains(&fall(Init::Xavier)), "{}", fall(Init::Xavier));
    }

    /// By hand for cross-entropy: the gradient by the logits is (p − t) / rows, whose mean over all classes is 0.
    #[test]
    fn gradients_are_those_of_the_mean_loss() {
        let start = of(&["linear 4"], Init::Small, &[10]);
        let (mean, deviation) = start.layers[0].gradient.unwrap();
        // p is ¼ nearly: the squares are (9/16 + 3/16) / 4 in the mean, over rows².
        let wanted = (0.75_f64 / 4.0).sqrt() / ROWS as f64;
        assert!(mean.abs() < 1e-9 && (deviation / wanted - 1.0).abs() < 0.05, "{mean} {deviation}, {wanted}");
        assert_eq!(start.spread(), 1.0);
    }

    #[test]
    fn every_layer_has_its_gradient_and_images_do_too() {
        let layers = [
            "conv 4 kernel=3 padding=1",
            "batch_norm",
            "relu",
            "residual(conv 4 kernel=3 padding=1; relu)",
            "flatten",
            "linear",
        ];
        let start = of(&layers, Init::He, &[2, 5, 5]);
        assert_eq!(start.layers.len(), layers.len());
        assert!(start.layers.iter().all(|layer| layer.gradient.is_some_and(|(_, d)| d > 0.0)), "{start:#?}");
        // Of images channels are the units, here and in a run's health.csv.
        let units: Vec<usize> = start.layers.iter().map(|layer| layer.output.units).collect();
        assert_eq!((units, start.layers[2].output.dead), (vec![4, 4, 4, 4, 100, 4], Some(0.0)));
    }

    #[test]
    fn a_spread_of_nothing_or_of_no_numbers_is_infinite() {
        assert_eq!(ratio([2.0, 0.5, 1.0].into_iter()), 4.0);
        assert_eq!(ratio([].into_iter()), 1.0);
        assert_eq!([ratio([1.0, 0.0].into_iter()), ratio([1.0, f64::NAN].into_iter())], [f64::INFINITY; 2]);
    }
}
