//! Training by hand, and what is seen of a network on the way.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use wgrad::data::{Normalize, Values};
use wgrad::device::Device;
use wgrad::error::Error;
use wgrad::judge::layers::of_start;
use wgrad::nn::{Head, Network};
use wgrad::op::Value;
use wgrad::train::{Recipe, RunFolder, Trainer, prepare};

const LAYERS: [&str; 5] = ["linear 20", "batch_norm", "relu", "dropout 0.3", "linear"];

fn devices() -> Vec<Device> {
    let gpu = support::gpu().map(Device::gpu);
    std::iter::once(Device::CPU).chain(gpu).collect()
}

/// On the digits; with 40 % held out an epoch is 1078 rows, in 90 steps of 12 of which the last is smaller.
fn trainer(layers: &[&str], device: &Device, change: impl Fn(&mut Recipe)) -> Trainer {
    let mut recipe = Recipe::plain();
    recipe.test = Some(0.4.into());
    recipe.layers = Some(layers.iter().map(|&text| text.into()).collect());
    recipe.batch = Some(12);
    recipe.epochs = Some(2);
    recipe = recipe.with("momentum", Value::Number(0.5));
    recipe.seed = Some(3);
    change(&mut recipe);
    let (job, _) = prepare(&recipe, None).unwrap();
    Trainer::new(job, device).unwrap()
}

fn names(trainer: &Trainer) -> Vec<String> {
    trainer.compiled().tensors.iter().map(|tensor| tensor.name.clone()).collect()
}

/// In portions of any size, with evaluations between: the same bits as a run, and the same losses in the mean.
#[test]
fn steps_by_hand_are_those_of_a_run() {
    for device in devices() {
        let folder = tempfile::tempdir().unwrap();
        let mut whole = trainer(&LAYERS, &device, |_| ());
        let mut run = RunFolder::create(Some(&folder.path().join("run")), "test", &Recipe::default()).unwrap();
        whole.run(&mut run, &mut support::Silent).unwrap();
        let losses: Vec<f64> = std::fs::read_to_string(folder.path().join("run/steps.csv"))
            .unwrap()
            .lines()
            .skip(1)
            .map(|line| f64::from(line.split(',').nth(1).unwrap().parse::<f32>().unwrap()))
            .collect();
        let mut by_hand = trainer(&LAYERS, &device, |_| ());
        let rows = by_hand.job().split.train.len();
        let per_epoch = rows.div_ceil(12);
        assert!(!rows.is_multiple_of(12) && losses.len() == 2 * per_epoch, "{rows} rows, {} losses", losses.len());
        let size = |step: usize| if (step + 1).is_multiple_of(per_epoch) { rows % 12 } else { 12 };
        let mut done = 0;
        // 1 and 7 within an epoch, the third to its end, the fourth within the next and the last to its end.
        for count in [1, 7, per_epoch - 8, 30, per_epoch - 30] {
            let mean = by_hand.train_steps(count as u64).unwrap();
            let (mut sum, mut all) = (0.0, 0);
            for (step, loss) in losses.iter().enumerate().skip(done).take(count) {
                sum += loss * size(step) as f64;
                all += size(step);
            }
            done += count;
            // Both are sums of some hundred float64.
            assert!((mean - sum / all as f64).abs() < 1e-12, "{device}: {mean} {}", sum / all as f64);
            assert_eq!(by_hand.progress().step, done as u64);
            by_hand.evaluate(&[5, 1, 5]).unwrap();
        }
        for name in names(&whole) {
            assert_eq!(whole.tensor(&name).unwrap(), by_hand.tensor(&name).unwrap(), "{device}: {name}");
        }
        let mut across = trainer(&LAYERS, &device, |_| ());
        across.train_steps(2 * per_epoch as u64).unwrap();
        assert_eq!(across.tensor("0.weight").unwrap(), whole.tensor("0.weight").unwrap(), "{device}");
        assert_eq!((across.progress().epoch, across.progress().step_in_epoch), (2, 0));
        let test = whole.job().split.test.clone();
        assert_eq!(across.evaluate(&test).unwrap(), whole.test().unwrap().unwrap(), "{device}");
    }
}

#[test]
fn what_cannot_be_done_by_hand_is_refused() {
    let device = Device::CPU;
    let mut trainer = trainer(&LAYERS, &device, |recipe| {
        recipe.epochs = None;
        recipe.steps = Some(5);
    });
    let sentence = |error: Error| error.to_string();
    assert!(sentence(trainer.train_steps(0).unwrap_err()).starts_with("cannot take 0 steps"));
    trainer.train_steps(2).unwrap();
    let error = sentence(trainer.train_steps(4).unwrap_err());
    assert_eq!(
        error,
        "cannot take 4 steps: the run has 5, of which 2 are done; ask for fewer, or give it more epochs or steps"
    );
    assert_eq!(trainer.progress().step, 2);
    assert!(sentence(trainer.evaluate(&[]).unwrap_err()).contains("at least one row"));
    assert!(sentence(trainer.evaluate(&[0, 1797]).unwrap_err()).contains("row 1797"));
    assert!(sentence(trainer.evaluate(&[0; 1798]).unwrap_err()).contains("1798 rows"));
    assert!(sentence(trainer.tensor("0.wieght").unwrap_err()).contains("did you mean 0.weight?"));
    assert!(trainer.tensor("1.running_mean").is_ok());
    assert!(sentence(trainer.gradient("1.running_mean").unwrap_err()).contains("no such tensor"));
    let error = trainer.layer_statistics(&[1797], &device).unwrap_err();
    assert!(sentence(error).contains("row 1797"));
    assert!(sentence(trainer.layer_statistics(&[], &device).unwrap_err()).contains("at least one whole row"));
}

/// A loss that is not finite ends training by hand too; the weights stay those before the step.
#[test]
fn a_loss_that_is_not_finite_is_an_error_by_hand_too() {
    for device in devices() {
        let mut trainer = trainer(&["linear 16", "relu", "linear"], &device, |recipe| recipe.lr = Some(1e15));
        let error = trainer.train_steps(50).unwrap_err();
        let Error::Diverged { step, cause, saved, .. } = &error else { panic!("{error}") };
        assert!((1..10).contains(step) && cause.contains("linear"), "{error}");
        assert!(saved.contains("nothing is saved"), "{error}");
        assert_eq!(trainer.progress().step, *step);
        assert!(trainer.tensor("0.weight").unwrap().iter().all(|w| w.is_finite()), "{device}");
    }
}

/// A plain update is the gradient times the rate, and nothing is left over from the step before.
#[test]
fn a_gradient_is_that_of_the_last_step() {
    for device in devices() {
        let mut trainer = trainer(&["linear 16", "relu", "linear"], &device, |recipe| {
            *recipe = recipe.clone().with("momentum", Value::Number(0.0));
            recipe.lr = Some(0.25);
        });
        for name in ["0.weight", "0.bias", "2.weight"] {
            assert!(trainer.gradient(name).unwrap().iter().all(|&g| g == 0.0), "{device}: {name} before any step");
        }
        for _ in 0..3 {
            let before = trainer.tensor("2.weight").unwrap();
            trainer.train_steps(1).unwrap();
            let (after, gradient) = (trainer.tensor("2.weight").unwrap(), trainer.gradient("2.weight").unwrap());
            assert!(gradient.iter().any(|&g| g != 0.0));
            for ((before, after), gradient) in before.iter().zip(after).zip(gradient) {
                // One rounding of the difference, and a quarter is exact.
                let bound = before.abs().max(after.abs()) * f32::EPSILON;
                assert!((before - 0.25 * gradient - after).abs() <= bound, "{device}: {before} {gradient} {after}");
            }
        }
    }
}

/// Against plain loops, after some steps, on more rows than go through at once.
#[test]
fn statistics_are_those_of_the_outputs() {
    let layers = ["linear 24", "relu", "dropout 0.5", "linear"];
    for device in devices() {
        let mut trainer = trainer(&layers, &device, |recipe| recipe.lr = Some(0.5));
        trainer.train_steps(40).unwrap();
        let rows: Vec<u32> = (0..300).rev().collect();
        let found = trainer.layer_statistics(&rows, &device).unwrap();
        let paths: Vec<&str> = found.iter().map(|layer| layer.path.as_str()).collect();
        assert_eq!(paths, ["0.linear", "1.relu", "2.dropout", "3.linear"]);
        assert_eq!(found.iter().map(|layer| layer.units).collect::<Vec<_>>(), [24, 24, 24, 10]);
        let (weight, bias) = (trainer.tensor("0.weight").unwrap(), trainer.tensor("0.bias").unwrap());
        let Values::Bytes(bytes) = &trainer.job().dataset.values else { panic!("the digits are bytes") };
        let unit = |row: &u32, unit: usize| {
            let pixels = &bytes[*row as usize * 64..][..64];
            let terms = pixels.iter().zip(&weight[unit * 64..]).map(|(&x, &w)| f64::from(x) / 16.0 * f64::from(w));
            terms.sum::<f64>() + f64::from(bias[unit])
        };
        let linear: Vec<Vec<f64>> = (0..24).map(|at| rows.iter().map(|row| unit(row, at)).collect()).collect();
        let of = |values: &dyn Fn(f64) -> f64| {
            let all: Vec<f64> = linear.iter().flatten().map(|&v| values(v)).collect();
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            (mean, (all.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / all.len() as f64).sqrt())
        };
        for (layer, (mean, deviation)) in [(0, of(&|v| v)), (1, of(&|v| v.max(0.0))), (2, of(&|v| v.max(0.0)))] {
            // Sums of 64 float32 products that are of the outputs' size.
            let bound = 64_f64.sqrt() * f64::from(f32::EPSILON) * deviation.max(1.0);
            let layer = &found[layer];
            assert!((layer.mean - mean).abs() < bound, "{device}: {layer:?}, mean {mean}");
            assert!((layer.deviation - deviation).abs() < bound, "{device}: {layer:?}, deviation {deviation}");
        }
        let dead = linear.iter().filter(|unit| unit.iter().all(|&v| v <= 0.0)).count();
        assert_eq!(found[1].dead, Some(dead as f64 / 24.0), "{device}");
        assert!(
            found.iter().all(|layer| layer.saturated.is_none() && (layer.path == "1.relu") == layer.dead.is_some())
        );
        let alone = trainer.layer_statistics(&rows[7..8], &device).unwrap();
        assert!(alone[1].dead > found[1].dead, "one row moves fewer units");
    }
}

/// At the start both ways to ask give the same.
#[test]
fn a_start_is_that_of_a_trainer() {
    for device in devices() {
        let mut trainer = trainer(&LAYERS, &device, |recipe| recipe.normalize = Some(Normalize::None));
        let Values::Bytes(bytes) = &trainer.job().dataset.values else { panic!("the digits are bytes") };
        let inputs: Vec<f32> = bytes.iter().map(|&v| f32::from(v)).collect();
        let network = Network::read(&trainer.layers(), Head::classes(10), None).unwrap();
        let rows: Vec<u32> = (0..1797).collect();
        let of_trainer = trainer.layer_statistics(&rows, &device).unwrap();
        assert_eq!(of_trainer, of_start(&network, 3, &inputs, &[1, 8, 8], &device).unwrap(), "{device}");
        assert_ne!(of_trainer, of_start(&network, 4, &inputs, &[1, 8, 8], &device).unwrap(), "{device}");
        assert!(of_start(&network, 3, &inputs[1..], &[1, 8, 8], &device).is_err());
    }
}
