//! A step on the CPU path takes no memory from the system, after the first.
#![allow(clippy::unwrap_used, reason = "a test")]

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use wgrad::data::Values;
use wgrad::device::Device;
use wgrad::gemm::{Taps, conv_gradient_by_input, conv_gradient_by_weight, conv_value};
use wgrad::kernel::Step;
use wgrad::nn::{Head, Network, Rule, Settings};
use wgrad::op::{Target, Value};
use wgrad::run::{Compiled, DataShape, Purpose, Runner, TrainOptions};
use wgrad::threads;

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often `work` asked for memory, on any thread: of the allocator, or, as far as the system tells, by a mapping that is
/// still there.
fn allocations(work: impl FnOnce()) -> usize {
    let mapped = mappings();
    let region = Region::new(MEMORY);
    work();
    let change = region.change();
    change.allocations + change.reallocations + usize::from(mappings() != mapped)
}

/// A hash of what the process has mapped. It is read without taking memory, which could move the end of a heap.
fn mappings() -> u64 {
    let mut hash = DefaultHasher::new();
    if let Ok(mut maps) = std::fs::File::open("/proc/self/maps") {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = maps.read(&mut bytes) {
            bytes[..read].iter().for_each(|byte| hash.write_u8(*byte));
        }
    }
    hash.finish()
}

/// A network of these layers and a last one, on made-up bytes, before its first step.
fn runner(row: &[usize], layers: &[&str], batch: usize, rule: Rule) -> Runner {
    let (rows, features) = (4 * batch, row.iter().product::<usize>());
    let data = DataShape { bytes: true, rows, row: row.to_vec() };
    let layers: Vec<String> = layers.iter().chain(&["linear"]).map(|layer| (*layer).to_owned()).collect();
    let network = Network::read(&layers, Head::classes(10), None).unwrap();
    let optimizer = Settings { rule, weight_decay: 1e-4, ..Settings::default() };
    let options = TrainOptions { seed: 1, optimizer, lr: 0.01, ..TrainOptions::default() };
    let compiled = Compiled::compile(&network, &data, batch, Purpose::Train(options), Target::CPU).unwrap();
    let tensors = compiled.tensors.clone();
    let mut runner = Runner::new(&Device::CPU, compiled).unwrap();
    let bytes = (0..(rows * features) as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (offset, factor) = (vec![0.0; features], vec![1.0 / 255.0; features]);
    runner.load_data(&Values::Bytes(bytes), (&offset, &factor)).unwrap();
    runner.load_targets(&(0..rows as u32).map(|i| i % 10).collect::<Vec<_>>(), None).unwrap();
    for (index, tensor) in tensors.iter().enumerate() {
        runner.write_floats(&tensor.name, &tensor.initial(1, index)).unwrap();
    }
    let order: Vec<u32> = (0..rows as u32).collect();
    let line = |s: u32| Step { start: batch as u32 * s, rows: batch as u32, rate: 0.01, step: s };
    runner.begin(&order, &(0..4).map(line).collect::<Vec<_>>(), 0).unwrap();
    runner
}

/// How often the passes of a convolution ask for memory, after the first time.
fn convolutions() -> usize {
    let pair = |value: usize| [value; 2];
    let (input, output) = ([32, 32, 3], [16, 16, 32]);
    let taps = Taps { kernel: pair(3), stride: pair(2), padding: pair(1), dilation: pair(1), input, output };
    let [mut x, mut weight, mut y] = [8 * 32 * 32 * 3, 32 * 9 * 3, 8 * 16 * 16 * 32].map(|floats| vec![0.5; floats]);
    let mut bias = vec![0.0; 32];
    let mut passes = || {
        conv_value(&taps, &x, &weight, 8, &mut y, |_, _| ());
        conv_gradient_by_weight(&taps, &x, &y, 8, &mut weight, Some(&mut bias));
        conv_gradient_by_input(&taps, &y, &weight, 8, &mut x, |_, _| ());
    };
    threads::enter(|| {
        // A thread takes memory when it first takes work over from another, which may be in any of the first passes.
        (0..10).for_each(|_| passes());
        allocations(|| (0..50).for_each(|_| passes()))
    })
}

/// One test, for memory is the whole process's.
#[test]
fn steps_after_the_first_take_no_memory() {
    let momentum = Rule::read("sgd", &[("momentum", Value::Number(0.9))]).unwrap();
    let large = ["linear 256", "batch_norm", "relu", "dropout 0.5", "linear 128", "batch_norm", "relu", "dropout 0.5"];
    let images =
        ["conv 12 kernel=3", "batch_norm", "relu", "max_pool 2", "conv 9 kernel=3", "tanh", "max_pool 2", "flatten"];
    let nets = [
        ("large", &[784][..], &large[..], 128, "block.backward batch_norm+relu+dropout"),
        (
            "small",
            &[64],
            &["linear 32", "batch_norm", "relu", "dropout 0.5"],
            32,
            "block.forward batch_norm+relu+dropout",
        ),
        (
            "prelu",
            &[64],
            &["linear 32", "batch_norm", "prelu", "linear 30", "prelu per_channel=true"],
            32,
            "block.forward batch_norm+prelu_shared",
        ),
        (
            "maxout",
            &[64],
            &["linear 32", "maxout 2", "linear 36", "batch_norm", "maxout 4"],
            32,
            "block.forward_narrow maxout_2",
        ),
        // Two layers make the gradient by what the ReLU gives.
        (
            "residual",
            &[64],
            &["linear 32", "batch_norm", "relu", "residual(linear 32; relu)"],
            32,
            "block.backward_given",
        ),
        ("images", &[3, 10, 11], &images, 32, "block.pixels_sums batch_norm+relu+max_pool"),
    ];
    for (name, row, layers, batch, kernel) in nets {
        let mut runner = runner(row, layers, batch, momentum);
        let program = runner.compiled().train.unwrap();
        let dispatches = &runner.compiled().plan.programs[program].dispatches;
        assert!(dispatches.iter().any(|dispatch| dispatch.kernel.name.starts_with(kernel)), "{name}: no {kernel}");
        runner.run(program, 1).unwrap();
        let count = allocations(|| runner.run(program, 3).unwrap());
        assert_eq!(count, 0, "{name}");
        assert!(runner.results(0, 4).unwrap().iter().all(|(loss, _)| loss.is_finite() && *loss > 0.0), "{name}");
    }
    let count = convolutions();
    assert_eq!(count, 0, "convolutions");
    #[cfg(target_os = "linux")]
    {
        let mut large = None;
        assert!(allocations(|| large = Some(wgrad::aligned::Aligned::<f32>::hot(1 << 20))) > 0);
    }
    // The harness itself, on this thread and on others.
    assert!(allocations(|| drop(std::hint::black_box(vec![1u8; 100]))) > 0);
    let elsewhere = || threads::on_each(|| drop(std::hint::black_box(vec![1u8; 100])));
    assert!(allocations(elsewhere) >= threads::count());
}
