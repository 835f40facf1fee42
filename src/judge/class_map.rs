//! Where a network sees a class: class-activation maps.
//!
//! Of a network that ends in `global_avg_pool` and `linear`, `map_c(y, x) = Σ_k w[c, k] · f_k(y, x)`, where f are the images
//! that `global_avg_pool` takes (Zhou et al. 2016, "Learning deep features for discriminative localization", eq. 1 and 2). The
//! mean of the map over its pixels plus the class's bias is the class's output. What dropout between the two scales by at
//! inference is part of the map.

use super::probe::Probe;
use crate::data::Affine;
use crate::device::Device;
use crate::error::Error;
use crate::export::Model;
use crate::metrics::apply_temperature;
use crate::nn::{Answer, LayerText, Network, Problem};
use crate::op::SlotId;
use crate::run::{Compiled, DataShape, Purpose, state};

/// A network that can say where it sees a class.
pub struct ClassMaps {
    probe: Probe,
    affine: Affine,
    problem: Problem,
    /// By which outputs are divided before they become probabilities.
    temperature: Option<f64>,
    /// The images that are pooled.
    pooled: SlotId,
    /// The outputs of the last layer.
    outputs: SlotId,
    /// Height, width and channels of what is pooled.
    size: [usize; 3],
    /// Weights of the last layer, `[outputs, channels]`, with what scales its inputs.
    weights: Vec<f64>,
    /// Biases of the last layer, 0 where it has none.
    biases: Vec<f64>,
}

/// Where a network sees a class on one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassMap {
    /// The number of the class.
    pub class: usize,
    /// The probability that the network gives the class.
    pub probability: f64,
    /// The output for the class. Where one output speaks for the second of two classes, that of the first is its negative.
    pub logit: f64,
    /// The bias of the class, negative where the output is.
    pub bias: f64,
    /// Height of the map in pixels.
    pub height: usize,
    /// Width of the map in pixels.
    pub width: usize,
    /// The map, row by row: how much each pixel speaks for the class.
    pub values: Vec<f64>,
}

/// Where a network pools its images, and what stands behind.
struct Ending {
    pool: usize,
    linear: usize,
    /// What scales the inputs of the last layer at inference.
    factor: f64,
}

impl ClassMaps {
    /// Puts a model of pictures on a device.
    ///
    /// # Errors
    /// The model describes no network or does not fit it, answers no classes or labels, or does not end in
    /// `global_avg_pool` and `linear`; or the device failed.
    pub fn new(model: &Model, device: &Device) -> Result<Self, Error> {
        let (meta, shown) = (model.described()?, model.path.display());
        let problem = meta.problem();
        if problem.answer == Answer::Numbers {
            return Err(Error::Setting(format!("{shown} answers numbers, and a map shows where a class is seen")));
        }
        let network = Network::read(&meta.layers, problem.head(), None)?;
        let texts = network.texts();
        let Some(Ending { pool, linear, factor }) = ending(&texts, &problem) else {
            let last = texts[texts.len().saturating_sub(3)..].join(", ");
            return Err(Error::Setting(format!(
                "{shown} ends in {last:?}, and the map of a class needs a network that ends in \"global_avg_pool, \
                 linear\": train one, for example with `layers = resnet8`"
            )));
        };
        let row = &meta.input;
        let data = DataShape { bytes: true, rows: 1, row: row.clone() };
        state::check(
            &Compiled::compile(&network, &data, 1, Purpose::Predict, device.target())?,
            model,
            state::Take::WEIGHTS,
        )?;
        let mut probe = Probe::new(&network, row, 1, device)?;
        for tensor in probe.tensors.clone() {
            let values = model.floats(&tensor.name, &tensor.shape.in_files().0)?;
            probe.set(&tensor.name, &tensor.in_plan(values))?;
        }
        let pooled = pool.checked_sub(1).map_or(probe.input, |before| probe.layers[before].1);
        let &[_, height, width, channels] = &probe.shape(pooled).0[..] else {
            return Err(Error::Setting(format!("{shown} pools no images, and the map of a class shows where on them")));
        };
        let outputs = probe.layers[linear].1;
        let count = probe.shape(outputs).width();
        let weights = model.floats(&format!("{linear}.weight"), &[count, channels])?;
        let weights = weights.iter().map(|&weight| f64::from(weight) * factor).collect();
        let biases = match model.floats(&format!("{linear}.bias"), &[count]) {
            Ok(biases) => biases.iter().map(|&bias| f64::from(bias)).collect(),
            Err(_) => vec![0.0; count],
        };
        let affine = meta.normalize.affine(probe.features);
        let temperature = meta.temperature();
        Ok(Self {
            probe,
            affine,
            problem,
            temperature,
            pooled,
            outputs,
            size: [height, width, channels],
            weights,
            biases,
        })
    }

    /// Where a class is seen on a picture, `[channels, height, width]` with values as in the data set. Without a class, it
    /// is the one that the network answers, or the label with the highest probability.
    ///
    /// # Panics
    /// The picture has another size than the network's, or there is no such class.
    ///
    /// # Errors
    /// The device failed, or the network makes numbers of the picture that are not finite.
    pub fn of(&mut self, picture: &[u8], class: Option<usize>) -> Result<ClassMap, Error> {
        assert_eq!(picture.len(), self.probe.features, "a picture of another size");
        let value = |(i, &byte): (usize, &u8)| self.affine.apply(i, f64::from(byte)) as f32;
        let inputs: Vec<f32> = picture.iter().enumerate().map(value).collect();
        self.probe.forward(&inputs)?;
        let outputs = self.probe.read(self.outputs, 1)?;
        if let Some(value) = outputs.iter().find(|output| !output.is_finite()) {
            return Err(Error::Rows(format!("the network makes {value} of the picture, so there is nothing to show")));
        }
        let mut scaled = outputs.clone();
        if let Some(temperature) = self.temperature {
            apply_temperature(&self.problem, temperature, &mut scaled);
        }
        let probabilities = self.problem.probabilities(&scaled);
        let highest = || (0..probabilities.len()).max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
        let class = class.unwrap_or_else(|| match self.problem.answer {
            Answer::Labels => highest().unwrap_or(0),
            _ => self.problem.class(&outputs),
        });
        // One output speaks for the second class, and so against the first.
        let (output, sign) = match self.problem.answer {
            Answer::Binary => (0, if class == 1 { 1.0 } else { -1.0 }),
            _ => (class, 1.0),
        };
        let [height, width, channels] = self.size;
        let weights = &self.weights[output * channels..][..channels];
        let pooled = self.probe.read(self.pooled, 1)?;
        let value =
            |pixel: &[f32]| sign * weights.iter().zip(pixel).map(|(weight, &f)| weight * f64::from(f)).sum::<f64>();
        Ok(ClassMap {
            class,
            probability: probabilities[class],
            logit: sign * f64::from(outputs[output]),
            bias: sign * self.biases[output],
            height,
            width,
            values: pooled.chunks(channels).map(value).collect(),
        })
    }
}

/// The end of a network, if it is `global_avg_pool` and `linear`, with nothing but dropout between them and nothing but what
/// the loss has in it behind them.
fn ending(texts: &[String], problem: &Problem) -> Option<Ending> {
    let layers: Vec<LayerText> = texts.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?;
    let pool = layers.iter().rposition(|layer| layer.kind == "global_avg_pool")?;
    let (mut factor, mut linear) = (1.0, None);
    for (index, layer) in layers.iter().enumerate().skip(pool + 1) {
        match layer.kind.as_str() {
            "dropout" if linear.is_none() => {
                let scales = layer.keys.iter().any(|(key, rule)| key == "rule" && rule == "weight_scaling");
                let p: f64 = layer.values.first().map_or(Some(0.5), |p| p.parse().ok())?;
                factor *= if scales { 1.0 - p } else { 1.0 };
            }
            "linear" if linear.is_none() => linear = Some(index),
            kind if linear.is_some() && index + 1 == layers.len() && problem.loss.contains_layer(kind) => {}
            _ => return None,
        }
    }
    Some(Ending { pool, linear: linear?, factor })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::data::Values as Rows;
    use crate::export::{Metadata, Normalization, Values};
    use crate::nn::Loss;
    use crate::run::Predictor;

    /// Channels, height and width of the pictures.
    const INPUT: [usize; 3] = [2, 3, 4];

    fn numbers(count: usize, first: usize) -> Vec<f32> {
        (first..first + count).map(|i| (i as f32 * 0.7).sin()).collect()
    }

    fn picture() -> Vec<u8> {
        (0..24).map(|i| (i * 53 % 97) as u8).collect()
    }

    fn affine() -> Affine {
        Affine { offset: vec![3.0; 24], factor: vec![0.02; 24] }
    }

    /// A model of classes a, b and c, or of two of them, with the tensors that are named.
    fn model(layers: &str, [loss, classes]: [&str; 2], tensors: &[(&str, &[usize])]) -> Model {
        let answer = if classes == "a b" { Answer::Binary } else { Answer::Class };
        let names = classes.split(' ').map(str::to_owned).collect();
        let problem = Problem { answer, loss: Loss::read(loss, &[]).unwrap(), names };
        let texts: Vec<String> = layers.split(", ").map(str::to_owned).collect();
        let layers = Network::read(&texts, problem.head(), None).unwrap().texts();
        let normalize = Normalization::new("scale".into(), 255.0, &affine());
        let metadata = Some(Metadata::new(layers, INPUT.to_vec(), &problem, normalize));
        let values = |(at, (name, shape)): (usize, &(&str, &[usize]))| {
            (name.to_string(), Values::Floats(shape.to_vec(), numbers(shape.iter().product(), 100 * at)))
        };
        Model { path: "tiny.safetensors".into(), metadata, tensors: tensors.iter().enumerate().map(values).collect() }
    }

    const CLASSES: [&str; 2] = ["cross_entropy", "a b c"];
    const CONV: [(&str, &[usize]); 2] = [("0.weight", &[5, 2, 3, 3]), ("0.bias", &[5])];

    /// `conv 5 kernel=3 padding=1, relu` of the picture by its definition, `[5, 3, 4]`.
    fn convolved() -> Vec<f64> {
        let (weights, biases, affine) = (numbers(90, 0), numbers(5, 100), affine());
        let x = |channel: usize, y: i32, x: i32| {
            let at = channel * 12 + (y * 4 + x) as usize;
            affine.apply(at, f64::from(picture()[at]))
        };
        let mut out = vec![];
        for (out_channel, y, at) in (0..60).map(|i| (i / 12, (i / 4 % 3) as i32, (i % 4) as i32)) {
            let taps = (0..18).map(|i| (i / 9, (i / 3 % 3) as i32 - 1, (i % 3) as i32 - 1));
            let inside = |(_, dy, dx): &(usize, i32, i32)| (0..3).contains(&(y + dy)) && (0..4).contains(&(at + dx));
            let product = |(channel, dy, dx): (usize, i32, i32)| {
                let weight = weights[((out_channel * 2 + channel) * 3 + (dy + 1) as usize) * 3 + (dx + 1) as usize];
                f64::from(weight) * x(channel, y + dy, at + dx)
            };
            let sum: f64 = taps.filter(inside).map(product).sum();
            out.push((sum + f64::from(biases[out_channel])).max(0.0));
        }
        out
    }

    #[test]
    fn a_map_is_that_of_the_definition() {
        let tensors = [&CONV[..], &[("3.weight", &[3, 5]), ("3.bias", &[3])]].concat();
        let model = model("conv 5 kernel=3 padding=1, relu, global_avg_pool, linear", CLASSES, &tensors);
        let mut maps = ClassMaps::new(&model, &Device::CPU).unwrap();
        let (f, weights) = (convolved(), numbers(15, 200));
        for class in 0..3 {
            let map = maps.of(&picture(), Some(class)).unwrap();
            assert_eq!((map.height, map.width, map.values.len()), (3, 4, 12));
            for (at, value) in map.values.iter().enumerate() {
                let wanted: f64 = (0..5).map(|k| f64::from(weights[class * 5 + k]) * f[k * 12 + at]).sum();
                assert!((value - wanted).abs() < 1e-4 * wanted.abs().max(1.0), "{class} {at}: {value} {wanted}");
            }
        }
        let outputs = Predictor::new(&model, &Device::CPU).unwrap().outputs(&Rows::Bytes(picture())).unwrap();
        let named = (0..3).max_by(|&a, &b| outputs[a].total_cmp(&outputs[b])).unwrap();
        assert_eq!(maps.of(&picture(), None).unwrap().class, named);
    }

    #[test]
    fn the_mean_of_a_map_and_the_bias_make_the_output() {
        let binary = ["binary_cross_entropy", "a b"];
        #[allow(clippy::type_complexity, reason = "a table of cases")]
        let ends: [(&str, [&str; 2], &[(&str, &[usize])]); 5] = [
            ("relu, global_avg_pool, linear", CLASSES, &[("3.weight", &[3, 5]), ("3.bias", &[3])]),
            ("relu, global_avg_pool, linear bias=false", CLASSES, &[("3.weight", &[3, 5])]),
            ("max_pool 2, global_avg_pool, dropout 0.3, linear", CLASSES, &[("4.weight", &[3, 5]), ("4.bias", &[3])]),
            (
                "global_avg_pool, dropout 0.3 rule=weight_scaling, linear",
                CLASSES,
                &[("3.weight", &[3, 5]), ("3.bias", &[3])],
            ),
            ("relu, global_avg_pool, linear 1, sigmoid", binary, &[("3.weight", &[1, 5]), ("3.bias", &[1])]),
        ];
        for (end, asked, tensors) in ends {
            let model = model(&format!("conv 5 kernel=3 padding=1, {end}"), asked, &[&CONV[..], tensors].concat());
            let mut maps = ClassMaps::new(&model, &Device::CPU).unwrap();
            let mut predictor = Predictor::for_inputs(&model, true, None, &Device::CPU).unwrap();
            let outputs = predictor.outputs(&Rows::Bytes(picture())).unwrap();
            let probabilities = predictor.problem().probabilities(&outputs);
            for (class, probability) in probabilities.iter().enumerate() {
                let map = maps.of(&picture(), Some(class)).unwrap();
                let mean = map.values.iter().sum::<f64>() / map.values.len() as f64;
                let off = (mean + map.bias - map.logit).abs();
                assert!(off < 1e-4 * map.logit.abs(), "{end}: {class}: {map:?}");
                assert!((map.probability - probability).abs() < 1e-5, "{end}: {class}: {map:?}");
            }
        }
    }

    #[test]
    fn other_networks_are_refused() {
        let tensors: [&[(&str, &[usize])]; 3] = [
            &[("1.weight", &[3, 24]), ("1.bias", &[3])],
            &[("1.weight", &[4, 2]), ("1.bias", &[4]), ("3.weight", &[3, 4]), ("3.bias", &[3])],
            &[("1.weight", &[3, 2]), ("1.bias", &[3])],
        ];
        let layers = ["flatten, linear", "global_avg_pool, linear 4, relu, linear", "global_avg_pool, linear, relu"];
        for (layers, tensors) in layers.iter().zip(tensors) {
            let error = ClassMaps::new(&model(layers, CLASSES, tensors), &Device::CPU).err().unwrap().to_string();
            assert!(error.contains("global_avg_pool, linear\""), "{error}");
        }
        // A network that pools the picture itself has a map.
        let tensors: [(&str, &[usize]); 2] = [("1.weight", &[3, 2]), ("1.bias", &[3])];
        let map = ClassMaps::new(&model("global_avg_pool, linear", CLASSES, &tensors), &Device::CPU).unwrap();
        assert_eq!(map.size, [3, 4, 2]);
    }
}
