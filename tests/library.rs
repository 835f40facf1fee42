//! The library as a program uses it: data in memory, training without files, a model, predictions, threads.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use wgrad::data::{self, Opened, Targets};
use wgrad::train::{EpochReport, Observer, Outcome};
use wgrad::{Device, Model, Prediction, Predictor, Recipe, Trainer};

/// What can be used from another thread; it fails to compile where one cannot.
#[test]
fn trainers_and_predictors_can_be_sent() {
    fn sent<T: Send>() {}
    fn shared<T: Send + Sync>() {}
    sent::<Trainer>();
    sent::<Predictor>();
    shared::<Device>();
    shared::<Model>();
    shared::<Recipe>();
}

/// 120 points on two sides of a line.
fn points() -> (Vec<f32>, Vec<u32>) {
    let number = |i: u32| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32;
    let x: Vec<f32> = (0..240).map(|i| 10.0 * number(i) + 100.0).collect();
    let y = x.chunks(2).map(|row| u32::from(row[0] > row[1])).collect();
    (x, y)
}

fn recipe() -> Recipe {
    let layers = Some(["linear 16", "relu", "linear"].map(String::from).to_vec());
    Recipe { layers, epochs: Some(40), batch: Some(16), ..Recipe::default() }
}

fn classes(predictions: &[Prediction]) -> Vec<u32> {
    let class = |prediction: &Prediction| match prediction {
        Prediction::Class { class, .. } => *class as u32,
        other => panic!("{other:?}"),
    };
    predictions.iter().map(class).collect()
}

#[test]
fn points_in_memory_are_learnt_saved_and_predicted_on_another_thread() {
    let (x, y) = points();
    let devices = std::iter::once(Device::CPU).chain(support::gpu().map(Device::gpu));
    for device in devices {
        let data = data::from_floats(&x, &[2], Targets::of_labels(&y)).unwrap().named(&["a", "b"]).unwrap();
        let trainer = Trainer::with_data(&recipe(), data, &device).unwrap();
        let mut trainer = std::thread::spawn(move || {
            let mut trainer = trainer;
            trainer.fit(&mut ()).unwrap();
            trainer
        })
        .join()
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("points.safetensors");
        trainer.model().unwrap().save(&path).unwrap();
        let model = Model::read(&path).unwrap();
        assert_eq!(model.metadata.as_ref().unwrap().encoding.features(), ["a", "b"]);
        let found = classes(&Predictor::new(&model, &device).unwrap().predict(&x).unwrap());
        let right = found.iter().zip(&y).filter(|(a, b)| a == b).count();
        // Two features decide; of 120 rows a few may lie too near the line.
        assert!(right > 110, "{device}: {right} of {}", y.len());
        // The same answers as the trainer's own.
        let rows: Vec<u32> = (0..y.len() as u32).collect();
        assert_eq!(trainer.evaluate(&rows).unwrap().counted(), Some((right, y.len())), "{device}");
    }
}

/// Counts epochs, and the chunks' rows within each.
#[derive(Default)]
struct Heard {
    epochs: u64,
    best: u64,
    rows: Vec<u64>,
}

impl Observer for Heard {
    fn progress(&mut self, _: u64, _: u64, rows_in_epoch: u64) {
        self.rows.push(rows_in_epoch);
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.epochs = report.epoch;
        if report.best {
            self.best = report.epoch;
        }
    }
}

/// A rate that is too large from the start: validation gets worse soon, and the best model is an early one.
#[test]
fn a_run_without_a_folder_stops_early_and_keeps_its_best_model() {
    let (x, mut y) = points();
    // Labels that say nothing cannot be learnt but by heart.
    y.iter_mut().enumerate().for_each(|(i, y)| *y = (i as u32).wrapping_mul(40_503) >> 7 & 1);
    let data = data::from_floats(&x, &[2], Targets::of_labels(&y)).unwrap();
    let settings = Recipe { epochs: Some(200), early_stopping: Some(3), ..recipe() };
    let mut trainer = Trainer::with_data(&settings, data, &Device::CPU).unwrap();
    let mut heard = Heard::default();
    assert_eq!(trainer.fit(&mut heard).unwrap(), Outcome::Early);
    let (measure, best) = trainer.best().unwrap();
    assert_eq!((best, heard.epochs), (heard.best, heard.best + 3));
    assert!(heard.rows.iter().all(|rows| *rows <= trainer.job().split.train.len() as u64), "rows of the epoch at work");
    // The trainer holds the best model, and the model says which.
    let rows = trainer.job().split.validation.clone();
    let loss = trainer.validate(&rows).unwrap().loss;
    assert!((loss - measure).abs() < 1e-9, "{loss} {measure}");
    assert_eq!(trainer.model().unwrap().metadata.unwrap().best, Some((measure, best)));
    assert!(trainer.fit(&mut ()).unwrap_err().to_string().contains("the run is over"));
}

#[test]
fn numbers_and_labels_come_back_in_their_own_units() {
    let (x, _) = points();
    let sums: Vec<f64> = x.chunks(2).map(|row| 1000.0 * f64::from(row[0] + row[1])).collect();
    let train = |data: Opened| {
        let mut trainer = Trainer::with_data(&recipe(), data, &Device::CPU).unwrap();
        trainer.fit(&mut ()).unwrap();
        Predictor::new(&trainer.model().unwrap(), &Device::CPU).unwrap().predict(&x).unwrap()
    };
    let found = train(data::from_floats(&x, &[2], Targets::of_numbers(&sums, &["sum"])).unwrap());
    let mean = sums.iter().sum::<f64>() / sums.len() as f64;
    let (mut squares, mut spread) = (0.0, 0.0);
    for (prediction, sum) in found.iter().zip(&sums) {
        let Prediction::Numbers(numbers) = prediction else { panic!("{prediction:?}") };
        (squares, spread) = (squares + (numbers[0] - sum).powi(2), spread + (sum - mean).powi(2));
    }
    // A linear function of two features, so nearly all of the variance is explained.
    assert!(squares < 0.05 * spread, "{squares} {spread}");
    let flags: Vec<bool> = x.chunks(2).flat_map(|row| [row[0] > 105.0, row[1] > 105.0]).collect();
    let found = train(data::from_floats(&x, &[2], Targets::of_flags(&flags, &["high a", "high b"])).unwrap());
    let right = found.iter().zip(flags.chunks(2)).map(|(prediction, flags)| {
        let Prediction::Labels(shares) = prediction else { panic!("{prediction:?}") };
        shares.iter().zip(flags).filter(|&(share, &flag)| (*share > 0.5) == flag).count()
    });
    assert!(right.sum::<usize>() > flags.len() * 9 / 10);
}

#[test]
fn pictures_in_memory_are_those_of_the_data_set() {
    let digits = data::open("digits", &data::Options::default(), None).unwrap();
    let targets = digits.targets.clone();
    let encoded = digits.encode(&[0], data::Normalize::None).unwrap();
    let data::Values::Bytes(bytes) = &encoded.dataset.values else { panic!("bytes") };
    // From 0 to 16 there, and to 255 in other pictures, by which these are scaled.
    let bytes: Vec<u8> = bytes.iter().map(|pixel| 15 * pixel).collect();
    let data = data::from_bytes(&bytes, &[1, 8, 8], targets).unwrap().with_test(297).unwrap();
    let settings = Recipe { epochs: Some(3), ..recipe() };
    let mut trainer = Trainer::with_data(&settings, data, &Device::CPU).unwrap();
    trainer.fit(&mut ()).unwrap();
    let test = trainer.test().unwrap().unwrap();
    assert!(test.n == 297 && test.accuracy().unwrap() > 0.7, "{test:?}");
    let pixels: Vec<f32> = bytes[..64].iter().map(|&pixel| f32::from(pixel)).collect();
    let predicted = Predictor::new(&trainer.model().unwrap(), &Device::CPU).unwrap().predict(&pixels).unwrap();
    let evaluated = trainer.evaluate(&[0]).unwrap().score;
    assert_eq!(
        evaluated,
        wgrad::metrics::Score::Classes {
            correct: usize::from(classes(&predicted) == [0]),
            predictions: classes(&predicted)
        }
    );
}
