//! Whole networks: what their plans promise, and that both executors walk them alike.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "plans/attended.rs"]
mod attended;
#[path = "plans/dispatches.rs"]
mod dispatches;
#[path = "plans/joined.rs"]
mod joined;
#[path = "plans/steps.rs"]
mod steps;
mod support;
#[path = "plans/turns.rs"]
mod turns;

use std::collections::BTreeSet;
use std::sync::Arc;
use wgrad::cpu::{Machine, Mode};
use wgrad::data::Values;
use wgrad::device::Device;
use wgrad::executor::Executor;
use wgrad::gpu::Session;
use wgrad::graph::Source;
use wgrad::graph::plan::Plan;
use wgrad::graph::{Graph, fuse};
use wgrad::kernel::{Now, Scalar};
use wgrad::nn::{Head, Network, Rule, Settings};
use wgrad::op::{Class, Family, Kind, Target, Value, Variants, writes};
use wgrad::ops::{activation::Activation, cross_entropy::CrossEntropy, matmul::Matmul};
use wgrad::run::{Compiled, DataShape, Purpose, Runner, TrainOptions};

const LAYERS: [&str; 7] = ["linear 24", "batch_norm", "relu", "dropout 0.3", "linear 12", "relu", "linear"];

fn network() -> Network {
    Network::read(&LAYERS.map(str::to_owned), Head::classes(10), None).unwrap()
}

fn compiled(target: Target) -> Compiled {
    programs_of(&network(), target)
}

fn programs_of(network: &Network, target: Target) -> Compiled {
    programs_of_batch(network, 32, target)
}

fn programs_of_batch(network: &Network, batch: usize, target: Target) -> Compiled {
    let data = DataShape { bytes: true, rows: 1797, row: vec![64] };
    let rule = Rule::read("sgd", &[("momentum", Value::Number(0.9))]).unwrap();
    let optimizer = Settings { rule, weight_decay: 1e-4, ..Settings::default() };
    let options = TrainOptions { seed: 3, optimizer, lr: 0.05, ..TrainOptions::default() };
    Compiled::compile(network, &data, batch, Purpose::Train(options), target).unwrap()
}

/// Targets of every kind, whatever this machine has.
fn targets() -> Vec<Target> {
    let mut targets = vec![];
    for product in [Family::Plain, Family::Tiled, Family::Subgroup] {
        for groups_wanted in [1, 64] {
            for fuse in [true, false] {
                let variants = Variants { product, groups_wanted, block_work: product.block_work() };
                targets.push(Target { fuse, ..Kind::Hardware.target() }.with(variants));
            }
        }
    }
    targets
}

fn kernels(plan: &Plan, program: usize) -> Vec<&'static str> {
    plan.programs[program].dispatches.iter().map(|d| d.kernel.name).collect()
}

#[test]
fn every_plan_keeps_the_rules() {
    for target in targets() {
        let plan = compiled(target).plan;
        plan.check().unwrap();
        for program in &plan.programs {
            slots_that_live_together_do_not_overlap(&plan, &program.dispatches);
        }
    }
}

/// From the first to the last dispatch that binds it, a slot's words belong to no other.
fn slots_that_live_together_do_not_overlap(plan: &Plan, dispatches: &[wgrad::op::Dispatch]) {
    let used: BTreeSet<_> = dispatches.iter().flat_map(|d| d.slots.clone()).collect();
    let life = |id| {
        let binds = |d: &wgrad::op::Dispatch| d.slots.contains(&id);
        (dispatches.iter().position(binds).unwrap(), dispatches.iter().rposition(binds).unwrap())
    };
    let family = |id: wgrad::op::SlotId| plan.slots[id.0 as usize].within.map_or(id, |(parent, _)| parent);
    for &a in &used {
        for &b in used.iter().filter(|&&b| b > a && family(a) != family(b)) {
            let ((buffer_a, from_a, len_a), (buffer_b, from_b, len_b)) = (plan.range(a), plan.range(b));
            let apart = buffer_a != buffer_b || from_a + len_a <= from_b || from_b + len_b <= from_a;
            let persists = plan.slots[a.0 as usize].class != Class::Activations;
            let meet = persists || (life(a).0 <= life(b).1 && life(b).0 <= life(a).1);
            let (a, b) = (&plan.slots[a.0 as usize].name, &plan.slots[b.0 as usize].name);
            assert!(apart || !meet, "{a} and {b} share words");
        }
    }
}

/// The rules are held by a check that objects.
#[test]
fn a_plan_that_breaks_a_rule_is_seen() {
    let good = compiled(Target::CPU).plan;
    let at = good.programs[0].dispatches.iter().position(|d| d.kernel.name.starts_with("block.backward")).unwrap();
    let mut aliased = (*good).clone();
    let dispatch = &mut aliased.programs[0].dispatches[at];
    let dz = dispatch.kernel.bindings.iter().position(|binding| binding.name == "dz").unwrap();
    dispatch.slots[dz] = dispatch.slots[0];
    let told = aliased.check().unwrap_err().to_string();
    assert!(told.contains("block.backward") && told.contains("reads and writes one buffer"), "{told}");
    let mut outside = (*good).clone();
    outside.places[3].offset += 1 << 30;
    assert!(outside.check().is_err());
}

/// What is used twice, or read by the host, is not joined away.
#[test]
fn a_value_that_is_used_twice_is_not_fused() {
    let mut graph = Graph::default();
    let value = |g: &mut Graph, name: &str, shape: &[usize], class| {
        g.value(name, wgrad::shape::Shape(shape.to_vec()), Scalar::F32, class)
    };
    let x = value(&mut graph, "x", &[4, 3], Class::Data);
    let w = value(&mut graph, "w", &[5, 3], Class::Parameters);
    let b = value(&mut graph, "b", &[5], Class::Parameters);
    let y = graph.push(Matmul { relu: false }, "0.linear", &[x, w, b]).unwrap()[0];
    graph.push(Activation::RELU, "1.relu", &[y]).unwrap();
    assert_eq!(fuse(&graph).nodes.len(), 1);
    let mut kept = graph.clone();
    kept.kept.push(y);
    assert_eq!(fuse(&kept).nodes.len(), 2);
    graph.push(Activation::RELU, "2.relu", &[y]).unwrap();
    assert_eq!(fuse(&graph).nodes.len(), 3);
}

/// A product with few tiles and a long sum goes through a private slot, and is then added up.
#[test]
fn a_split_product_goes_through_a_private_slot() {
    let target = Target { groups_wanted: 64, product: Family::Tiled, ..Target::CPU };
    let data = DataShape { bytes: true, rows: 200, row: vec![784] };
    let compiled = Compiled::compile(&network(), &data, 32, Purpose::Predict, target).unwrap();
    let names = kernels(&compiled.plan, 0);
    let at = names.iter().position(|n| *n == "matmul.tiled_nt").unwrap();
    assert_eq!(names[at + 1], "matmul.sum_parts_bias");
    let dispatch = &compiled.plan.programs[0].dispatches[at];
    let partial = &compiled.plan.slots[dispatch.slots[3].0 as usize];
    assert!(!partial.public && dispatch.groups[2] > 1, "{partial:?}");
    assert_eq!(partial.shape.0, [dispatch.groups[2] as usize, 32, 24]);
}

#[test]
fn one_dispatch_updates_all_parameters() {
    let compiled = compiled(Target::CPU);
    let step = &compiled.plan.programs[0].dispatches;
    let updates: Vec<_> = step.iter().filter(|d| d.kernel.name == "sgd.update_last").collect();
    assert_eq!(updates.len(), 1);
    let (_, first, words) = compiled.plan.range(updates[0].slots[4]);
    for tensor in compiled.tensors.iter().filter(|t| t.class == Class::Parameters) {
        let (_, at, count) = compiled.plan.range(compiled.plan.slot(&tensor.name).unwrap());
        assert!(at >= first && at + count <= first + words, "{}", tensor.name);
    }
    let writers = |d: &&wgrad::op::Dispatch| {
        let both = d.slots.iter().zip(d.kernel.bindings);
        let parameters = |slot: &wgrad::op::SlotId| compiled.plan.slots[slot.0 as usize].class == Class::Parameters;
        both.into_iter().any(|(slot, b)| writes(b.access) && parameters(slot))
    };
    assert_eq!(step.iter().filter(writers).count(), 1);
}

/// A binding of several tensors counts as those that its kernel touches, not as all that lie beside them.
#[test]
fn a_dispatch_counts_its_own_words() {
    let layers = ["linear 24", "batch_norm", "relu", "linear"].map(str::to_owned);
    let network = Network::read(&layers, Head::classes(10), None).unwrap();
    let plan = programs_of(&network, Target::CPU).plan;
    let block = plan.programs[0].dispatches.iter().find(|d| d.kernel.name.starts_with("block.forward")).unwrap();
    let pack = |binding: usize| plan.slots[block.slots[binding].0 as usize].words();
    // W, b, γ and β of 24 units with 64 inputs, of all parameters.
    assert_eq!(block.words[1], 24 * 64 + 3 * 24);
    assert!(pack(1) > block.words[1]);
    assert_eq!((block.words[0], block.words[4]), (pack(0), pack(4)));
}

/// A runner with the digits and random weights.
fn runner(device: &Device, compiled: Compiled) -> Runner {
    let (data, labels) = support::digits();
    let tensors = compiled.tensors.clone();
    let batch = compiled.batch;
    let mut runner = Runner::new(device, compiled).unwrap();
    runner.load_data(&data.values, (&[0.0; 64], &[1.0 / 16.0; 64])).unwrap();
    runner.load_targets(&labels, None).unwrap();
    for (index, tensor) in tensors.iter().enumerate() {
        runner.write_floats(&tensor.name, &tensor.initial(3, index)).unwrap();
    }
    let order: Vec<u32> = (0..1797).collect();
    let line = |s| wgrad::kernel::Step { start: batch as u32 * s, rows: batch as u32, rate: 0.05, step: s };
    runner.begin(&order, &(0..1600 / batch as u32).map(line).collect::<Vec<_>>(), 0).unwrap();
    runner
}

fn losses(device: &Device, compiled: Compiled, steps: usize) -> Vec<(f32, u32)> {
    let mut runner = runner(device, compiled);
    runner.run(0, steps).unwrap();
    runner.results(0, steps).unwrap()
}

/// One GPU plan, walked by the GPU and by the twins on the host: after each step every public tensor agrees.
#[test]
fn both_executors_walk_a_plan_alike() {
    let Some(gpu) = support::gpu() else { return };
    for target in [gpu.target(), Target { product: Family::Tiled, groups_wanted: 64, ..gpu.target() }] {
        let compiled = compiled(target);
        let mut on_gpu = runner(&Device::gpu(gpu.clone()), compiled.clone());
        let mut machine = Machine::new(Arc::clone(&compiled.plan), Mode::Twin);
        for buffer in 0..compiled.plan.buffers.len() {
            machine.write_buffer(buffer, &on_gpu.executor().read_buffer(buffer).unwrap()).unwrap();
        }
        for step in 0..3 {
            on_gpu.run(0, 1).unwrap();
            machine.run(0, 1).unwrap();
            for tensor in &compiled.tensors {
                let slot = compiled.plan.slot(&tensor.name).unwrap();
                let (want, got) = (machine.read_f32(slot).unwrap(), on_gpu.executor().read_f32(slot).unwrap());
                // A bias before batch_norm has gradient 0 in truth, so it is rounding alone: hence the 1e-3.
                let largest = want.iter().fold(1e-3, |m: f32, w| m.max(w.abs()));
                let gap = want.iter().zip(&got).map(|(w, g)| (w - g).abs()).fold(0.0, f32::max);
                // Roundings of sums of up to 64 terms, passed on through three layers and three steps.
                assert!(gap <= 2e-5 * largest, "step {step}: {}: {gap} of {largest}", tensor.name);
            }
        }
        assert_eq!(machine.now().unwrap(), on_gpu.executor().now().unwrap());
    }
}

/// Nothing is made on the device once the first step has run.
#[test]
fn no_resource_is_made_after_the_first_step() {
    let Some(gpu) = support::gpu() else { return };
    let compiled = compiled(gpu.target());
    let mut runner = runner(&Device::gpu(gpu.clone()), compiled.clone());
    runner.run(0, 1).unwrap();
    let made = gpu.made();
    assert!(made > 20, "the counter counts: {made}");
    runner.run(0, 20).unwrap();
    runner.results(0, 20).unwrap();
    let digits = support::digits().0.values;
    runner.outputs(&digits, compiled.evaluate, &(0..500).collect::<Vec<_>>()).unwrap();
    assert_eq!(gpu.made(), made);
    Session::new(&gpu, compiled.plan).unwrap();
    assert!(gpu.made() > made, "another session makes buffers and bind groups");
}

/// The bits do not depend on the number of threads.
#[test]
fn the_cpu_path_gives_the_same_bits_on_any_number_of_threads() {
    // The second layer's products leave out zeros, by lists where threads are few, and by masks.
    let hidden = |width: &str| [width, "batch_norm", "relu", "dropout 0.5"].map(str::to_owned);
    let rows = [&hidden("linear 256")[..], &hidden("linear 128"), &["linear".to_owned()]].concat();
    let images = ["conv 12 kernel=3", "batch_norm", "relu", "max_pool 2", "conv 16 kernel=3", "batch_norm", "relu"];
    let images: Vec<String> = images.iter().chain(&["flatten", "linear"]).map(|layer| (*layer).to_owned()).collect();
    same_bits(&rows, &[784]);
    same_bits(&images, &[1, 28, 28]);
}

/// Trains for three steps with several numbers of threads.
fn same_bits(layers: &[String], row: &[usize]) {
    let data = DataShape { bytes: true, rows: 400, row: row.to_vec() };
    let network = Network::read(layers, Head::classes(10), None).unwrap();
    let options = TrainOptions { seed: 1, optimizer: Settings::default(), lr: 0.1, ..TrainOptions::default() };
    let mut seen = BTreeSet::new();
    for threads in [1, 2, 3, 7] {
        let compiled = Compiled::compile(&network, &data, 128, Purpose::Train(options), Target::CPU).unwrap();
        let bits = wgrad::threads::with(threads, || {
            let tensors = compiled.tensors.clone();
            let parameters = compiled.plan.slot("parameters").unwrap();
            let mut runner = Runner::new(&Device::CPU, compiled).unwrap();
            let bytes = (0..400 * 784).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let labels: Vec<u32> = (0..400).map(|i| i % 10).collect();
            runner.load_data(&Values::Bytes(bytes), (&[0.0; 784], &[1.0 / 255.0; 784])).unwrap();
            runner.load_targets(&labels, None).unwrap();
            for (index, tensor) in tensors.iter().enumerate() {
                runner.write_floats(&tensor.name, &tensor.initial(1, index)).unwrap();
            }
            let order: Vec<u32> = (0..400).collect();
            let line = |s: u32| wgrad::kernel::Step { start: 128 * s, rows: 128, rate: 0.1, step: s };
            runner.begin(&order, &(0..3).map(line).collect::<Vec<_>>(), 0).unwrap();
            runner.run(0, 3).unwrap();
            let bits = |v: &f32| v.to_bits();
            let parameters = runner.executor().read_f32(parameters).unwrap().iter().map(bits).collect::<Vec<_>>();
            let results: Vec<_> = runner.results(0, 3).unwrap().iter().map(|(loss, n)| (loss.to_bits(), *n)).collect();
            (parameters, results)
        });
        seen.insert(bits);
    }
    assert_eq!(seen.len(), 1, "{layers:?}");
}

/// A value that the host reads keeps its words to the end, where another would be given them.
#[test]
fn a_kept_value_is_not_written_over() {
    let mut graph = Graph::default();
    let x = graph.value("x", [1, 2], Scalar::F32, Class::Data);
    let w = graph.value("w", [2, 2], Scalar::F32, Class::Parameters);
    let mut chain = vec![x];
    for layer in 0..6 {
        let next = graph.push(Matmul { relu: false }, &layer.to_string(), &[chain[layer], w]).unwrap()[0];
        chain.push(next);
    }
    // The first product, and whether a later one lies on its words.
    let first = |kept: bool| {
        let mut graph = graph.clone();
        graph.kept.extend(kept.then_some(chain[1]));
        let names: Vec<String> = chain[1..].iter().map(|id| format!("case.{}", graph.values[id.0].name)).collect();
        let plan = Plan::compile(vec![Source { name: "case", graph, optimizer: None }], Target::CPU).unwrap();
        let plan = Arc::new(plan);
        let slots: Vec<_> = names.iter().map(|name| plan.slot(name).unwrap()).collect();
        let mut machine = Machine::new(Arc::clone(&plan), Mode::Twin);
        let write = |machine: &mut Machine, name: &str, values: &[f32]| {
            let bits: Vec<u32> = values.iter().map(|v| v.to_bits()).collect();
            machine.write(plan.slot(name).unwrap(), 0, &bits).unwrap();
        };
        write(&mut machine, "x", &[1.0, 2.0]);
        write(&mut machine, "w", &[1.0, 1.0, 0.0, 2.0]);
        machine.set_now(Now { rows: 1, ..Now::default() }).unwrap();
        machine.run(0, 1).unwrap();
        let shared = slots[1..].iter().any(|&slot| plan.range(slot) == plan.range(slots[0]));
        (machine.read_f32(slots[0]).unwrap(), shared)
    };
    assert_eq!(first(true), (vec![3.0, 4.0], false));
    let (value, shared) = first(false);
    assert!(shared && value != [3.0, 4.0], "without being kept, its words are used again: {value:?}");
}

/// A weight that a branch without effect uses too is trained all the same: its whole gradient goes into the pack.
#[test]
fn a_branch_that_the_loss_does_not_need_changes_no_gradient() {
    let mut graph = Graph::default();
    let x = graph.value("x", [2, 3], Scalar::F32, Class::Data);
    let labels = graph.value("labels", [2], Scalar::U32, Class::Data);
    let w = graph.value("w", [3, 3], Scalar::F32, Class::Parameters);
    graph.push(Matmul { relu: false }, "idle", &[x, w]).unwrap();
    let y = graph.push(Matmul { relu: false }, "0", &[x, w]).unwrap()[0];
    graph.push(Matmul { relu: false }, "idle too", &[x, w]).unwrap();
    let weights = graph.value("weights", [3], Scalar::F32, Class::Data);
    graph.push_loss(Arc::new(CrossEntropy { label_smoothing: 0.0 }), &[y, labels, weights]).unwrap();
    let optimizer = Settings::default().optimizer(&[], 0.1).unwrap();
    let target = Target { fuse: false, ..Target::CPU };
    let plan = Plan::compile(vec![Source { name: "train", graph, optimizer: Some(optimizer) }], target).unwrap();
    let gradient = plan.slot("d.w").unwrap();
    let writes_it = |d: &&wgrad::op::Dispatch| {
        d.slots.iter().zip(d.kernel.bindings).any(|(slot, b)| *slot == gradient && writes(b.access))
    };
    assert_eq!(plan.programs[0].dispatches.iter().filter(writes_it).count(), 1);
}

/// Where a value is used twice, its gradient is the sum of both.
#[test]
fn gradients_add_where_a_value_is_used_twice() {
    let mut graph = Graph::default();
    let x = graph.value("x", [2, 3], Scalar::F32, Class::Data);
    let labels = graph.value("labels", [2], Scalar::U32, Class::Data);
    let w = graph.value("w", [3, 3], Scalar::F32, Class::Parameters);
    let once = graph.push(Matmul { relu: false }, "0", &[x, w]).unwrap()[0];
    let twice = graph.push(Matmul { relu: false }, "1", &[once, w]).unwrap()[0];
    let both = graph.push(wgrad::ops::add::Add { whole: false }, "2", &[once, twice]).unwrap()[0];
    let weights = graph.value("weights", [3], Scalar::F32, Class::Data);
    let loss = graph.push_loss(Arc::new(CrossEntropy { label_smoothing: 0.0 }), &[both, labels, weights]).unwrap();
    graph.kept.push(loss[0]);
    let optimizer = Settings::default().optimizer(&[], 0.1).unwrap();
    let plan = Plan::compile(vec![Source { name: "train", graph, optimizer: Some(optimizer) }], Target::CPU).unwrap();
    let plan = Arc::new(plan);
    let loss = |w: &[f32]| -> (f64, Vec<f32>) {
        let mut machine = Machine::new(Arc::clone(&plan), Mode::Twin);
        let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        machine.write(plan.slot("x").unwrap(), 0, &bits(&[0.5, -1.0, 0.3, 1.2, 0.1, -0.4])).unwrap();
        machine.write(plan.slot("labels").unwrap(), 0, &[2, 0]).unwrap();
        machine.write(plan.slot("weights").unwrap(), 0, &bits(&[1.0; 3])).unwrap();
        machine.write(plan.slot("w").unwrap(), 0, &bits(w)).unwrap();
        machine.set_now(Now { rows: 2, ..Now::default() }).unwrap();
        machine.run(0, 1).unwrap();
        let rows = machine.read_f32(plan.slot("train.loss.row_loss").unwrap()).unwrap();
        let gradient = machine.read_f32(plan.slot("d.w").unwrap()).unwrap();
        (rows.iter().map(|l| f64::from(*l)).sum::<f64>() / 2.0, gradient)
    };
    let w = [0.2, -0.3, 0.5, 0.7, 0.1, -0.6, 0.4, 0.3, -0.2];
    let gradient = loss(&w).1;
    for i in 0..9 {
        let at = |step: f32| {
            let mut moved = w;
            moved[i] += step;
            loss(&moved).0
        };
        let difference = (at(1e-2) - at(-1e-2)) / 2e-2;
        assert!((difference - f64::from(gradient[i])).abs() < 2e-4, "{i}: {difference} and {}", gradient[i]);
    }
}
