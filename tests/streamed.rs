//! Data sets that do not lie on the device as a whole: the same bits as if they did.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use wgrad::data::{self, Opened, Targets};
use wgrad::device::Device;
use wgrad::op::Target;
use wgrad::train::{Recipe, RunFolder, prepare_data};
use wgrad::{Error, Trainer};

fn devices() -> Vec<Device> {
    let gpu = support::gpu().map(Device::gpu);
    std::iter::once(Device::CPU).chain(gpu).collect()
}

/// A value for each number of a row, that says something of its class.
fn value(at: usize, class: usize) -> usize {
    (at * 37 + at / 11 * (13 + class)) % 180 + class * 23
}

fn labels(rows: usize) -> Vec<u32> {
    (0..rows as u32).map(|row| (row * 7 + row / 5) % 3).collect()
}

fn pictures(rows: usize, shape: [usize; 3]) -> Opened {
    let features: usize = shape.iter().product();
    let labels = labels(rows);
    let bytes: Vec<u8> = (0..rows * features).map(|at| value(at, labels[at / features] as usize) as u8).collect();
    data::from_bytes(&bytes, &shape, Targets::of_labels(&labels)).unwrap()
}

/// Rows of 33 numbers and two numbers to learn of each.
fn numbers(rows: usize) -> Opened {
    let values: Vec<f32> = (0..rows * 33).map(|at| value(at, at % 2) as f32 / 50.0).collect();
    let targets: Vec<f64> = (0..rows * 2).map(|at| f64::from(values[at / 2 * 33 + at % 2]) - 1.0).collect();
    data::from_floats(&values, &[33], Targets::of_numbers(&targets, &["a", "b"])).unwrap()
}

fn recipe(layers: &[&str]) -> Recipe {
    Recipe {
        layers: Some(layers.iter().map(|&layer| layer.to_owned()).collect()),
        batch: Some(12),
        epochs: Some(2),
        lr: Some(0.02),
        seed: Some(4),
        ..Recipe::default()
    }
}

/// A trainer whose device takes no more than so many bytes in one piece.
fn trainer(recipe: &Recipe, data: Opened, device: &Device, limit: u64) -> Trainer {
    let (job, _) = prepare_data(recipe, data).unwrap();
    let target = device.target();
    Trainer::for_target(job, device, Target { max_binding: limit.min(target.max_binding), ..target }).unwrap()
}

/// Trains with all rows on the device, and with a window of fewer than a third of them: all tensors have the same bits, and so
/// has what is validated and tested.
fn assert_streams(recipe: &Recipe, data: impl Fn() -> Opened, limit: u64) {
    for device in devices() {
        let mut whole = trainer(recipe, data(), &device, u64::MAX);
        let mut streamed = trainer(recipe, data(), &device, limit);
        assert_eq!(whole.compiled().window, None);
        let window = streamed.compiled().window.expect("a window");
        assert!(3 * window < 2 * whole.job().split.train.len(), "{window} rows of {}", whole.job().split.train.len());
        assert!(streamed.notes().iter().any(|note| note.contains(&format!("{window} of its"))));
        let per_epoch = whole.job().split.train.len().div_ceil(12) as u64;
        assert_eq!(whole.train_steps(5).unwrap(), streamed.train_steps(5).unwrap(), "{device}");
        // From within an epoch to within the next, with an evaluation in between that takes the window for itself.
        let rows: Vec<u32> = (0..whole.job().dataset.rows() as u32).rev().collect();
        assert_eq!(whole.evaluate(&rows).unwrap(), streamed.evaluate(&rows).unwrap(), "{device}");
        assert_eq!(whole.train_steps(per_epoch).unwrap(), streamed.train_steps(per_epoch).unwrap(), "{device}");
        for trainer in [&mut whole, &mut streamed] {
            trainer.fit(&mut support::Silent).unwrap();
        }
        let names: Vec<String> = whole.compiled().tensors.iter().map(|tensor| tensor.name.clone()).collect();
        for name in names {
            let bits = |trainer: &mut Trainer| -> Vec<u32> {
                trainer.tensor(&name).unwrap().iter().map(|value| value.to_bits()).collect()
            };
            assert_eq!(bits(&mut whole), bits(&mut streamed), "{device}: {name}");
        }
        assert_eq!(whole.test().unwrap(), streamed.test().unwrap(), "{device}");
        assert_eq!(whole.waited(), None);
        let keeps = whole.compiled().features.is_some();
        assert!(
            keeps || streamed.waited().is_some_and(|share| (0.0..=1.0).contains(&share)),
            "{:?}",
            streamed.waited()
        );
    }
}

const CONV: [&str; 6] = ["conv 3 kernel=3 padding=1", "batch_norm", "relu", "global_avg_pool", "dropout 0.2", "linear"];

#[test]
fn pictures_in_a_window_train_to_the_same_bits() {
    assert_streams(&recipe(&CONV), || pictures(600, [2, 13, 12]), 48 << 10);
}

/// Rows of 49 bytes begin at whole words only every fourth time, so a half has a number of rows that four divides.
#[test]
fn rows_of_no_whole_words_train_to_the_same_bits() {
    let layers = ["linear 9", "batch_norm statistics=population", "relu", "linear"];
    assert_streams(&recipe(&layers), || pictures(3001, [1, 7, 7]), 36 << 10);
}

#[test]
fn rows_of_floats_with_two_targets_train_to_the_same_bits() {
    assert_streams(&recipe(&["linear 10", "tanh", "linear"]), || numbers(1501), 64 << 10);
}

/// Boxes move with the rows that they are cut out of.
#[test]
fn augmented_pictures_in_a_window_train_to_the_same_bits() {
    let augmented = Recipe {
        flip: Some("0.5".parse().unwrap()),
        crop: Some("13x12 padding=2 mode=reflect".parse().unwrap()),
        brightness: Some(0.3),
        contrast: Some(0.3),
        ..recipe(&CONV)
    };
    assert_streams(&augmented, || pictures(600, [2, 13, 12]), 48 << 10);
}

/// Features are computed from rows in a window, and kept for all rows.
#[test]
fn features_of_rows_in_a_window_are_kept_alike() {
    let kept = Recipe { freeze: Some("0..4".parse().unwrap()), cache_features: Some(true), ..recipe(&CONV) };
    assert_streams(&kept, || pictures(600, [2, 13, 12]), 48 << 10);
}

/// What else runs beside training: the search for a rate, on the same rows, and the look at layers after each epoch, at fewer rows
/// where the device takes no more in one piece, and at all of them as units are dead.
#[test]
fn rates_and_layers_are_measured_where_rows_come_in_a_window() {
    let data = || pictures(600, [2, 13, 12]);
    let layers = ["conv 3 kernel=3 padding=1", "relu", "global_avg_pool", "linear 8", "relu", "linear"];
    let dying = Recipe { lr: Some(3.0), ..recipe(&layers) };
    let folder = tempfile::tempdir().unwrap();
    for (at, device) in devices().into_iter().enumerate() {
        let curves =
            [u64::MAX, 48 << 10].map(|limit| trainer(&recipe(&layers), data(), &device, limit).rate_curve().unwrap());
        assert!(curves[0] == curves[1] && curves[0].points.len() > 50, "{device}: {curves:?}");
        let path = folder.path().join(at.to_string());
        let mut run = RunFolder::create(Some(&path), "test", &dying).unwrap();
        let mut streamed = trainer(&dying, data(), &device, 48 << 10);
        streamed.run(&mut run, &mut support::Silent).unwrap();
        let told = format!("{:?}", streamed.health_warnings());
        assert!(told.contains("`relu`") && told.contains("all 420 training rows"), "{device}: {told}");
        assert!(path.join("health.csv").is_file());
    }
}

/// A run that is stopped within a window and gone on with by another trainer.
#[test]
fn a_streamed_run_resumes_to_the_same_bits() {
    let data = || pictures(600, [2, 13, 12]);
    let device = Device::CPU;
    let mut whole = trainer(&recipe(&CONV), data(), &device, u64::MAX);
    whole.fit(&mut support::Silent).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let part = Recipe { epochs: None, steps: Some(17), ..recipe(&CONV) };
    let mut run = RunFolder::create(Some(&path), "test", &part).unwrap();
    trainer(&part, data(), &device, 48 << 10).run(&mut run, &mut support::Silent).unwrap();
    drop(run);
    let (mut job, _) = prepare_data(&recipe(&CONV), data()).unwrap();
    assert!(job.go_on_from(&path).unwrap());
    let mut rest = Trainer::for_target(job, &device, Target { max_binding: 48 << 10, ..Target::CPU }).unwrap();
    assert_eq!((rest.progress().step, rest.compiled().window.is_some()), (17, true));
    rest.fit(&mut support::Silent).unwrap();
    for name in ["0.weight", "1.running_var", "5.bias"] {
        assert_eq!(whole.tensor(name).unwrap(), rest.tensor(name).unwrap(), "{name}");
    }
}

/// Where two batches are more than the device takes in one piece, the data are refused as before, with what helps.
#[test]
fn rows_that_are_too_large_for_a_window_are_refused() {
    let (job, _) = prepare_data(&recipe(&["linear"]), pictures(60, [1, 64, 64])).unwrap();
    let error = Trainer::for_target(job, &Device::CPU, Target { max_binding: 64 << 10, ..Target::CPU }).unwrap_err();
    assert!(matches!(error, Error::Batch { .. }) && error.to_string().contains("data"), "{error}");
}
