//! How many dispatches a training step takes, network by network, on kinds of devices that need not be there.

use super::*;
use wgrad::nn::Loss;
use wgrad::op::Kind;

/// A network with the optimiser and the loss that it is trained by.
struct Setup {
    features: usize,
    batch: usize,
    head: Head,
    settings: Settings,
    label_smoothing: f64,
}

impl Default for Setup {
    fn default() -> Self {
        let rule = Rule::read("sgd", &[("momentum", Value::Number(0.9))]).unwrap();
        let settings = Settings { rule, weight_decay: 1e-4, ..Settings::default() };
        Self { features: 64, batch: 64, head: Head::classes(10), settings, label_smoothing: 0.0 }
    }
}

impl Setup {
    fn of(optimizer: &str, clip: Option<f64>) -> Self {
        let rule = Rule::read(optimizer, &[]).unwrap();
        Self { settings: Settings { rule, clip, ..Settings::default() }, ..Self::default() }
    }

    fn with_loss(loss: Loss, outputs: usize) -> Self {
        Self { head: Head { loss, outputs }, ..Self::default() }
    }

    fn step(&self, layers: &str, target: Target) -> Vec<&'static str> {
        self.step_of(layers, &[self.features], target)
    }

    /// The same for rows of a shape, as files have it.
    fn step_of(&self, layers: &str, row: &[usize], target: Target) -> Vec<&'static str> {
        let texts: Vec<String> = layers.split(", ").map(str::to_owned).collect();
        let network = Network::read(&texts, self.head, None).unwrap();
        let data = DataShape { bytes: true, rows: 1797, row: row.to_vec() };
        let (optimizer, label_smoothing) = (self.settings, self.label_smoothing);
        let options = TrainOptions { seed: 3, optimizer, lr: 0.05, label_smoothing, ..TrainOptions::default() };
        let compiled = Compiled::compile(&network, &data, self.batch, Purpose::Train(options), target).unwrap();
        kernels(&compiled.plan, 0)
    }
}

/// W1's layers with another function, and other widths.
fn w1(function: &str, [a, b]: [usize; 2], options: &str) -> String {
    let hidden = |width: usize| format!("linear {width}{options}, batch_norm, {function}, dropout 0.5");
    format!("{}, {}, linear", hidden(a), hidden(b))
}

#[test]
fn a_step_takes_few_dispatches_whatever_the_network() {
    let w1_relu = w1("relu", [256, 128], "");
    let mut rows: Vec<(String, Setup, usize)> = vec![];
    for function in ["relu", "gelu", "leaky_relu", "tanh", "elu", "silu", "sigmoid", "hardswish"] {
        rows.push((w1(function, [256, 128], ""), Setup::default(), 8));
    }
    for function in ["prelu", "prelu per_channel=true", "maxout 2", "maxout 4"] {
        rows.push((w1(function, [256, 128], ""), Setup::default(), 10));
    }
    rows.push((w1("relu", [250, 126], ""), Setup::default(), 8));
    rows.push((w1("relu", [256, 128], " bias=false"), Setup::default(), 8));
    rows.push((w1_relu.clone(), Setup { features: 3, ..Setup::default() }, 8));
    rows.push(("linear 256, relu, linear 128, relu, linear".into(), Setup::default(), 8));
    rows.push(("linear 256, relu, dropout 0.5, linear 128, relu, dropout 0.5, linear".into(), Setup::default(), 8));
    rows.push((w1_relu.clone(), Setup::of("adam", None), 8));
    rows.push((w1_relu.clone(), Setup::of("adamw", None), 8));
    rows.push((w1_relu.clone(), Setup::of("sgd", Some(1.0)), 10));
    rows.push((w1_relu.clone(), Setup { label_smoothing: 0.1, ..Setup::default() }, 8));
    rows.push((format!("{w1_relu} 1"), Setup::with_loss(Loss::MSE, 1), 8));
    rows.push((format!("{w1_relu} 10"), Setup::with_loss(Loss::BINARY_CROSS_ENTROPY, 10), 8));
    let before = "linear 256, relu, batch_norm, dropout 0.5, linear 128, relu, batch_norm, dropout 0.5, linear";
    rows.push((before.into(), Setup::default(), 12));
    let w2 = "linear 2048, batch_norm, relu, dropout 0.5, linear 2048, batch_norm, relu, dropout 0.5, linear";
    rows.push((w2.into(), Setup { features: 784, batch: 512, ..Setup::default() }, 14));
    // Two kernels a block, forward and backward: a sum is the end of a product.
    let block = "residual(linear 64; batch_norm; relu; linear 64)";
    rows.push((format!("linear 64, {block}, {block}, {block}, linear"), Setup::default(), 20));
    let mut wrong = vec![];
    for kind in ["hardware", "software8"] {
        let target = kind.parse::<Kind>().unwrap().target();
        for (layers, setup, most) in &rows {
            let step = setup.step(layers, target);
            println!(
                "{kind}: {:>2} of {most:>2}  {layers}, {}, {} features",
                step.len(),
                setup.head.loss.kind().name,
                setup.features
            );
            if step.len() > *most {
                wrong.push((kind, layers, most, step));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Networks of images: what stands behind a convolution is two kernels in each direction, but for addition.
#[test]
fn a_step_over_images_takes_few_dispatches() {
    let w5 = "conv 32 kernel=3 padding=1, batch_norm, relu, conv 32 kernel=3 padding=1, batch_norm, relu, max_pool 2, \
              conv 64 kernel=3 padding=1, batch_norm, relu, max_pool 2, flatten, linear 10";
    let setup = Setup::default();
    for (kind, most) in [("hardware", [34, 198]), ("software8", [33, 186]), ("cpu", [30, 179])] {
        let target = kind.parse::<Kind>().unwrap().target();
        for (layers, most) in [w5, "resnet20"].into_iter().zip(most) {
            let step = setup.step_of(layers, &[3, 32, 32], target);
            println!("{kind}: {} of {most} {layers}", step.len());
            assert!(step.len() <= most, "{kind}, {layers}: {} of {most}, {step:#?}", step.len());
        }
    }
}
