//! Training on real data: what it reaches, and what happens when it cannot go on.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::path::PathBuf;
use wgrad::data::Targets;
use wgrad::device::Device;
use wgrad::error::Error;
use wgrad::export::{Model, Values};
use wgrad::metrics::Evaluation;
use wgrad::train::{Recipe, RunFolder, Trainer, prepare};

fn devices() -> Vec<Device> {
    let gpu = support::gpu().map(Device::gpu);
    std::iter::once(Device::CPU).chain(gpu).collect()
}

/// Runs a recipe as `wgrad train` without a recipe file would, in a folder of its own.
fn train(recipe: &Recipe, device: &Device) -> (Result<Option<Evaluation>, Error>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let data = std::env::var_os("WGRAD_DATA").map(PathBuf::from);
    let (job, _) = prepare(recipe, data.as_deref()).unwrap();
    let mut trainer = Trainer::new(job, device).unwrap();
    let mut run = RunFolder::create(Some(&folder.path().join("run")), "test", recipe).unwrap();
    let done = trainer.run(&mut run, &mut support::Silent).and_then(|_| trainer.test());
    (done, folder)
}

fn seeded(seed: u64) -> Recipe {
    Recipe { seed: Some(seed), ..Recipe::default() }
}

/// The run of a user who types nothing but `wgrad`: 97 % on the held-out digits in the mean of five seeds.
#[test]
fn digits_are_learnt() {
    for device in devices() {
        let accuracy = |seed| train(&seeded(seed), &device).0.unwrap().unwrap().accuracy().unwrap();
        let accuracies: Vec<f64> = (0..5).map(accuracy).collect();
        let mean = accuracies.iter().sum::<f64>() / 5.0;
        println!("{device}: {accuracies:?}, mean {mean}");
        assert!(mean >= 0.97, "{device}: {accuracies:?}");
    }
}

/// One epoch of MNIST on every device: 95 % and more (PyTorch reaches 95.8 % with this recipe).
#[test]
fn mnist_is_learnt_in_an_epoch() {
    let there = std::env::var_os("WGRAD_DATA").is_some_and(|dir| PathBuf::from(dir).join("mnist").is_dir());
    if !there {
        support::not_checked("MNIST, because WGRAD_DATA names no folder that holds it");
        return;
    }
    let mut recipe = seeded(0);
    recipe.source = Some("mnist".into());
    recipe.validation = Some(0.0.into());
    recipe.batch = Some(128);
    recipe.epochs = Some(1);
    for device in devices() {
        let accuracy = train(&recipe, &device).0.unwrap().unwrap().accuracy().unwrap();
        println!("{device}: {accuracy}");
        assert!(accuracy >= 0.95, "{device}: {accuracy}");
    }
}

/// A rate that no net survives: the run stops at the step, names a layer, and leaves a state that is whole.
#[test]
fn a_loss_that_is_not_finite_stops_the_run_before_any_harm() {
    for device in devices() {
        let mut recipe = seeded(0);
        recipe.layers = Some(["linear 16", "relu", "linear"].map(str::to_owned).to_vec());
        recipe.lr = Some(1e15);
        let (done, folder) = train(&recipe, &device);
        let error = done.unwrap_err();
        assert_eq!(error.exit_code(), 1);
        let Error::Diverged { step, epoch, cause, .. } = &error else { panic!("{error}") };
        assert!(*epoch == 1 && (1..10).contains(step), "{error}");
        assert!(cause.contains("linear") || cause.contains("loss"), "{cause}");
        let state = Model::read(&folder.path().join("run/diverged.safetensors")).unwrap();
        let steps = state.metadata.unwrap().progress.unwrap().step;
        assert_eq!(steps, *step);
        for (name, tensor) in &state.tensors {
            let Values::Floats(_, values) = tensor else { continue };
            assert!(values.iter().all(|v| v.is_finite()), "{name}");
        }
    }
}

/// A program's own data set may hold what no reader makes: a label is a place in memory for kernels.
#[test]
fn a_label_of_no_class_is_refused() {
    for device in devices() {
        let (mut job, _) = prepare(&seeded(0), None).unwrap();
        let Targets::Classes { labels, .. } = &mut job.dataset.targets else { panic!("digits are classes") };
        labels[7] = 4_000_000_000;
        let told = Trainer::new(job, &device).map(|_| ()).unwrap_err().to_string();
        assert!(told.contains("row 7") && told.contains("4000000000"), "{device}: {told}");
    }
}
