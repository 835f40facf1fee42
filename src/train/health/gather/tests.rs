#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::train::settings::Recipe;
use crate::train::trainer::Trainer;

/// Values `[rows, width]`, and the width.
type Matrix = (Vec<f64>, usize);

fn linear((x, width): &Matrix, weight: &[f32], bias: &[f32]) -> Matrix {
    let of_row = |x: &[f64]| {
        let unit =
            |(w, b): (&[f32], &f32)| f64::from(*b) + x.iter().zip(w).map(|(x, &w)| x * f64::from(w)).sum::<f64>();
        weight.chunks(*width).zip(bias).map(unit).collect::<Vec<_>>()
    };
    (x.chunks(*width).flat_map(of_row).collect(), bias.len())
}

/// What the network gets for rows of the digits.
fn inputs(job: &Job, rows: &[usize]) -> Matrix {
    let Values::Bytes(bytes) = &job.dataset.values else { panic!("the digits are bytes") };
    let features = job.dataset.features();
    let value = |row: usize, f: usize| job.normalize.1.apply(f, f64::from(bytes[row * features + f]));
    (rows.iter().flat_map(|&row| (0..features).map(move |f| value(row, f))).collect(), features)
}

/// Mean and deviation, over n.
fn moments(values: &[f64]) -> [f64; 2] {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    [mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()]
}

fn histogram(values: &[f64]) -> Vec<u64> {
    let mut bins = vec![0; 11];
    // The magnitudes as float32 has them, as what is counted is in float32.
    let bin = |v: f64| crate::ops::health::MAGNITUDES.iter().filter(|&&least| v.abs() >= f64::from(least)).count();
    values.iter().for_each(|&v| bins[bin(v)] += 1);
    bins
}

fn near(is: f64, wanted: f64, what: &str) {
    // Float32 sums of some hundred terms against float64.
    assert!((is - wanted).abs() <= 1e-5 * (wanted.abs() + 1e-3), "{what}: {is} and not {wanted}");
}

fn alike(spread: &Spread, (values, width): &Matrix, what: &str) {
    let [mean, deviation] = moments(values);
    near(spread.mean, mean, what);
    near(spread.deviation, deviation, what);
    let of_unit = |f: usize| moments(&values.iter().skip(f).step_by(*width).copied().collect::<Vec<_>>())[1].powi(2);
    near(spread.deviation_over_rows, ((0..*width).map(of_unit).sum::<f64>() / *width as f64).sqrt(), what);
    assert_eq!((spread.histogram.clone(), spread.units), (histogram(values), *width), "{what}");
}

/// Loss by the logits of a batch: (softmax − one-hot) ÷ rows.
fn by_logits((z, width): &Matrix, targets: &[u32]) -> Matrix {
    let of_row = |(z, &target): (&[f64], &u32)| {
        let sum: f64 = z.iter().map(|v| v.exp()).sum();
        let one = |at: usize| f64::from(u8::from(at == target as usize));
        z.iter().enumerate().map(|(at, v)| (v.exp() / sum - one(at)) / targets.len() as f64).collect::<Vec<_>>()
    };
    (z.chunks(*width).zip(targets).flat_map(of_row).collect(), *width)
}

/// The gradient by a weight `[out, in]`: dᵀ x.
fn by_weight((d, out): &Matrix, (x, width): &Matrix) -> Vec<f64> {
    let of = |o: usize, i: usize| d.chunks(*out).zip(x.chunks(*width)).map(|(d, x)| d[o] * x[i]).sum();
    (0..*out).flat_map(|o| (0..*width).map(move |i| (o, i))).map(|(o, i)| of(o, i)).collect()
}

/// Sums of the columns, for the gradient by a bias.
fn columns((d, width): &Matrix) -> Vec<f64> {
    (0..*width).map(|f| d.iter().skip(f).step_by(*width).sum()).collect()
}

/// A network in training, and its weights before they all became 1 % larger.
fn trained() -> (Trainer, Snapshot) {
    let layers = ["linear 6", "relu", "linear"].map(String::from).to_vec();
    let recipe = Recipe { layers: Some(layers), batch: Some(100), epochs: Some(1), ..Recipe::default() };
    let mut trainer = Trainer::open(&recipe, &Device::CPU).unwrap();
    // One unit dies.
    let mut bias = trainer.runner.read_floats("0.bias").unwrap();
    bias[2] = -100.0;
    trainer.runner.write_floats("0.bias", &bias).unwrap();
    let before = trainer.runner.snapshot(Class::Parameters).unwrap();
    for name in ["0.weight", "0.bias", "2.weight", "2.bias"] {
        let larger: Vec<f32> = trainer.runner.read_floats(name).unwrap().iter().map(|v| v * 1.01).collect();
        trainer.runner.write_floats(name, &larger).unwrap();
    }
    (trainer, before)
}

fn of(trainer: &mut Trainer) -> Instrument {
    let on = (&Device::CPU, trainer.compiled().plan.target);
    Instrument::new((&trainer.job, &trainer.network), on, &mut trainer.runner).unwrap()
}

#[test]
fn what_is_measured_is_what_float64_gives() {
    let (mut trainer, before) = trained();
    let [w, b, v, c] =
        ["0.weight", "0.bias", "2.weight", "2.bias"].map(|name| trainer.runner.read_floats(name).unwrap());
    let mut instrument = of(&mut trainer);
    let health = instrument.measure(&mut trainer.runner, Some(&before)).unwrap();
    let paths: Vec<&str> = health.iter().map(|layer| &layer.path[..]).collect();
    assert_eq!(paths, ["0.linear", "1.relu", "2.linear"]);

    let job = &trainer.job;
    let train = &job.split.train;
    let rows: Vec<usize> = (0..256).map(|at| train[at * train.len() / 256] as usize).collect();
    let x = inputs(job, &rows);
    let hidden = linear(&x, &w, &b);
    let relu: Matrix = (hidden.0.iter().map(|v| v.max(0.0)).collect(), 6);
    let logits = linear(&relu, &v, &c);
    alike(&health[0].outputs, &hidden, "linear 6");
    alike(&health[1].outputs, &relu, "relu");
    alike(&health[2].outputs, &logits, "linear");
    assert_eq!(
        (health[0].dead, health[1].dead, health[0].rows, health[0].of_rows),
        (None, Some(1.0 / 6.0), 256, train.len() as u64)
    );

    let first = |(values, width): &Matrix| (values[..100 * width].to_vec(), *width);
    let words = job.target_words();
    let targets: Vec<u32> = rows[..100].iter().map(|&row| words[row]).collect();
    let d_logits = by_logits(&first(&logits), &targets);
    let back = |d: &[f64], i: usize| d.iter().enumerate().map(|(o, d)| d * f64::from(v[o * 6 + i])).sum::<f64>();
    let d_relu: Matrix = (d_logits.0.chunks(10).flat_map(|d| (0..6).map(|i| back(d, i))).collect(), 6);
    let open = d_relu.0.iter().zip(&hidden.0).map(|(d, h)| if *h > 0.0 { *d } else { 0.0 });
    let d_hidden: Matrix = (open.collect(), 6);
    for (layer, d) in health.iter().zip([&d_hidden, &d_relu, &d_logits]) {
        alike(layer.gradients.as_ref().unwrap(), d, &layer.path);
    }
    for (layer, d, x) in [(&health[0], &d_hidden, &first(&x)), (&health[2], &d_logits, &first(&relu))] {
        let weight = by_weight(d, x);
        let squares: f64 = weight.iter().chain(&columns(d)).map(|g| g * g).sum();
        near(layer.weight_gradient_norm.unwrap(), squares.sqrt(), &layer.path);
        near(layer.update_to_weight.unwrap(), 0.01, &layer.path);
        let of_one = |g: &&[f64]| g.iter().any(|&g| g > 0.0) != g.iter().any(|&g| g < 0.0);
        let count = weight.chunks(x.1).filter(of_one).count() as f64;
        near(layer.one_sign.unwrap(), count / d.1 as f64, &layer.path);
    }
    assert_eq!((health[1].weight_gradient_norm, health[1].update_to_weight, health[1].one_sign), (None, None, None));
}

/// A training part of 513 rows, of which the sample has every second one, and all rows come as 256, 256 and a single one.
fn of_513_rows(layers: &[&str]) -> Trainer {
    let layers = layers.iter().map(ToString::to_string).collect();
    let recipe = Recipe { layers: Some(layers), batch: Some(100), epochs: Some(1), ..Recipe::default() };
    let mut trainer = Trainer::open(&recipe, &Device::CPU).unwrap();
    trainer.job.split.train.truncate(513);
    trainer
}

#[test]
fn a_row_left_over_is_skipped_and_the_sample_brought_back() {
    let mut trainer = of_513_rows(&["linear 16", "batch_norm", "relu", "linear"]);
    // So few values are 2.9 deviations above their mean that some units have one in all rows, and none in the sample.
    trainer.runner.write_floats("1.bias", &[-2.9; 16]).unwrap();
    let mut instrument = of(&mut trainer);
    let first = instrument.measure(&mut trainer.runner, None).unwrap();
    let mut relu = first[2].clone();
    assert_eq!((&*relu.path, relu.rows, relu.of_rows), ("2.relu", 256, 513));
    instrument.over_many_rows(&trainer.job, &mut trainer.runner, &mut [&mut relu]).unwrap();

    let [w, b] = ["0.weight", "0.bias"].map(|name| trainer.runner.read_floats(name).unwrap());
    let train: Vec<usize> = trainer.job.split.train.iter().map(|&row| row as usize).collect();
    // A unit is dead where no value of a batch of 100, 100 or 56 rows is so far above the mean of that batch.
    let dead = |parts: &[&[usize]]| {
        let mut positive = [false; 16];
        for batch in parts.iter().flat_map(|part| part.chunks(100)) {
            let (hidden, _) = linear(&inputs(&trainer.job, batch), &w, &b);
            for (f, positive) in positive.iter_mut().enumerate() {
                let values: Vec<f64> = hidden.iter().skip(f).step_by(16).copied().collect();
                let [mean, deviation] = moments(&values);
                *positive |= values.iter().any(|v| v - mean > 2.9 * (deviation.powi(2) + 1e-5).sqrt());
            }
        }
        positive.iter().filter(|&&positive| !positive).count() as f64 / 16.0
    };
    let sample: Vec<usize> = (0..256).map(|at| train[at * 513 / 256]).collect();
    let [of_sample, of_all] = [dead(&[&sample]), dead(&[&train[..256], &train[256..512]])];
    assert!(of_sample > of_all && of_all > 0.0, "{of_sample} {of_all}");
    assert_eq!((first[2].dead, relu.dead), (Some(of_sample), Some(of_all)));
    assert_eq!((relu.rows, relu.of_rows), (512, 513));
    assert_eq!(instrument.measure(&mut trainer.runner, None).unwrap(), first);
}

#[test]
fn a_loss_that_is_not_finite_leaves_the_layers_and_brings_the_sample_back() {
    let mut trainer = of_513_rows(&["linear 6", "relu", "linear"]);
    // Two pixels that one row alone has, which is not in the sample, overflow together.
    let (features, row) = (trainer.job.dataset.features(), trainer.job.split.train[1] as usize);
    let Values::Bytes(bytes) = &mut trainer.job.dataset.values else { panic!("the digits are bytes") };
    bytes.chunks_mut(features).enumerate().for_each(|(at, x)| x[..2].fill(if at == row { 255 } else { 0 }));
    let mut w = trainer.runner.read_floats("0.weight").unwrap();
    w[..2].fill(3e38);
    trainer.runner.write_floats("0.weight", &w).unwrap();
    let mut instrument = of(&mut trainer);
    let first = instrument.measure(&mut trainer.runner, None).unwrap();
    let mut relu = first[1].clone();
    instrument.over_many_rows(&trainer.job, &mut trainer.runner, &mut [&mut relu]).unwrap();
    assert_eq!(relu, first[1]);
    assert_eq!(instrument.measure(&mut trainer.runner, None).unwrap(), first);
}

#[test]
fn the_random_start_is_measured_again_as_it_was() {
    let mut trainer = of_513_rows(&["linear 16", "batch_norm", "relu", "residual(linear 16; tanh)", "linear"]);
    let mut instrument = of(&mut trainer);
    let first = instrument.measure(&mut trainer.runner, None).unwrap();
    trainer.fit(&mut ()).unwrap();
    assert_ne!(instrument.measure(&mut trainer.runner, None).unwrap(), first);
    assert_eq!(instrument.measure_start(trainer.job.settings.seed).unwrap(), first);
}

/// The layers behind frozen ones are measured on what the training keeps of these, and are found as when all are computed anew.
#[test]
fn kept_features_give_the_same_layers() {
    let layers = ["conv 8 kernel=3", "batch_norm", "tanh", "flatten", "linear 16", "batch_norm", "relu", "linear"];
    let looked_at = |cache_features: bool| {
        let recipe = Recipe {
            layers: Some(layers.map(str::to_owned).to_vec()),
            freeze: Some("0..3".parse().unwrap()),
            cache_features: Some(cache_features),
            epochs: Some(1),
            ..Recipe::default()
        };
        let mut trainer = Trainer::open(&recipe, &Device::CPU).unwrap();
        trainer.fit(&mut ()).unwrap();
        trainer.runner.write_floats("5.bias", &[-100.0; 16]).unwrap();
        let mut instrument = of(&mut trainer);
        let mut found = instrument.measure(&mut trainer.runner, None).unwrap();
        let relu = found.iter_mut().find(|layer| layer.path == "6.relu").unwrap();
        instrument.over_many_rows(&trainer.job, &mut trainer.runner, &mut [relu]).unwrap();
        let again = instrument.measure(&mut trainer.runner, None).unwrap();
        let start = instrument.measure_start(trainer.job.settings.seed).unwrap();
        [found, again, start]
    };
    let [kept, anew] = [true, false].map(looked_at);
    let paths: Vec<&str> = kept[0].iter().map(|layer| &*layer.path).collect();
    assert_eq!(paths, ["4.linear", "5.batch_norm", "6.relu", "7.linear"]);
    for (kept, anew) in kept.iter().zip(&anew) {
        assert_eq!(kept[..], anew[anew.len() - 4..]);
    }
    assert_eq!((kept[0][2].dead, kept[0][2].rows), (Some(1.0), kept[0][2].of_rows));
}

#[test]
fn a_look_for_dead_units_ends_once_they_are_few() {
    let mut trainer = of_513_rows(&["linear 6", "relu", "linear"]);
    let mut instrument = of(&mut trainer);
    let mut relu = instrument.measure(&mut trainer.runner, None).unwrap().swap_remove(1);
    instrument.over_many_rows(&trainer.job, &mut trainer.runner, &mut [&mut relu]).unwrap();
    assert!(relu.dead < Some(DEAD) && relu.rows == 256, "{relu:?}");
    // Every unit dies: all rows are looked at.
    trainer.runner.write_floats("0.bias", &[-100.0; 6]).unwrap();
    relu = instrument.measure(&mut trainer.runner, None).unwrap().swap_remove(1);
    instrument.over_many_rows(&trainer.job, &mut trainer.runner, &mut [&mut relu]).unwrap();
    assert_eq!((relu.dead, relu.rows), (Some(1.0), 513));
}

#[test]
fn of_large_pictures_fewer_rows_are_looked_at() {
    let mut trainer = of_513_rows(&["linear"]);
    assert_eq!(fewest(&trainer.job), 256);
    trainer.job.dataset.shape = vec![3, 96, 96];
    assert_eq!(fewest(&trainer.job), 64);
    trainer.job.settings.cache_features = true;
    assert_eq!(fewest(&trainer.job), 256);
    assert_eq!([sample(800, 32, 64), sample(800, 1, 64), sample(40, 32, 64)], [(64, 32), (64, 1), (40, 32)]);
    assert_eq!([sample(8192, 32, 64), sample(90_000, 300, 64)], [(256, 32), (512, 256)]);
}

#[test]
fn units_are_looked_at_for_an_eighth_of_many_rows() {
    let rows = |count: u32| rows_of_dead(&(0..count).collect::<Vec<_>>());
    assert_eq!(rows(3), [0, 1, 2]);
    assert_eq!(rows(8192).len(), 4096);
    let of_many = rows(80_000);
    assert_eq!((of_many.len(), &of_many[..3], of_many.last()), (10_000, &[0, 8, 16][..], Some(&79_992)));
}
