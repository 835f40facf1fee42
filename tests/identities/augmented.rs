//! Augmented batches: every device reads the same boxes, and cuts the same out of the same pictures.

use crate::support;
use crate::support::job::{Tensor, executors, floats};
use crate::{assert_same, run};
use wgrad::data::Place;
use wgrad::data::augment::{Augment, Drawn, Draws};
use wgrad::device::Device;
use wgrad::kernel::Scalar;
use wgrad::ops;
use wgrad::ops::gather::TargetKind;
use wgrad::{Recipe, Trainer};

const ROWS: usize = 40;
const PICTURE: [usize; 3] = [3, 9, 12];

/// The boxes of an epoch in another order than that of the rows.
fn boxes(augment: Augment, epoch: u32) -> Vec<Drawn> {
    let [channels, height, width] = PICTURE;
    let place = |row| Place { offset: row * channels * height * width, height: height as u32, width: width as u32 };
    let draws = Draws { augment, out: [height, width], seed: 11 };
    (0..ROWS).map(|at| (at * 7 + 3) % ROWS).map(|row| draws.draw(place(row), row as u32, epoch)).collect()
}

/// The batch of an epoch on every executor, with the executor's name.
fn batches(augment: Augment, epoch: u32) -> Vec<(String, Vec<u32>)> {
    let [channels, height, width] = PICTURE;
    let features = channels * height * width;
    let words = |shape: &[usize], words: &[u32]| {
        let values = words.iter().map(|word| f64::from(*word)).collect();
        Tensor { scalar: Scalar::U32, ..Tensor::of(wgrad::shape::Shape(shape.to_vec()), values) }
    };
    let bytes: Vec<u8> = (0..ROWS * features).map(|i| ((i * i + 31 * i) % 253) as u8).collect();
    let data: Vec<u32> =
        bytes.chunks(4).map(|four| four.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))).collect();
    let drawn: Vec<u32> = bytemuck::cast_slice(&boxes(augment, epoch)).to_vec();
    let inputs = [
        words(&[ROWS, features / 4], &data),
        words(&[ROWS, 1], &[1; ROWS]),
        words(&[ROWS, ops::augment::BOX], &drawn),
        Tensor::new([features], 0.0),
        Tensor::new([features], 1.0),
    ];
    let op = ops::augment::Augment {
        batch: ROWS,
        row: vec![height, width, channels],
        picture: PICTURE,
        target: TargetKind::Class,
        reflect: augment.crop.is_some_and(|crop| crop.edge == wgrad::data::augment::Edge::Reflect),
        taps: 4,
        contrast: augment.contrast > 0.0,
        largest: 255.0,
    };
    executors()
        .into_iter()
        .map(|subject| (subject.name.clone(), run(&op, &inputs, None, &subject).outputs[0].clone()))
        .collect()
}

/// Pixels that are only moved are whole numbers, and normalised by nothing stay so: the words are the same everywhere.
#[test]
fn moved_pixels_are_the_same_words_on_every_device() {
    for crop in ["9x12 padding=2", "9x12 padding=3 mode=reflect"] {
        let augment =
            Augment { flip: Some("0.5".parse().unwrap()), crop: Some(crop.parse().unwrap()), ..Augment::default() };
        let [first, second] = [0, 1].map(|epoch| batches(augment, epoch));
        for ((name, batch), (_, next)) in first.iter().zip(&second) {
            assert_same(batch, &first[0].1, &format!("{crop}: {name} and {}", first[0].0));
            assert!(batch != next, "{crop}: {name} draws alike in two epochs");
            assert!(floats(batch).iter().any(|value| *value != 0.0));
        }
    }
}

/// A factor is one rounding, contrast a mean of 108 pixels and two more.
#[test]
fn brightness_and_contrast_agree_on_every_device() {
    let augment = Augment { brightness: 0.4, contrast: 0.4, ..Augment::default() };
    let all = batches(augment, 0);
    for (name, batch) in &all {
        for (i, (a, b)) in floats(batch).iter().zip(floats(&all[0].1)).enumerate() {
            assert!((a - b).abs() < 255.0 * 1e-6, "{name}: element {i} is {a} and {b}");
        }
    }
}

/// The first steps of a run that is augmented in every way: the same losses on the CPU path and on the device, so the same
/// draws; the loss without augmentation is far from them.
#[test]
fn augmented_steps_have_the_same_losses_on_every_device() {
    let recipe = |augmented: bool| {
        let layers = ["conv 4 kernel=3 padding=1", "relu", "flatten", "linear"].map(String::from).to_vec();
        let recipe = Recipe { layers: Some(layers), lr: Some(0.02), seed: Some(3), batch: Some(50), ..Recipe::plain() };
        let text = |text: &str| Some(text.to_owned()).filter(|_| augmented);
        Recipe {
            flip: text("0.5").map(|text| text.parse().unwrap()),
            crop: text("8 padding=2").map(|text| text.parse().unwrap()),
            brightness: augmented.then_some(0.4),
            contrast: augmented.then_some(0.4),
            ..recipe
        }
    };
    let losses = |augmented, device: &Device| -> Vec<f64> {
        let mut trainer = Trainer::open(&recipe(augmented), device).unwrap();
        (0..12).map(|_| trainer.train_steps(1).unwrap()).collect()
    };
    let host = losses(true, &Device::CPU);
    let plain = losses(false, &Device::CPU);
    assert!((host[0] - plain[0]).abs() > 1e-3, "{host:?} {plain:?}");
    let Some(gpu) = support::gpu() else { return };
    for (step, (a, b)) in host.iter().zip(losses(true, &Device::gpu(gpu))).enumerate() {
        // Float32 sums in two orders over so few steps; a box that differs moves the loss by more than 1e-3.
        assert!((a - b).abs() < 2e-5 * a, "step {step}: {a} and {b}");
    }
}
