//! Micro-benchmarks, compared with the last run of the same: `cargo bench`, or `cargo bench -- NAME` for some of them.
//! The step of two networks on the CPU path, products at training shapes, and on a GPU, if there is one, what a
//! dispatch costs the device and the host, and what time and memory it takes to record a step.

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::fmt::Debug;
use std::time::{Duration, Instant};
use wgrad::bench::{Chain, Net, Product, WORKS, Work};
use wgrad::device::{Device, DeviceChoice};
use wgrad::gpu::Choice;

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What was made, or the reason why this machine cannot measure it.
fn made<T, E: Debug>(made: Result<T, E>) -> T {
    made.unwrap_or_else(|error| panic!("{error:?}"))
}

/// Calls `work(n)` for the times that criterion wants, in one go.
fn timed<E: Debug>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut work: impl FnMut(usize) -> Result<(), E>) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let started = Instant::now();
            made(work(times as usize));
            started.elapsed()
        });
    });
}

fn steps(c: &mut Criterion, device: &Device) {
    let mut group = c.benchmark_group("step");
    for work in WORKS.iter().filter(|work| work.name != "w2") {
        let mut net = made(Net::new(*work, device, device.target(), None));
        group.throughput(Throughput::Elements(work.batch as u64));
        timed(&mut group, work.name, |count| net.steps(count));
    }
    group.finish();
}

fn products(c: &mut Criterion, device: &Device) {
    let mut group = c.benchmark_group("product");
    for (work, product) in WORKS[..2].iter().flat_map(|work| Product::of_step(work).into_iter().map(move |p| (work, p)))
    {
        let mut chain = made(Chain::product(product, device, device.target()));
        // Criterion's elements per second are then floating-point operations per second.
        group.throughput(Throughput::Elements(product.flops() as u64));
        timed(&mut group, &format!("{} {product}", work.name), |count| chain.steps(count));
    }
    group.finish();
}

/// Steps of 32 dispatches that do nothing, until they are done, and until they are given to the device.
fn dispatches(c: &mut Criterion, device: &Device) {
    let mut group = c.benchmark_group("dispatch");
    let mut chain = made(Chain::empty(device));
    group.throughput(Throughput::Elements(chain.dispatches() as u64));
    timed(&mut group, "done", |count| chain.steps(count));
    group.bench_function("given", |bencher| {
        bencher.iter_custom(|times| {
            let mut all = Duration::ZERO;
            for _ in 0..times {
                let started = Instant::now();
                made(chain.executor().run(0, 1));
                all += started.elapsed();
                // None is left for the next to wait for.
                made(chain.executor().now());
            }
            all
        });
    });
    group.finish();
}

/// The dispatches of W1 on layers so narrow that a driver that runs on the host's cores leaves it some.
const NARROW: Work = Work { name: "w1, but narrow", sizes: &[64, 32, 32, 10], batch: 32, ..WORKS[0] };

/// What recording and submitting a step asks of the host: its time, and of its memory wgpu's part, since our own is none.
fn recording(device: &Device) {
    for work in [WORKS[0], NARROW, WORKS[2]] {
        let mut net = made(Net::new(work, device, device.target(), None));
        let mut of = |steps: usize| {
            let region = Region::new(MEMORY);
            made(net.steps(steps));
            let change = region.change();
            (change.allocations + change.reallocations, change.bytes_allocated)
        };
        of(8);
        let (few, many) = (of(8), of(40));
        net.host_seconds();
        for _ in 0..8 {
            made(net.steps(64));
        }
        let time = net.host_seconds() * 1e6;
        let each = |few: usize, many: usize| (many as f64 - few as f64) / 32.0;
        let (count, bytes) = (each(few.0, many.0), each(few.1, many.1));
        println!("recording a step of {}: {time:.1} µs, {count:.1} allocations, {bytes:.0} bytes", work.name);
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let gpu = Device::open(&DeviceChoice::Gpu(Choice::Any));
    let gpu = gpu.inspect_err(|error| eprintln!("no dispatches: {error}")).ok();
    if let Some(device) = &gpu {
        // Before all else, for what a driver's allocations take depends on what was allocated and freed before.
        recording(device);
    }
    let cpu = made(Device::open(&DeviceChoice::Cpu));
    steps(&mut criterion, &cpu);
    products(&mut criterion, &cpu);
    if let Some(device) = &gpu {
        dispatches(&mut criterion, device);
    }
    criterion.final_summary();
}
