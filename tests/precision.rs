//! Products in float16: what their twins round, which kernels a plan takes, and a run on a device that has them.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::Arc;
use wgrad::cpu::{Machine, Mode};
use wgrad::device::Device;
use wgrad::executor::Executor;
use wgrad::judge::kernels::Trial;
use wgrad::kernel::{Precision, Tile};
use wgrad::nn::{Head, Network, Settings};
use wgrad::op::{Case, Family, Target, Value};
use wgrad::run::{Compiled, DataShape, Purpose, TrainOptions};
use wgrad::train::{Recipe, Trainer, prepare};

/// To the nearest of the numbers that 11 bits hold, by their distance: 2⁻²⁴ from 0 on, twice as much from 2⁻¹³ on, and so
/// on; ties go to the even one, and what is nearer to 2¹⁶ than to 65504 is infinite.
fn rounded(value: f32) -> f32 {
    let value = f64::from(value);
    if !value.is_finite() {
        return value as f32;
    }
    let mut step = 2f64.powi(-24);
    while value.abs() >= 2048.0 * step {
        step *= 2.0;
    }
    let near = (value / step).round_ties_even() * step;
    if near.abs() >= 65536.0 { f64::INFINITY.copysign(value) as f32 } else { near as f32 }
}

#[test]
fn the_rounding_of_this_test_is_that_of_float16() {
    let pairs = [
        (1.0, 1.0),
        (2049.0, 2048.0),
        (2051.0, 2052.0),
        (65519.9, 65504.0),
        (65520.0, f32::INFINITY),
        (-1e9, f32::NEG_INFINITY),
        (1.0 + 2f32.powi(-11), 1.0),
        (1.0 + 2f32.powi(-11) + 2f32.powi(-20), 1.0 + 2f32.powi(-10)),
        (2f32.powi(-25), 0.0),
        (1.1 * 2f32.powi(-25), 2f32.powi(-24)),
        (0.1, 0.099_975_586),
    ];
    for (value, want) in pairs {
        assert_eq!(rounded(value), want, "{value}");
    }
    assert!(rounded(f32::NAN).is_nan());
}

/// The twins in float16 are the plain ones on operands that were rounded before.
#[test]
fn twins_round_their_operands_and_nothing_else() {
    let cases: Vec<Case> = wgrad::ops::matmul::cases().into_iter().filter(|c| !c.name.starts_with("jobs")).collect();
    let mut differ = 0;
    for case in &cases {
        let run = |product: Family, rounds: bool| -> Vec<Vec<u32>> {
            let trial = Trial::new(case, Target { product, ..Target::CPU }).unwrap();
            let mut machine = Machine::new(Arc::clone(&trial.plan), Mode::Twin);
            trial.fill(&mut machine).unwrap();
            // x and the weights; dy, which the ReLU's gradient hands on as it is. The bias is no operand.
            let operands = trial.wires.inputs[..2].iter().chain(&trial.wires.d_outputs);
            for wire in operands.filter(|_| rounds) {
                let values: Vec<u32> =
                    machine.read_f32(wire.slot).unwrap().iter().map(|v| rounded(*v).to_bits()).collect();
                machine.write(wire.slot, 0, &values).unwrap();
            }
            machine.run(0, 1).unwrap();
            let weight_and_input = trial.wires.d_inputs[..2].iter().flatten();
            let results = trial.wires.outputs.iter().chain(weight_and_input);
            results.map(|w| machine.read(w.slot, 0, w.shape.elements()).unwrap()).collect()
        };
        let want = run(Family::Plain, true);
        for tile in Tile::ALL {
            assert!(same(&want, &run(Family::Cooperative(tile), false)), "{}", case.name);
        }
        differ += usize::from(!same(&want, &run(Family::Plain, false)));
    }
    assert!(differ > 10, "rounding is seen in {differ} of {} cases", cases.len());
}

/// Equal to the bit, but for the bits of a NaN and the sign of 0.
fn same(a: &[Vec<u32>], b: &[Vec<u32>]) -> bool {
    let equal = |(a, b): (&u32, &u32)| {
        let (x, y) = (f32::from_bits(*a), f32::from_bits(*b));
        a == b || x == y || x.is_nan() && y.is_nan()
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(equal))
}

const LAYERS: [&str; 8] =
    ["linear 24", "batch_norm", "relu", "dropout 0.3", "linear 16", "relu", "linear 12", "linear"];

/// All products of training and evaluation are of the family; what would make one float32 is not joined.
#[test]
fn all_products_of_a_plan_are_float16() {
    let network = Network::read(&LAYERS.map(str::to_owned), Head::classes(10), None).unwrap();
    let data = DataShape { bytes: true, rows: 1797, row: vec![64] };
    for (tile, name) in [(Tile::Eight, "matmul.cooperative_8_"), (Tile::Sixteen, "matmul.cooperative_16_")] {
        for (fuse, groups_wanted, scale_loss) in [(true, 1, true), (false, 1, true), (true, 64, false)] {
            let target = Target { product: Family::Cooperative(tile), fuse, groups_wanted, ..Target::CPU };
            let optimizer = Settings { scale_loss, ..Settings::default() };
            let options = TrainOptions { seed: 3, optimizer, lr: 0.05, ..TrainOptions::default() };
            let compiled = Compiled::compile(&network, &data, 32, Purpose::Train(options), target).unwrap();
            for program in &compiled.plan.programs {
                let multiplies = program.dispatches.iter().filter(|d| d.flops > 0);
                let names: Vec<&str> = multiplies.map(|d| d.kernel.name).collect();
                // Values of four layers; in training three gradients by inputs and four by weights too.
                assert_eq!(names.len(), if program.name == "train" { 11 } else { 4 }, "{}: {names:?}", program.name);
                assert!(names.iter().all(|kernel| kernel.starts_with(name)), "{}: {names:?}", program.name);
                let hidden = |d: &wgrad::op::Dispatch| {
                    let joined = ["block.", "head.linear", "matmul.jobs"];
                    joined.iter().any(|kernel| d.kernel.name.starts_with(kernel)) && !d.kernel.name.contains("_given")
                };
                assert!(!program.dispatches.iter().any(hidden), "{}", program.name);
            }
        }
    }
}

/// Ten times through the data.
const STEPS: u64 = 300;

/// Where an adapter lists the matrices: a run in float16 learns what one in float32 does, and does it again to the bit.
#[test]
fn a_run_in_float16_learns_the_digits() {
    let Some(gpu) = support::gpu_f16() else { return };
    let train = |precision: &str, device: &Device| {
        let mut recipe = Recipe::plain();
        recipe.test = Some(0.2.into());
        recipe.layers = Some(LAYERS.map(str::to_owned).to_vec());
        recipe.precision = Some(precision.parse().unwrap());
        recipe = recipe.with("momentum", Value::Number(0.9));
        recipe.batch = Some(48);
        recipe.steps = Some(STEPS);
        let (job, _) = prepare(&recipe, None).unwrap();
        assert_eq!(job.settings.precision == Precision::F16, precision == "f16");
        let mut trainer = Trainer::new(job, device).unwrap();
        let loss = trainer.train_steps(STEPS).unwrap();
        (trainer.test().unwrap().unwrap().accuracy().unwrap(), loss, trainer.tensor("0.weight").unwrap())
    };
    let half = Device::gpu(gpu);
    let (accuracy, loss, weight) = train("f16", &half);
    let (full, full_loss, _) = train("f32", &Device::CPU);
    // 360 rows: two apart by three deviations of a share of 0.95 are within 0.05.
    assert!(accuracy > 0.9 && (accuracy - full).abs() < 0.05, "{accuracy} and {full}");
    // Rounding to 11 bits is noise of a thousandth; the means over 300 steps differ by little more.
    assert!((loss - full_loss).abs() < 0.02 * full_loss, "{loss} and {full_loss}");
    let (again, loss_again, weight_again) = train("f16", &half);
    assert_eq!((accuracy, loss, weight), (again, loss_again, weight_again));
}
