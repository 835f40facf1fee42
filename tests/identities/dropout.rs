//! Dropout: both rules have one expectation.

use crate::support;
use crate::support::job::{Job, Subject, Tensor, executors, floats};
use crate::{ROUNDING, run};
use std::collections::BTreeMap;
use wgrad::data::Values;
use wgrad::device::Device;
use wgrad::export::{self, Model};
use wgrad::ops::dropout::{Dropout, Scale, Scaling};
use wgrad::ops::matmul::Matmul;
use wgrad::run::Predictor;
use wgrad::train::{Recipe, RunFolder, Trainer, prepare};

fn op(p: f64, rule: Scaling) -> Dropout {
    Dropout { p, rule, layer: 1, seed: 17, per_channel: false }
}

/// What a linear unit with these weights makes of each row.
fn unit(x: &Tensor, subject: &Subject) -> Vec<f64> {
    let weight = Tensor::of([1, x.shape.width()], vec![3.0, -0.5]);
    floats(&run(&Matmul { relu: false }, &[x.clone(), weight], None, subject).outputs[0])
}

/// A unit of two inputs: the mean over the four masks of p = 1/2, each as likely as the others, is what the rule has it
/// give at inference. Every number here is a multiple of 1/4, so the sums are exact.
#[test]
fn a_unit_of_two_inputs_gives_the_mean_of_its_four_masks() {
    const ROWS: usize = 64;
    let inputs = [1.5, 2.0];
    let x = Tensor::of([ROWS, 2], inputs.repeat(ROWS));
    for subject in executors() {
        for rule in [Scaling::Inverted, Scaling::WeightScaling] {
            let masked = floats(&run(&op(0.5, rule), std::slice::from_ref(&x), None, &subject).outputs[0]);
            let outputs = unit(&Tensor::of([ROWS, 2], masked.clone()), &subject);
            let kept = |row: &[f64]| [row[0] != 0.0, row[1] != 0.0];
            let by_mask: BTreeMap<[bool; 2], f64> =
                masked.chunks(2).zip(outputs).map(|(row, out)| (kept(row), out)).collect();
            assert_eq!(by_mask.len(), 4, "not every mask was drawn");
            let inferred = match rule {
                Scaling::Inverted => x.clone(),
                Scaling::WeightScaling => {
                    let scaled = run(&Scale { p: 0.5 }, std::slice::from_ref(&x), None, &subject);
                    Tensor::of([ROWS, 2], floats(&scaled.outputs[0]))
                }
            };
            let mean = by_mask.values().sum::<f64>() / 4.0;
            assert!(mean == unit(&inferred, &subject)[0], "{}: {rule:?}: {mean}", subject.name);
            let full = 3.0 * inputs[0] - 0.5 * inputs[1];
            assert!(mean == if rule == Scaling::Inverted { full } else { full / 2.0 }, "{rule:?}: {mean}");
        }
    }
}

#[test]
fn over_many_masks_the_mean_is_that_of_inference() {
    const ROWS: usize = 4096;
    let values = [1.0, -2.0, 0.5, 7.0, -0.25];
    let x = Tensor::of([ROWS, values.len()], values.repeat(ROWS));
    for subject in executors() {
        for (p, rule) in [0.1, 0.5, 0.8].iter().flat_map(|&p| [(p, Scaling::Inverted), (p, Scaling::WeightScaling)]) {
            let y = floats(&run(&op(p, rule), std::slice::from_ref(&x), None, &subject).outputs[0]);
            let kept = if rule == Scaling::Inverted { 1.0 / (1.0 - p) } else { 1.0 };
            for (f, value) in values.iter().enumerate() {
                let mean = y.iter().skip(f).step_by(values.len()).sum::<f64>() / ROWS as f64;
                let want = value * kept * (1.0 - p);
                // The mean of n draws is off by 4 of its deviations once in 16,000; there are 30 here.
                let deviation = (value * kept).abs() * (p * (1.0 - p) / ROWS as f64).sqrt();
                assert!((mean - want).abs() < 4.0 * deviation, "{}: {p} {rule:?}: {mean}, not {want}", subject.name);
            }
        }
    }
}

/// Another step draws other masks, and of each element as many fall to 0 as p says.
#[test]
fn every_step_has_masks_of_its_own() {
    let x = Tensor::new([64, 33], 1.0);
    for subject in executors() {
        let at = |step: u32| {
            let op = op(0.5, Scaling::Inverted);
            Job { op: &op, inputs: std::slice::from_ref(&x), up: None, backward: false, rate: 0.0, step }
                .run(&subject)
                .unwrap()
                .outputs
                .remove(0)
        };
        assert_eq!(at(3), at(3));
        let (one, other) = (at(3), at(4));
        let same = one.iter().zip(&other).filter(|(a, b)| a == b).count() as f64 / one.len() as f64;
        // Independent masks agree on half of 2112 elements, to 4 deviations of 1.1 %.
        assert!((same - 0.5).abs() < 0.044, "{}: {same}", subject.name);
    }
}

/// Without training, the same weights: at inference the one rule gives what the other gives with the weights after the
/// dropout multiplied by 1/(1 − p).
#[test]
fn weights_turn_one_rule_into_the_other() {
    let gpu = support::gpu().map(Device::gpu);
    for device in std::iter::once(Device::CPU).chain(gpu) {
        let folder = tempfile::tempdir().unwrap();
        let mut recipe = Recipe::plain();
        let layers = ["linear 20", "relu", "dropout 0.3 rule=weight_scaling", "linear"];
        recipe.layers = Some(layers.map(str::to_owned).to_vec());
        (recipe.lr, recipe.steps) = (Some(0.0), Some(1));
        let (job, _) = prepare(&recipe, None).unwrap();
        let mut run = RunFolder::create(Some(&folder.path().join("run")), "test", &Recipe::default()).unwrap();
        Trainer::new(job, &device).unwrap().run(&mut run, &mut support::Silent).unwrap();
        let scaled = Model::read(&run.file("model.safetensors")).unwrap();
        let mut inverted = scaled.clone();
        inverted.metadata.as_mut().unwrap().layers[2] = "dropout 0.3 rule=inverted".into();
        let (digits, _) = support::digits();
        let outputs = |model: &Model| {
            let mut predictor =
                Predictor::for_inputs(model, matches!(digits.values, Values::Bytes(_)), None, &device).unwrap();
            predictor.outputs(&digits.values).unwrap()
        };
        let by_inverted = outputs(&inverted);
        let mut grown = scaled.clone();
        let Some(export::Values::Floats(_, values)) = grown.tensors.get_mut("3.weight") else { panic!("no weight") };
        values.iter_mut().for_each(|w| *w = (f64::from(*w) / 0.7) as f32);
        let largest = by_inverted.iter().map(|z| z.abs()).fold(0.0, f32::max);
        let off = |other: &[f32]| by_inverted.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // Two more roundings of each of 20 terms, which may be some times the sum.
        let (off, without) = (off(&outputs(&grown)) / largest, off(&outputs(&scaled)) / largest);
        assert!(f64::from(off) < 40.0 * ROUNDING && without > 0.1, "{device}: {off:e}, {without}");
    }
}
