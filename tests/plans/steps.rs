//! Steps taken another way: the same.

use super::{kernels, network, programs_of_batch, runner, support};
use std::sync::Arc;
use wgrad::cpu::{Machine, Mode};
use wgrad::device::Device;
use wgrad::executor::Executor;
use wgrad::nn::{Head, Network};
use wgrad::op::{Family, Target};

/// More steps at once than one submission holds are the steps that one submission for each would take.
#[test]
fn steps_at_once_are_those_one_by_one() {
    let Some(gpu) = support::gpu() else { return };
    let on_gpu = || runner(&Device::gpu(gpu.clone()), programs_of_batch(&network(), 8, gpu.target()));
    let (mut at_once, mut one_by_one) = (on_gpu(), on_gpu());
    at_once.run(0, 150).unwrap();
    (0..150).for_each(|_| one_by_one.run(0, 1).unwrap());
    assert_eq!(at_once.executor().now().unwrap().index, 150);
    assert_eq!(at_once.results(0, 150).unwrap(), one_by_one.results(0, 150).unwrap());
}

/// Wide layers, whose products leave out zeros: the fast variants of the CPU path and the twins take the same steps.
#[test]
fn fast_variants_and_twins_walk_wide_layers_alike() {
    let layers = ["linear 256", "batch_norm", "relu", "dropout 0.5", "linear 128", "batch_norm", "relu", "dropout 0.5"];
    let layers = layers.iter().chain(&["linear"]).map(|&layer| layer.to_owned()).collect::<Vec<_>>();
    let network = Network::read(&layers, Head::classes(10), None).unwrap();
    let compiled = programs_of_batch(&network, 128, Target::CPU);
    let mut fast = runner(&Device::CPU, compiled.clone());
    let mut twin = Machine::new(Arc::clone(&compiled.plan), Mode::Twin);
    for buffer in 0..compiled.plan.buffers.len() {
        twin.write_buffer(buffer, &fast.executor().read_buffer(buffer).unwrap()).unwrap();
    }
    fast.run(0, 2).unwrap();
    twin.run(0, 2).unwrap();
    for tensor in &compiled.tensors {
        let slot = compiled.plan.slot(&tensor.name).unwrap();
        let (want, got) = (twin.read_f32(slot).unwrap(), fast.executor().read_f32(slot).unwrap());
        // A bias before batch_norm moves by rounding alone.
        let largest = want.iter().fold(1e-3, |m: f32, w| m.max(w.abs()));
        let gap = want.iter().zip(&got).map(|(w, g)| (w - g).abs()).fold(0.0, f32::max);
        // Roundings of sums of up to 256 terms, passed on through three layers. Few steps, for a ReLU that rounding turns
        // on would be seen.
        assert!(gap <= 1e-4 * largest, "{}: {gap} of {largest}", tensor.name);
    }
}

/// Weights whose gradients fill a device with large tiles: they are products of their own, beside those of the small ones.
#[test]
fn large_tiles_are_walked_as_by_the_twins() {
    let Some(gpu) = support::gpu() else { return };
    let layers = ["linear 256", "tanh", "linear 128", "tanh", "linear"].map(str::to_owned);
    let network = Network::read(&layers, Head::classes(10), None).unwrap();
    let target = Target { product: Family::Tiled, groups_wanted: 2, block_work: 0, ..gpu.target() };
    let compiled = programs_of_batch(&network, 128, target);
    let names = kernels(&compiled.plan, 0);
    let count = |name: &str| names.iter().filter(|n| n.starts_with(name)).count();
    let found = ["matmul.large_nt", "matmul.large_nn", "matmul.large_tn", "matmul.jobs_tiled"].map(count);
    assert_eq!(found, [1, 1, 1, 1], "{names:?}");
    let mut on_gpu = runner(&Device::gpu(gpu.clone()), compiled.clone());
    let mut twin = Machine::new(Arc::clone(&compiled.plan), Mode::Twin);
    for buffer in 0..compiled.plan.buffers.len() {
        twin.write_buffer(buffer, &on_gpu.executor().read_buffer(buffer).unwrap()).unwrap();
    }
    on_gpu.run(0, 3).unwrap();
    twin.run(0, 3).unwrap();
    for tensor in &compiled.tensors {
        let slot = compiled.plan.slot(&tensor.name).unwrap();
        let (want, got) = (twin.read_f32(slot).unwrap(), on_gpu.executor().read_f32(slot).unwrap());
        let largest = want.iter().fold(0.0, |m: f32, w| m.max(w.abs()));
        let gap = want.iter().zip(&got).map(|(w, g)| (w - g).abs()).fold(0.0, f32::max);
        // Roundings of sums of up to 256 terms, passed on through three layers and three steps.
        assert!(gap <= 2e-5 * largest, "{}: {gap} of {largest}", tensor.name);
    }
}
