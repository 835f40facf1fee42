//! Batch norm's averages after training: the population statistics are those of the definition.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use wgrad::data::{self, Normalize, Targets, Values as Data};
use wgrad::device::Device;
use wgrad::export::{Model, Values};
use wgrad::train::{Job, Recipe, RunFolder, Trainer, prepare, prepare_data};

fn devices() -> Vec<Device> {
    std::iter::once(Device::CPU).chain(support::gpu().map(Device::gpu)).collect()
}

fn recipe(norm: &str) -> Recipe {
    let layers = ["linear 6", norm, "relu", "dropout 0.5", "linear"].map(str::to_owned).to_vec();
    Recipe { layers: Some(layers), validation: Some(0.0.into()), batch: Some(50), epochs: Some(2), ..Recipe::default() }
}

fn floats(model: &Model, name: &str) -> Vec<f64> {
    let Some(Values::Floats(_, values)) = model.tensors.get(name) else { panic!("no {name}") };
    values.iter().map(|v| f64::from(*v)).collect()
}

/// What the first layer gives for the training rows, in float64, in the order of the pass for the statistics.
fn before_norm(job: &Job, model: &Model) -> Vec<Vec<f64>> {
    let Data::Bytes(bytes) = &job.dataset.values else { panic!("digits are bytes") };
    let (weight, bias) = (floats(model, "0.weight"), floats(model, "0.bias"));
    let row = |&row: &u32| {
        let x: Vec<f64> = bytes[row as usize * 64..][..64].iter().map(|&v| f64::from(v) / 16.0).collect();
        (0..6).map(|j| bias[j] + (0..64).map(|k| weight[j * 64 + k] * x[k]).sum::<f64>()).collect()
    };
    job.statistics_rows().iter().map(row).collect()
}

/// Means and m/(m − 1) times biased variances of full batches of 50, averaged.
fn by_definition(rows: &[Vec<f64>]) -> [Vec<f64>; 2] {
    let batches: Vec<&[Vec<f64>]> = rows.chunks_exact(50).collect();
    assert!(!rows.len().is_multiple_of(50), "a smaller batch is left over, which must not count");
    let mean = |batch: &[Vec<f64>], j: usize| batch.iter().map(|z| z[j]).sum::<f64>() / 50.0;
    let variance = |batch: &[Vec<f64>], j: usize| {
        batch.iter().map(|z| (z[j] - mean(batch, j)).powi(2)).sum::<f64>() / 50.0 * (50.0 / 49.0)
    };
    let over = |of: &dyn Fn(&[Vec<f64>], usize) -> f64| -> Vec<f64> {
        (0..6).map(|j| batches.iter().map(|batch| of(batch, j)).sum::<f64>() / batches.len() as f64).collect()
    };
    [over(&mean), over(&variance)]
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let largest = b.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest
}

#[test]
fn population_statistics_are_those_of_the_definition() {
    for device in devices() {
        let folder = tempfile::tempdir().unwrap();
        let (recipe, run) = (recipe("batch_norm statistics=population"), folder.path().join("run"));
        let (job, _) = prepare(&recipe, None).unwrap();
        let mut trainer = Trainer::new(job, &device).unwrap();
        let mut out = RunFolder::create(Some(&run), "test", &recipe).unwrap();
        trainer.run(&mut out, &mut support::Silent).unwrap();
        let [model, last] =
            ["model", "last"].map(|name| Model::read(&out.file(&format!("{name}.safetensors"))).unwrap());
        let [mean, variance] = by_definition(&before_norm(trainer.job(), &model));
        // Sums of 64 products and of 50 rows in 32 bits.
        assert!(distance(&floats(&model, "1.running_mean"), &mean) < 1e-5, "{device}");
        assert!(distance(&floats(&model, "1.running_var"), &variance) < 1e-5, "{device}");
        // The run goes on from its running averages, which are others: it has taken 50 steps with a momentum of 0.1.
        assert!(distance(&floats(&last, "1.running_mean"), &mean) > 1e-3, "{device}");
        let [gap] = trainer.gaps() else { panic!("one layer") };
        let gaps = (0..6).map(|j| (floats(&last, "1.running_mean")[j] - mean[j]).abs() / variance[j].sqrt());
        let largest = gaps.fold(0.0, f64::max);
        assert!(gap.path == "1.batch_norm" && (gap.mean / largest - 1.0).abs() < 1e-3, "{gap:?} {largest}");
    }
}

/// With running averages the pass is made all the same, to say how far they are off, and leaves them as they were.
#[test]
fn running_averages_stay_what_training_made_them() {
    let folder = tempfile::tempdir().unwrap();
    let (recipe, run) = (recipe("batch_norm"), folder.path().join("run"));
    let (job, _) = prepare(&recipe, None).unwrap();
    let mut trainer = Trainer::new(job, &Device::CPU).unwrap();
    let mut out = RunFolder::create(Some(&run), "test", &recipe).unwrap();
    trainer.run(&mut out, &mut support::Silent).unwrap();
    let [model, last] = ["model", "last"].map(|name| Model::read(&out.file(&format!("{name}.safetensors"))).unwrap());
    for name in ["1.running_mean", "1.running_var"] {
        assert_eq!(floats(&model, name), floats(&last, name));
        let on_device: Vec<f64> = trainer.tensor(name).unwrap().iter().map(|v| f64::from(*v)).collect();
        assert_eq!(floats(&last, name), on_device);
    }
    assert!(trainer.gaps().len() == 1 && trainer.gaps()[0].variance > 0.0, "{:?}", trainer.gaps());
}

/// Rows that are sorted by a value: batches of neighbours vary far less than all rows do.
#[test]
fn population_statistics_of_a_sorted_file_are_those_of_all_rows() {
    let values: Vec<f32> = (0..400).map(|row| row as f32 / 100.0).collect();
    let labels: Vec<u32> = (0..400).map(|row| u32::from(row >= 200)).collect();
    let data = data::from_floats(&values, &[1], Targets::of_labels(&labels)).unwrap();
    for shuffle in [true, false] {
        let recipe = Recipe {
            layers: Some(["batch_norm statistics=population", "linear"].map(str::to_owned).to_vec()),
            normalize: Some(Normalize::None),
            shuffle: Some(shuffle),
            test: Some(0.0.into()),
            epochs: Some(1),
            ..recipe("batch_norm")
        };
        let (job, _) = prepare_data(&recipe, data.clone()).unwrap();
        let mut trainer = Trainer::new(job, &Device::CPU).unwrap();
        trainer.fit(&mut support::Silent).unwrap();
        let variance = f64::from(trainer.tensor("0.running_var").unwrap()[0]);
        // Of all rows: (n² − 1) / 12 steps of 0.01, squared. Variances of eight batches of 50 rows differ by a tenth of it each.
        let wanted = (400.0_f64.powi(2) - 1.0) / 12.0 * 1e-4;
        assert!((variance / wanted - 1.0).abs() < 0.1, "{variance} {wanted}");
    }
}
