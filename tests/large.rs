//! Large inputs take a time that is linear in their size: each here took half a minute or more where it was the square.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::{Duration, Instant};
use wgrad::nn::{Head, Network};
use wgrad::op::Target;
use wgrad::run::{Compiled, DataShape, Purpose, TrainOptions};

/// Far more than any of it takes, also on a busy machine, and far less than the square takes.
const LIMIT: Duration = Duration::from_secs(15);

fn within(name: &str, work: impl FnOnce()) {
    let started = Instant::now();
    work();
    let took = started.elapsed();
    assert!(took < LIMIT, "{name}: {took:?}");
}

/// Compiles for training and for inference.
fn compile(layers: &[String]) -> Compiled {
    let network = Network::read(layers, Head::classes(3), None).unwrap();
    let data = DataShape { bytes: false, rows: 64, row: vec![4] };
    let options =
        TrainOptions { seed: 1, optimizer: wgrad::nn::Settings::default(), lr: 0.1, ..TrainOptions::default() };
    Compiled::compile(&network, &data, 16, Purpose::Train(options), Target::CPU).unwrap()
}

fn repeated(block: &[&str], layers: usize) -> Vec<String> {
    let all = block.iter().cycle().take(layers).map(|&layer| layer.to_owned());
    all.chain(["linear".to_owned()]).collect()
}

#[test]
fn networks_of_many_layers_are_compiled() {
    let block = ["linear 4", "batch_norm", "relu", "dropout 0.5"];
    for (name, block) in [("activations", &["relu"][..]), ("linear", &["linear 4", "relu"]), ("blocks", &block)] {
        within(name, || drop(compile(&repeated(block, 20_000))));
    }
    // What is joined in a deep network is what is joined in a shallow one.
    let dispatches = |blocks: usize| {
        let compiled = compile(&repeated(&block, 4 * blocks));
        compiled.plan.programs.iter().map(|program| program.dispatches.len()).collect::<Vec<_>>()
    };
    let [few, more] = [dispatches(6), dispatches(12)];
    let [most] = [dispatches(600)];
    for ((few, more), most) in few.iter().zip(&more).zip(&most) {
        assert_eq!(most - few, (more - few) * 99);
    }
}
