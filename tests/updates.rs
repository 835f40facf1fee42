//! Updates of whole networks: several rules, clipping and max-norm in one plan; and what the two do as a whole.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::Arc;
use wgrad::cpu::{Machine, Mode};
use wgrad::device::Device;
use wgrad::executor::Executor;
use wgrad::gpu::{Gpu, Session};
use wgrad::judge::kernels::Trial;
use wgrad::kernel::{Now, Step};
use wgrad::nn::{Head, Network, Rule, Settings};
use wgrad::op::{Case, Class, Dispatch, Target};
use wgrad::run::{Compiled, DataShape, Purpose, Runner, TrainOptions};

const LAYERS: [&str; 4] = ["linear 12 lr=0.02 max_norm=0.5", "batch_norm", "relu", "linear"];

fn devices() -> Vec<Device> {
    let gpu = support::gpu().map(Device::gpu);
    std::iter::once(Device::CPU).chain(gpu).collect()
}

fn compiled(optimizer: Settings, layers: &[&str], target: Target) -> Compiled {
    let layers: Vec<String> = layers.iter().map(|&layer| layer.to_owned()).collect();
    let network = Network::read(&layers, Head::classes(10), None).unwrap();
    let data = DataShape { bytes: true, rows: 1797, row: vec![64] };
    let options = TrainOptions { seed: 3, optimizer, lr: 0.1, ..TrainOptions::default() };
    Compiled::compile(&network, &data, 32, Purpose::Train(options), target).unwrap()
}

/// A runner at its first step, with the digits and random weights.
fn runner(device: &Device, optimizer: Settings, layers: &[&str]) -> Runner {
    let compiled = compiled(optimizer, layers, device.target());
    let ((data, labels), tensors) = (support::digits(), compiled.tensors.clone());
    let mut runner = Runner::new(device, compiled).unwrap();
    runner.load_data(&data.values, (&[0.0; 64], &[1.0 / 16.0; 64])).unwrap();
    runner.load_targets(&labels, None).unwrap();
    for (index, tensor) in tensors.iter().enumerate() {
        runner.write_floats(&tensor.name, &tensor.initial(3, index)).unwrap();
    }
    let line = |s: usize| Step { start: 32 * s as u32, rows: 32, rate: 0.1, step: s as u32 };
    runner.begin(&(0..1797).collect::<Vec<_>>(), &(0..20).map(line).collect::<Vec<_>>(), 0).unwrap();
    runner
}

/// The dispatches of a step that end in the update, from the first that changes gradients as a whole or parameters.
fn update(compiled: &Compiled) -> Vec<&'static str> {
    let names = compiled.plan.programs[0].dispatches.iter().map(|d| d.kernel.name);
    let of_update =
        |name: &&str| ["sgd.", "adam.", "rmsprop.", "clip.", "max_norm."].iter().any(|op| name.starts_with(op));
    names.filter(of_update).collect()
}

#[test]
fn an_update_is_as_few_dispatches_as_it_has_rules() {
    let all = |settings: Settings, layers: &[&str]| update(&compiled(settings, layers, Target::CPU));
    let plain = Settings { weight_decay: 0.1, ..Settings::default() };
    assert_eq!(all(plain, &["linear 12", "batch_norm", "relu", "linear"]), ["sgd.update_last"]);
    assert_eq!(all(plain, &LAYERS), ["sgd.update", "sgd.update", "max_norm.limit"]);
    let only = Settings { decay_weights_only: true, ..plain };
    assert_eq!(all(only, &["linear 12", "relu", "linear"]), ["sgd.update", "sgd.update"]);
    // What must see all gradients or parameters first is before the update, or ends the step in its place.
    let clipped = Settings { clip: Some(1.0), ..plain };
    let [squares, scale] = ["clip.squares", "clip.scale"];
    assert_eq!(all(clipped, &["linear 12", "relu", "linear"]), [squares, scale, "sgd.update_last"]);
    let limited = Settings { max_norm: Some(3.0), ..plain };
    assert_eq!(all(limited, &["linear"]), ["sgd.update", "max_norm.limit"]);
    let whole = Settings { rule: Rule::read("adam", &[]).unwrap(), clip: Some(1.0), max_norm: Some(3.0), ..plain };
    let [clip, after] = [&["clip.squares", "clip.scale"][..], &["adam.update", "max_norm.limit", "max_norm.limit"]];
    assert_eq!(all(whole, &["linear 12", "relu", "linear"]), [clip, after].concat());
}

/// The update follows all of the backward pass, joined or apart, and only `step.advance` comes after it.
#[test]
fn clipping_has_every_gradient_before_it() {
    let settings = Settings { clip: Some(1.0), ..Settings::default() };
    for (fuse, least) in [(false, 5), (true, 1)] {
        let plan = compiled(settings, &LAYERS, Target { fuse, ..Target::CPU }).plan;
        let dispatches = &plan.programs[0].dispatches;
        let first = dispatches.iter().position(|d| d.kernel.name == "clip.squares").unwrap();
        let writes_gradients = |d: &Dispatch| {
            let mut bound = d.slots.iter().zip(d.kernel.bindings);
            bound.any(|(slot, b)| wgrad::op::writes(b.access) && plan.slots[slot.0 as usize].class == Class::Gradients)
        };
        let writers: Vec<_> = dispatches.iter().enumerate().filter(|(_, d)| writes_gradients(d)).collect();
        assert!(writers.iter().filter(|(at, _)| *at < first).count() >= least);
        assert!(writers.iter().all(|(at, d)| *at < first || d.kernel.name == "clip.scale"));
        assert_eq!(dispatches.last().unwrap().kernel.name, "step.advance");
    }
}

/// Gradient descent without momentum, of which the step is known: each tensor moves by its own rate and decay.
#[test]
fn each_tensor_is_moved_by_its_own_rule() {
    let settings = Settings { weight_decay: 0.5, decay_weights_only: true, ..Settings::default() };
    for device in devices() {
        let mut runner = runner(&device, settings, &["linear 12 lr=0.02", "batch_norm", "relu", "linear"]);
        let tensors = runner.compiled().tensors.clone();
        let parameters = || tensors.iter().filter(|tensor| tensor.class == Class::Parameters);
        let before: Vec<_> = parameters().map(|tensor| runner.read_floats(&tensor.name).unwrap()).collect();
        runner.run(0, 1).unwrap();
        for (tensor, before) in parameters().zip(before) {
            let gradient = runner.read_floats(&format!("d.{}", tensor.name)).unwrap();
            let after = runner.read_floats(&tensor.name).unwrap();
            let rate = if tensor.name.starts_with("0.") { 0.02 } else { 0.1 };
            let decay = if tensor.shape.0.len() > 1 { 0.5 } else { 0.0 };
            for (i, (before, after)) in before.iter().zip(after).enumerate() {
                let want = before - rate * (gradient[i] + decay * before);
                // Three roundings of numbers around 1.
                assert!((after - want).abs() < 1e-6, "{}[{i}]: {after}, not {want}", tensor.name);
            }
        }
    }
}

/// With every part of an update at work, on both executors: the rows keep their norm, and the runs agree.
#[test]
fn rows_stay_within_their_norm_and_nothing_moves_once_halted() {
    let settings =
        Settings { rule: Rule::read("adamw", &[]).unwrap(), weight_decay: 0.1, clip: Some(0.3), ..Settings::default() };
    for device in devices() {
        let mut runner = runner(&device, settings, &LAYERS);
        runner.run(0, 8).unwrap();
        let weight = runner.read_floats("0.weight").unwrap();
        let norm = |row: &[f32]| row.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt();
        // The roundings of a norm of 64 terms.
        assert!(weight.chunks(64).all(|row| norm(row) <= 0.5 * (1.0 + 1e-5)), "{device}");
        assert!(weight.chunks(64).any(|row| norm(row) > 0.4999), "{device}: the limit is reached");
        let second = runner.read_floats("3.weight").unwrap();
        assert!(second.chunks(12).any(|row| norm(row) > 0.6), "{device}: the other layer has none");
        let now = runner.executor().now().unwrap();
        runner.executor().set_now(Now { halted: 1, ..now }).unwrap();
        let persistent = |runner: &mut Runner| -> Vec<Vec<u32>> {
            let plan = Arc::clone(&runner.compiled().plan);
            let kept = |class| [Class::Parameters, Class::Optimizer, Class::State].contains(&class);
            let buffers = plan.buffers.iter().enumerate().filter(|(_, buffer)| kept(buffer.class));
            buffers.map(|(i, _)| runner.executor().read_buffer(i).unwrap()).collect()
        };
        // What max-norm would change, if it ran.
        runner.write_floats("0.weight", &vec![1.0; weight.len()]).unwrap();
        let before = persistent(&mut runner);
        runner.run(0, 3).unwrap();
        assert!(before == persistent(&mut runner), "{device}: something moved");
    }
}

/// Both executors at one operation, with its input before and after.
fn ran(case: &Case, gpu: Option<&Arc<Gpu>>) -> Vec<(Vec<f32>, Vec<f32>)> {
    let trial = Trial::new(case, gpu.map_or(Target::CPU, |gpu| gpu.target())).unwrap();
    let mut executors: Vec<Box<dyn Executor>> = vec![Box::new(Machine::new(Arc::clone(&trial.plan), Mode::Twin))];
    if let Some(gpu) = gpu {
        executors.push(Box::new(Session::new(gpu, Arc::clone(&trial.plan)).unwrap()));
    }
    let slot = trial.wires.inputs[0].slot;
    let on = |mut executor: Box<dyn Executor>| {
        trial.fill(executor.as_mut()).unwrap();
        let before = executor.read_f32(slot).unwrap();
        executor.run(0, 1).unwrap();
        (before, executor.read_f32(slot).unwrap())
    };
    executors.into_iter().map(on).collect()
}

/// A vector is what it was, shortened to the norm `most` where it was longer; in one piece, by the definition.
fn is_shortened(name: &str, before: &[f32], after: &[f32], most: f64) {
    let norm = before.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    let factor = if norm > most { most / norm } else { 1.0 };
    for (i, (before, after)) in before.iter().zip(after).enumerate() {
        let want = f64::from(*before) * factor;
        if norm.is_nan() {
            assert!(after.is_nan(), "{name}[{i}]: {after}");
        } else if norm.is_infinite() {
            assert!(if before.is_finite() { *after == 0.0 } else { after.is_nan() }, "{name}[{i}]: {after}");
        } else {
            // The roundings of a norm of many terms, and what float32 takes for 0.
            let bound = 1e-5 * want.abs() + 1e-37;
            assert!((f64::from(*after) - want).abs() <= bound, "{name}[{i}]: {after}, not {want}");
        }
    }
}

#[test]
fn clipping_and_max_norm_are_what_they_are_called() {
    let gpu = support::gpu();
    for case in wgrad::ops::clip::cases() {
        for (before, after) in ran(&case, gpu.as_ref()) {
            is_shortened(&case.name, &before, &after, most_of(&case));
        }
    }
    for case in wgrad::ops::max_norm::cases() {
        let width = case.inputs[0].0.width();
        for (before, after) in ran(&case, gpu.as_ref()) {
            for (before, after) in before.chunks(width).zip(after.chunks(width)) {
                is_shortened(&case.name, before, after, most_of(&case));
            }
        }
    }
}

/// The bound of a case, as its operation says it.
fn most_of(case: &Case) -> f64 {
    let text = format!("{:?}", case.op);
    let number = text.split("most: ").nth(1).unwrap();
    number.trim_end_matches([' ', '}']).parse().unwrap()
}
