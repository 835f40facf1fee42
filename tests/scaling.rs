//! Loss scaling, whatever the products multiply in: it changes no bit until something overflows, and then skips the step.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::Arc;
use wgrad::data::Values;
use wgrad::device::Device;
use wgrad::export::{LossScaling, Model};
use wgrad::kernel::{Now, Precision, Step};
use wgrad::nn::{Head, Network, Rule, Settings};
use wgrad::op::{Class, Target, Value};
use wgrad::ops::loss_scale::{INTERVAL, START};
use wgrad::run::{Compiled, DataShape, Purpose, Runner, TrainOptions};
use wgrad::train::{Recipe, RunFolder, Trainer, prepare};

const NORMALIZED: [&str; 5] = ["linear 12", "batch_norm", "relu", "dropout 0.3", "linear"];
const PLAIN: [&str; 3] = ["linear 12", "relu", "linear"];
const BATCH: usize = 32;

/// The batch whose gradients overflow.
const BAD: usize = 5;

fn devices() -> Vec<Device> {
    let gpu = support::gpu().map(Device::gpu);
    std::iter::once(Device::CPU).chain(gpu).collect()
}

fn compiled(layers: &[&str], optimizer: Settings, target: Target) -> Compiled {
    let layers: Vec<String> = layers.iter().map(|&layer| layer.to_owned()).collect();
    let network = Network::read(&layers, Head::classes(10), None).unwrap();
    let data = DataShape { bytes: false, rows: 1797, row: vec![64] };
    let options = TrainOptions { seed: 3, optimizer, lr: 0.05, ..TrainOptions::default() };
    Compiled::compile(&network, &data, BATCH, Purpose::Train(options), target).unwrap()
}

/// A runner before its first step, with the digits, some rows of batch `BAD` of which are as large as float32 can be without
/// their logits being infinite.
fn runner(device: &Device, layers: &[&str], optimizer: Settings, target: Target, batches: &[usize]) -> Runner {
    let compiled = compiled(layers, optimizer, target);
    let ((data, labels), tensors) = (support::digits(), compiled.tensors.clone());
    let Values::Bytes(bytes) = &data.values else { panic!("the digits are bytes") };
    let mut values: Vec<f32> = bytes.iter().map(|&v| f32::from(v)).collect();
    // Of several classes, so that some of them are wrong.
    let bad = BAD * BATCH + 3;
    assert!(labels[bad..bad + 5].iter().any(|label| *label != labels[bad]));
    values[bad * 64..][..5 * 64].fill(16e36);
    let mut runner = Runner::new(device, compiled).unwrap();
    runner.load_data(&Values::Floats(values), (&[0.0; 64], &[1.0 / 16.0; 64])).unwrap();
    runner.load_targets(&labels, None).unwrap();
    for (index, tensor) in tensors.iter().enumerate() {
        runner.write_floats(&tensor.name, &tensor.initial(3, index)).unwrap();
    }
    let line = |(step, &batch): (usize, &usize)| Step {
        start: (BATCH * batch) as u32,
        rows: BATCH as u32,
        rate: 0.05,
        step: step as u32,
    };
    let table: Vec<Step> = batches.iter().enumerate().map(line).collect();
    runner.begin(&(0..1797).collect::<Vec<_>>(), &table, 0).unwrap();
    runner
}

/// What training moves, to the bit.
fn state(runner: &mut Runner) -> Vec<Vec<u32>> {
    let plan = Arc::clone(&runner.compiled().plan);
    let kept = |class| [Class::Parameters, Class::Optimizer, Class::State].contains(&class);
    let buffers = plan.buffers.iter().enumerate().filter(|(_, buffer)| kept(buffer.class));
    buffers.map(|(i, _)| runner.executor().read_buffer(i).unwrap()).collect()
}

fn rules() -> [Settings; 3] {
    let momentum = Rule::read("sgd", &[("momentum", Value::Number(0.9))]).unwrap();
    let sgd = Settings { rule: momentum, weight_decay: 1e-3, ..Settings::default() };
    [
        sgd,
        Settings { clip: Some(0.5), ..sgd },
        Settings { rule: Rule::read("adam", &[]).unwrap(), max_norm: Some(2.0), ..Settings::default() },
    ]
}

fn scaled(settings: Settings) -> Settings {
    Settings { scale_loss: true, ..settings }
}

/// Powers of two change no bit of what does not overflow. Operations stand alone, since a scaled loss keeps blocks apart.
#[test]
fn scaling_alone_changes_no_bit() {
    for device in devices() {
        for settings in rules() {
            let target = Target { fuse: false, ..device.target() };
            let of = |settings| {
                let mut runner = runner(&device, &NORMALIZED, settings, target, &[0, 1, 2, 3, 4, 6, 7, 8]);
                runner.run(0, 8).unwrap();
                (state(&mut runner), runner.results(0, 8).unwrap(), runner.scaling().unwrap())
            };
            let ((plain, losses, none), (by_scale, same_losses, scaling)) = (of(settings), of(scaled(settings)));
            assert_eq!(losses, same_losses, "{device}: {settings:?}");
            assert!(plain == by_scale, "{device}: {settings:?}");
            assert_eq!((none, scaling), (None, Some(LossScaling { exponent: START, steady: 8, skipped: 0 })));
        }
    }
}

/// The same with everything joined that may be, which for one device is the same kernels too where there is no block.
#[test]
fn scaling_changes_no_bit_of_a_joined_step_either() {
    for device in devices() {
        let of = |settings| {
            let mut runner = runner(&device, &PLAIN, settings, device.target(), &[0, 1, 2, 3]);
            runner.run(0, 4).unwrap();
            state(&mut runner)
        };
        assert!(of(rules()[0]) == of(scaled(rules()[0])), "{device}");
    }
}

/// A step whose scaled gradients overflow moves nothing but the scale, and the run goes on as if it had not been: Adam
/// counts its updates without it.
#[test]
fn a_step_that_overflows_is_skipped() {
    for device in devices() {
        for settings in rules() {
            let mut whole = runner(&device, &PLAIN, scaled(settings), device.target(), &[0, 1, BAD, 2, 3]);
            whole.run(0, 2).unwrap();
            let before = state(&mut whole);
            whole.run(0, 1).unwrap();
            assert!(before == state(&mut whole), "{device}: {settings:?}: the skipped step moved something");
            let now = whole.executor().now().unwrap();
            assert_eq!((now.index, now.halted, now.step), (3, 0, 3), "{device}");
            assert_eq!(
                whole.scaling().unwrap(),
                Some(LossScaling { exponent: START - 1, steady: 0, skipped: 1 }),
                "{device}"
            );
            let loss = whole.results(2, 3).unwrap()[0].0;
            assert!(loss.is_finite() && loss > 1e30, "{device}: {loss}");
            whole.run(0, 2).unwrap();
            assert_eq!(
                whole.scaling().unwrap(),
                Some(LossScaling { exponent: START - 1, steady: 2, skipped: 1 }),
                "{device}"
            );
            let mut without = runner(&device, &PLAIN, scaled(settings), device.target(), &[0, 1, 2, 3]);
            without.run(0, 4).unwrap();
            assert!(state(&mut whole) == state(&mut without), "{device}: {settings:?}");
            assert!(before != state(&mut whole), "{device}: the run goes on");
            // All at once is the same: nothing is read back in between.
            let mut at_once = runner(&device, &PLAIN, scaled(settings), device.target(), &[0, 1, BAD, 2, 3]);
            at_once.run(0, 5).unwrap();
            assert!(state(&mut whole) == state(&mut at_once), "{device}: {settings:?}");
            assert_eq!(whole.scaling().unwrap(), at_once.scaling().unwrap());
        }
    }
}

/// Running statistics are state too. Scale and class weights are more than any gradient stands.
#[test]
fn running_statistics_stay_in_a_skipped_step() {
    for device in devices() {
        for fuse in [true, false] {
            let target = Target { fuse, ..device.target() };
            let mut runner = runner(&device, &NORMALIZED, scaled(rules()[0]), target, &[0, 1, 2]);
            runner.run(0, 1).unwrap();
            let before = (state(&mut runner), runner.read_floats("1.running_mean").unwrap());
            let now = runner.executor().now().unwrap();
            runner.executor().set_now(Now { exponent: 127, ..now }).unwrap();
            runner.load_targets(&support::digits().1, Some(&[1e6; 10])).unwrap();
            runner.run(0, 1).unwrap();
            assert!(before.0 == state(&mut runner), "{device}");
            let now = runner.executor().now().unwrap();
            assert_eq!((now.exponent, now.skipped, now.halted), (126, 1, 0), "{device}");
            runner.executor().set_now(Now { exponent: 3, ..now }).unwrap();
            runner.load_targets(&support::digits().1, None).unwrap();
            runner.run(0, 1).unwrap();
            assert!(before.1 != runner.read_floats("1.running_mean").unwrap(), "{device}: they move again");
        }
    }
}

#[test]
fn a_steady_run_doubles_its_scale() {
    for device in devices() {
        let mut runner = runner(&device, &PLAIN, scaled(rules()[0]), device.target(), &[0, 1, 2]);
        runner.set_scaling(LossScaling { exponent: 9, steady: INTERVAL - 2, skipped: 4 }).unwrap();
        let mut after_step = || {
            runner.run(0, 1).unwrap();
            runner.scaling().unwrap().unwrap()
        };
        assert_eq!(after_step(), LossScaling { exponent: 9, steady: INTERVAL - 1, skipped: 4 }, "{device}");
        assert_eq!(after_step(), LossScaling { exponent: 10, steady: 0, skipped: 4 }, "{device}");
        assert_eq!(after_step(), LossScaling { exponent: 10, steady: 1, skipped: 4 }, "{device}");
    }
}

/// At the scale 1 a gradient that is not finite is no fault of the scale's. Here it is W₂'s large weights times a large
/// input, while the loss is finite as the first layer lets nothing through.
#[test]
fn at_the_scale_1_the_run_is_halted() {
    for device in devices() {
        let mut runner = runner(&device, &PLAIN, scaled(rules()[0]), device.target(), &[BAD, 0]);
        runner.write_floats("0.weight", &[0.0; 12 * 64]).unwrap();
        runner.write_floats("0.bias", &[1.0; 12]).unwrap();
        let large: Vec<f32> = (0..120).map(|i| if i % 7 == 0 { 1e9 } else { -1e8 }).collect();
        runner.write_floats("2.weight", &large).unwrap();
        runner.set_scaling(LossScaling { exponent: 1, steady: 0, skipped: 0 }).unwrap();
        let before = state(&mut runner);
        runner.run(0, 1).unwrap();
        assert_eq!(runner.scaling().unwrap(), Some(LossScaling { exponent: 0, steady: 0, skipped: 1 }), "{device}");
        let line = Step { start: (BATCH * BAD) as u32, rows: BATCH as u32, rate: 0.05, step: 1 };
        runner.begin(&(0..1797).collect::<Vec<_>>(), &[line, line], 0).unwrap();
        runner.run(0, 2).unwrap();
        let now = runner.executor().now().unwrap();
        assert_eq!((now.halted, now.index), (Now::HALTED_BY_GRADIENT, 0), "{device}");
        assert!(runner.results(0, 1).unwrap()[0].0.is_finite(), "{device}");
        assert!(before == state(&mut runner), "{device}");
    }
}

/// Clipping, running statistics and the update come after the scale is off, and no block moves statistics before that.
#[test]
fn nothing_is_done_with_gradients_that_are_scaled() {
    for fuse in [true, false] {
        let settings = scaled(Settings { clip: Some(1.0), ..rules()[0] });
        let plan = compiled(&NORMALIZED, settings, Target { fuse, ..Target::CPU }).plan;
        let names: Vec<&str> = plan.programs[0].dispatches.iter().map(|d| d.kernel.name).collect();
        let at = |name: &str| names.iter().position(|n| *n == name).unwrap_or_else(|| panic!("{name} in {names:?}"));
        let judge = at("loss_scale.judge");
        assert_eq!(at("loss_scale.divide") + 1, judge);
        for (place, dispatch) in plan.programs[0].dispatches.iter().enumerate() {
            let bound = || dispatch.slots.iter().zip(dispatch.kernel.bindings);
            let moves = bound().any(|(slot, b)| {
                let class = plan.slots[slot.0 as usize].class;
                wgrad::op::writes(b.access) && [Class::Parameters, Class::Optimizer, Class::State].contains(&class)
            });
            assert!(!moves || place > judge, "{} before the scale is off", dispatch.kernel.name);
        }
        assert!(at("clip.squares") > judge && at("batch_norm.running") > judge);
        assert!(!names.iter().any(|name| name.starts_with("block.")), "{names:?}");
    }
}

fn trainer(resume: Option<Model>, steps: u64) -> Trainer {
    let mut recipe = Recipe::plain();
    recipe.layers = Some(NORMALIZED.map(str::to_owned).to_vec());
    recipe.precision = Some(Precision::F16);
    recipe.steps = Some(steps);
    let (mut job, _) = prepare(&recipe, None).unwrap();
    assert_eq!(job.settings.precision, Precision::F16);
    job.resume = resume;
    // The loss is scaled, while the CPU path's products are float32.
    Trainer::for_target(job, &Device::CPU, Target::CPU).unwrap()
}

/// Where the scale is, is part of what a run goes on from: in two parts it ends in the same bytes.
#[test]
fn a_run_that_is_resumed_keeps_its_scale() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let train = |name: &str, resume: Option<Model>, steps: u64| {
        let mut trainer = trainer(resume, steps);
        let mut run = RunFolder::create(Some(&path(name)), "test", &Recipe::default()).unwrap();
        trainer.run(&mut run, &mut support::Silent).unwrap();
        std::fs::read(path(name).join("last.safetensors")).unwrap()
    };
    let whole = train("whole", None, 60);
    train("first", None, 35);
    let first = Model::read(&path("first").join("last.safetensors")).unwrap();
    let progress = first.described().unwrap().progress.clone().unwrap();
    assert_eq!(progress.scaling, Some(LossScaling { exponent: START, steady: 35, skipped: 0 }));
    assert_eq!(first.described().unwrap().precision, Precision::F16);
    assert!(whole == train("second", Some(first), 60));
}

/// The library refuses what the command line does: a device that was not opened for the precision of the run.
#[test]
fn a_device_that_does_not_multiply_so_is_refused() {
    let mut recipe = Recipe::plain();
    recipe.precision = Some(Precision::F16);
    let (job, _) = prepare(&recipe, None).unwrap();
    let error = Trainer::new(job, &Device::CPU).unwrap_err().to_string();
    assert!(error.contains("f16") && error.contains("not opened"), "{error}");
}
