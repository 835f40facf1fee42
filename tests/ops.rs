//! Every operation in every case: GPU against twin, fast CPU variant against twin, gradient against differences.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "ops/breakages.rs"]
mod breakages;
#[path = "ops/reversed.rs"]
mod reversed;
mod support;

use rand_distr::Distribution;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wgrad::cpu::{Machine, Mode};
use wgrad::executor::Executor;
use wgrad::gpu::{Gpu, Session};
use wgrad::graph::plan::Plan;
use wgrad::judge::kernels::{Trial, Verdict, judge, judge_some};
use wgrad::kernel::{Access, Kernel, Needs, Scalar};
use wgrad::op::{Case, Dispatch, Family, SlotId, Target};
use wgrad::ops::{OPS, kernels};
use wgrad::random::{Domain, Stream};

fn cases() -> impl Iterator<Item = (&'static str, Case)> {
    OPS.iter().flat_map(|op| (op.cases)().into_iter().map(|case| (op.name, case)))
}

/// The targets of which every variant that this adapter can run is part.
fn targets(gpu: &Gpu) -> Vec<Target> {
    let best = gpu.target();
    let mut families = vec![Family::Plain, Family::Tiled];
    if best.product == Family::Subgroup {
        families.push(Family::Subgroup);
    }
    families.into_iter().map(|product| Target { product, ..best }).collect()
}

fn assert_all_ok(verdicts: &[Verdict]) {
    let bad: Vec<_> = verdicts.iter().filter(|v| !v.ok()).collect();
    assert!(bad.is_empty(), "{} of {} failed: {bad:#?}", bad.len(), verdicts.len());
}

#[test]
fn every_kernel_on_the_gpu_agrees_with_its_twin() {
    let Some(gpu) = support::gpu() else { return };
    let verdicts: Vec<_> = targets(&gpu).into_iter().flat_map(|target| on_gpu(&gpu, target)).collect();
    assert_all_ok(&verdicts);
    let seen: BTreeSet<_> = verdicts.iter().map(|v| v.kernel).collect();
    for kernel in kernels() {
        let able = gpu.target().offers(kernel.needs);
        assert!(!able || seen.contains(kernel.name), "no case reaches {}", kernel.name);
    }
}

/// Products by cooperative matrices, where the adapter lists some; their device is one of its own.
#[test]
fn every_product_in_float16_agrees_with_its_twin() {
    let Some(gpu) = support::gpu_f16() else { return };
    let target = gpu.target();
    let products = cases().filter(|(op, _)| *op == "matmul");
    let verdicts: Vec<_> = of_cases(&gpu, target, products);
    assert_all_ok(&verdicts);
    for kernel in kernels().into_iter().filter(|kernel| matches!(kernel.needs, Needs::Cooperative(_))) {
        let seen = verdicts.iter().any(|verdict| verdict.kernel == kernel.name);
        assert_eq!(seen, target.offers(kernel.needs), "{}", kernel.name);
    }
    for [case, right, wrong] in F16_BREAKAGES {
        let case = cases().find(|(op, c)| *op == "matmul" && c.name == *case).unwrap().1;
        let trial = Trial::new(&case, target).unwrap();
        let Some(first) = trial.plan.programs[0].dispatches.iter().find(|d| d.kernel.name.contains("cooperative"))
        else {
            panic!("{} has no such product", case.name)
        };
        let kernel = broken(first.kernel, right, wrong);
        let name = kernel.name;
        let mut session = Session::new(&gpu, with(&trial, first.kernel, kernel)).unwrap();
        let verdicts = judge(&trial, &case.name, &mut session).unwrap();
        // The judge goes by the trial's own plan, where the kernel has its right name.
        assert!(!verdicts[0].ok(), "{name}: {verdicts:#?}");
    }
}

/// Case, and a piece of the text of its value's product with what breaks it.
const F16_BREAKAGES: &[[&str; 3]] = &[
    ["one past a tile: 65x17x65", "row + of_a.x < m", "row + of_a.x + 1u < m"],
    ["one past a tile: 65x17x65", "k += DEPTH) {", "k += DEPTH + 1u) {"],
    ["several tiles: 130x68x132", "quarter % 2u * SIDE + e % SIDE", "e % SIDE"],
    ["several tiles: 130x68x132", "f16(right)", "f16(right * 1.001)"],
    ["edges of float16, 12x1x3", "f16(left)", "f16(left * 1.0001)"],
];

/// The checks that naga adds change the text that runs, and must change nothing else.
#[test]
fn every_kernel_agrees_with_its_twin_under_bounds_checks_too() {
    let Some(gpu) = support::checked_gpu() else { return };
    assert_all_ok(&on_gpu(&gpu, gpu.target()));
}

/// Sums of more terms than a driver may go through in one loop: as the others, or refused on that driver.
#[test]
fn long_sums_agree_with_their_twins() {
    let Some(gpu) = support::gpu() else { return };
    for target in targets(&gpu) {
        let taken = |(_, case): &(&str, Case)| Trial::within_turns(case, target).unwrap().is_some();
        let cases: Vec<_> = wgrad::judge::long::cases().into_iter().filter(taken).collect();
        assert!(cases.len() >= 4, "{target:?}: {cases:?}");
        assert_all_ok(&of_cases(&gpu, target, cases.into_iter()));
    }
}

fn on_gpu(gpu: &Arc<Gpu>, target: Target) -> Vec<Verdict> {
    of_cases(gpu, target, cases())
}

fn of_cases(gpu: &Arc<Gpu>, target: Target, cases: impl Iterator<Item = (&'static str, Case)>) -> Vec<Verdict> {
    let judged = |(op, case): (&str, Case)| {
        let trial = Trial::new(&case, target).unwrap();
        let mut session = Session::new(gpu, Arc::clone(&trial.watched)).unwrap();
        judge(&trial, &format!("{op}: {}", case.name), &mut session).unwrap()
    };
    cases.flat_map(judged).collect()
}

#[test]
fn every_fast_cpu_variant_agrees_with_its_twin() {
    let mut verdicts = vec![];
    // CPU plans do not split sums.
    for (op, case) in cases().filter(|(_, case)| case.groups_wanted == 1) {
        let trial = Trial::new(&case, Target::CPU).unwrap();
        let mut machine = Machine::new(Arc::clone(&trial.plan), Mode::Fast);
        let mut judged = || judge(&trial, &format!("{op}: {}", case.name), &mut machine).unwrap();
        // Also on more threads than one, which may be all that this machine has.
        verdicts.extend([judged(), wgrad::threads::with(3, judged)].into_iter().flatten());
    }
    // A kernel without a variant of its own is compared with itself, which says nothing.
    let fast: Vec<&Kernel> = kernels().into_iter().filter(|k| k.fast.is_some()).collect();
    verdicts.retain(|verdict| fast.iter().any(|kernel| kernel.name == verdict.kernel));
    assert_all_ok(&verdicts);
    // Those families are for GPUs, and share the variants of the plain one.
    let for_gpus = |name: &str| {
        [
            "matmul.tiled_",
            "matmul.large_",
            "matmul.subgroup_",
            "matmul.jobs_subgroup",
            "block.subgroup_",
            "conv.tiled_",
            "conv.subgroup_",
        ]
        .iter()
        .any(|p| name.starts_with(p) || name.ends_with("_u64") || name.ends_with("_subgroup"))
    };
    for kernel in fast.iter().filter(|kernel| !for_gpus(kernel.name)) {
        assert!(verdicts.iter().any(|verdict| verdict.kernel == kernel.name), "no case reaches {}", kernel.name);
    }
}

/// The derivative of Σ up · out along one random direction, by a four-point difference of the twins, against the
/// gradient that `backward` records.
#[test]
fn gradients_agree_with_differences() {
    let mut checked = 0;
    for (op, case) in cases().filter(|(_, case)| case.smooth) {
        let trial = Trial::new(&case, Target::CPU).unwrap();
        for input in 0..case.inputs.len() {
            if trial.wires.d_inputs.get(input).is_some_and(Option::is_some) {
                let (by_difference, by_gradient, size) = both_derivatives(&trial, &case, input);
                let gap = (by_difference - by_gradient).abs() / size;
                assert!(gap < GAP, "{op}: {}, input {input}: {by_difference} by difference, {by_gradient}", case.name);
                checked += 1;
            }
        }
    }
    assert!(checked > 40, "only {checked} gradients were checked");
}

/// Elements of a slot that the step's rows cover.
fn live(trial: &Trial, case: &Case, words: usize, capacity: usize) -> usize {
    let batch = trial.wires.inputs[0].shape.rows();
    if capacity == batch { words / capacity * case.rows } else { words }
}

/// How far gradient and difference may be apart: float32 outputs, with some 1e-7 of rounding each, limit the difference
/// to some 1e-5 at this step.
const GAP: f64 = 1e-4;

/// How far the difference moves an element, in the mean.
const STEP: f64 = 2e-2;

/// The derivative by difference and by gradient, and how large it is to be expected: along a random direction of length
/// 1 among N elements, the gradient's length over √N.
fn both_derivatives(trial: &Trial, case: &Case, input: usize) -> (f64, f64, f64) {
    let mut machine = Machine::new(Arc::clone(&trial.plan), Mode::Twin);
    trial.fill(&mut machine).unwrap();
    let slot = trial.wires.inputs[input].slot;
    let start = machine.read_f32(slot).unwrap();
    let count = live(trial, case, start.len(), trial.wires.inputs[input].shape.rows());
    let mut stream = Stream::new(11, Domain::Check, input as u32);
    let draw = |_| Distribution::<f32>::sample(&rand_distr::StandardNormal, &mut stream);
    let normal: Vec<f32> = start.iter().map(draw).collect();
    let length = normal[..count].iter().map(|d| f64::from(*d).powi(2)).sum::<f64>().sqrt();
    let direction: Vec<f32> = normal.iter().map(|d| (f64::from(*d) / length) as f32).collect();
    let is_loss = trial.wires.outputs.iter().any(|wire| trial.plan.slots[wire.slot.0 as usize].scalar == Scalar::U32);
    let mut value = |step: f32| -> f64 {
        trial.fill(&mut machine).unwrap();
        let moved: Vec<u32> = start.iter().zip(&direction).map(|(x, d)| (x + step * d).to_bits()).collect();
        machine.write(slot, 0, &moved).unwrap();
        (0..trial.forward).for_each(|at| machine.run_dispatch(0, at).unwrap());
        let out = machine.read_f32(trial.wires.outputs[0].slot).unwrap();
        let count = live(trial, case, out.len(), trial.wires.outputs[0].shape.rows());
        if is_loss {
            return out[..count].iter().map(|l| f64::from(*l)).sum::<f64>() / count as f64;
        }
        let up = machine.read_f32(trial.wires.d_outputs[0].slot).unwrap();
        out[..count].iter().zip(&up).map(|(y, u)| f64::from(*y) * f64::from(*u)).sum()
    };
    let h = (STEP * (count as f64).sqrt()) as f32;
    let by_difference = (8.0 * (value(h) - value(-h)) - (value(2.0 * h) - value(-2.0 * h))) / (12.0 * f64::from(h));
    trial.fill(&mut machine).unwrap();
    machine.run(0, 1).unwrap();
    let gradient = machine.read_f32(trial.wires.d_inputs[input].as_ref().unwrap().slot).unwrap();
    let along: f64 = gradient[..count].iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
    let moved = gradient[..count].iter().zip(&direction).filter(|(_, d)| **d != 0.0);
    let norm = moved.map(|(g, _)| f64::from(*g).powi(2)).sum::<f64>().sqrt();
    // The gradient of two normalised rows is 0 in truth.
    (by_difference, along, norm.max(1e-2) / (count as f64).sqrt())
}

/// The harness itself: a gradient of 16384 elements that is off by a thousandth.
#[test]
fn a_wrong_gradient_is_seen() {
    let case = cases().find(|(op, case)| *op == "dropout" && case.name == "p 0.9, 64x256").unwrap().1;
    let mut trial = Trial::new(&case, Target::CPU).unwrap();
    let gap = |trial: &Trial| {
        let (by_difference, by_gradient, size) = both_derivatives(trial, &case, 0);
        (by_difference - by_gradient).abs() / size
    };
    assert!(gap(&trial) < GAP);
    let backward = trial.forward;
    let plan = Arc::make_mut(&mut trial.plan);
    let dispatch = &mut plan.programs[0].dispatches[backward];
    let at = dispatch.kernel.args.iter().find(|field| field.name == "scale").unwrap().offset;
    let scale = f32::from_le_bytes(dispatch.args[at..at + 4].try_into().unwrap());
    dispatch.args[at..at + 4].copy_from_slice(&(1.001 * scale).to_le_bytes());
    assert!(gap(&trial) > GAP);
}

/// Kernels that change what they are given in a halted step too: counts of rows are collected wherever rows were seen, and the
/// loss scale is taken off gradients that nobody uses.
const GO_ON: [&str; 2] = ["metrics.collect", "loss_scale.divide"];

/// A halted run leaves all state alone: what an operation is given and changes. The judge holds every device to the
/// twins in such a run, so the twins alone are asked.
#[test]
fn nothing_moves_once_halted() {
    let mut seen = BTreeSet::new();
    for product in [Family::Plain, Family::Tiled, Family::Subgroup] {
        for (op, case) in cases() {
            let trial = Trial::new(&case, Target { product, ..Target::CPU }).unwrap();
            let dispatches = &trial.plan.programs[0].dispatches;
            // What an input is a part of.
            let whole = |slot: SlotId| trial.plan.slots[slot.0 as usize].within.map(|(whole, _)| whole);
            let state = |d: &Dispatch| -> Vec<SlotId> {
                let updated = |slot: &SlotId| {
                    let mut bound = d.slots.iter().zip(d.kernel.bindings);
                    bound.any(|(at, b)| b.access == Access::Update && (at == slot || Some(*at) == whole(*slot)))
                };
                let goes_on = GO_ON.contains(&d.kernel.name);
                trial.wires.inputs.iter().map(|wire| wire.slot).filter(|slot| !goes_on && updated(slot)).collect()
            };
            if dispatches.iter().all(|dispatch| state(dispatch).is_empty()) {
                continue;
            }
            let mut twins = Machine::new(Arc::clone(&trial.plan), Mode::Twin);
            trial.fill(&mut twins).unwrap();
            let mut now = twins.now().unwrap();
            now.halted = 1;
            twins.set_now(now).unwrap();
            for (at, dispatch) in dispatches.iter().enumerate() {
                let words = |twins: &mut Machine| -> Vec<Vec<u32>> {
                    let slots = state(dispatch).into_iter();
                    slots.map(|s| twins.read(s, 0, trial.plan.slots[s.0 as usize].words()).unwrap()).collect()
                };
                let before = words(&mut twins);
                twins.run_dispatch(0, at).unwrap();
                assert!(before == words(&mut twins), "{op}: {}: {}", case.name, dispatch.kernel.name);
                seen.extend((!before.is_empty()).then_some(dispatch.kernel.name));
            }
        }
    }
    for name in ["adam.update", "sgd.update_last", "batch_norm.running", "block.backward", "clip.scale", "metrics.step"]
    {
        assert!(seen.iter().any(|seen| seen.starts_with(name)), "{name} is given no state");
    }
}

/// Most bytes of a case that runs with its threads in another order: where all cases do, this takes long.
const SMALL: u64 = 1 << 20;

/// The order of a group's threads is the driver's own.
#[test]
fn threads_of_a_group_may_run_in_any_order() {
    let Some(gpu) = support::gpu() else { return };
    let (mut verdicts, mut seen) = (vec![], BTreeSet::new());
    let mut made: BTreeMap<&str, Option<&Kernel>> = BTreeMap::new();
    for target in targets(&gpu) {
        let before = seen.clone();
        for (op, case) in cases() {
            let trial = Trial::new(&case, target).unwrap();
            let mut plan = (*trial.plan).clone();
            let mut new = BTreeSet::new();
            for dispatch in &mut plan.programs[0].dispatches {
                let kernel = dispatch.kernel;
                let other = made.entry(kernel.name).or_insert_with(|| {
                    let text = reversed::reversed(&kernel.wgsl())?;
                    Some(reversed::with_text(kernel, format!("{}, reversed", kernel.name), text))
                });
                dispatch.kernel = other.unwrap_or(kernel);
                new.extend((other.is_some() && !before.contains(kernel.name)).then_some(kernel.name));
            }
            if new.is_empty() || trial.plan.bytes() > SMALL {
                continue;
            }
            let mut session = Session::new(&gpu, Arc::new(plan)).unwrap();
            let wanted = |kernel: &Kernel| new.contains(kernel.name);
            verdicts.extend(judge_some(&trial, &format!("{op}: {}", case.name), &mut session, &wanted).unwrap());
            seen.extend(new);
        }
    }
    assert_all_ok(&verdicts);
    for name in ["matmul.large_tn", "matmul.jobs_tiled", "batch_norm.stats", "block.forward", "head.cross_entropy"] {
        assert!(seen.iter().any(|seen| seen.starts_with(name)), "{name} has no other order");
    }
    // Upper threads of a sum by halves that go on adding, after the ones that read what they change.
    let case = cases().find(|(op, case)| *op == "batch_norm" && case.name == "127x33 of 128 rows").unwrap().1;
    let trial = Trial::new(&case, Target { product: Family::Tiled, ..gpu.target() }).unwrap();
    let kernel = trial.plan.programs[0].dispatches.iter().find(|d| d.kernel.name == "batch_norm.stats").unwrap().kernel;
    let text = reversed::reversed(&kernel.wgsl().replace("lane < half", "true")).unwrap();
    let wrong = with(&trial, kernel, reversed::with_text(kernel, "without its condition".into(), text));
    let mut session = Session::new(&gpu, wrong).unwrap();
    assert!(judge(&trial, "reversed", &mut session).unwrap().iter().any(|v| v.kernel == kernel.name && !v.ok()));
}

/// The harness itself: kernels broken on purpose, each in a way that only one thing can see.
#[test]
fn a_broken_kernel_is_named() {
    let Some(gpu) = support::gpu() else { return };
    for &[op, case, name, right, wrong] in breakages::BREAKAGES {
        let case = cases().find(|(o, c)| *o == op && c.name == case).unwrap_or_else(|| panic!("{op}: {case}")).1;
        let kernel = kernels().into_iter().find(|kernel| kernel.name == name).unwrap();
        let product = if kernel.needs == Needs::SubgroupsOf8 { Family::Subgroup } else { Family::Tiled };
        let target = Target { product, ..gpu.target() };
        if product == Family::Subgroup && !gpu.report().families().contains(&product) {
            continue;
        }
        let trial = Trial::new(&case, target).unwrap();
        let mut session = Session::new(&gpu, with(&trial, kernel, broken(kernel, right, wrong))).unwrap();
        let verdicts = judge(&trial, &case.name, &mut session).unwrap();
        let mut named: Vec<_> = verdicts.iter().filter(|v| !v.ok()).map(|v| v.kernel).collect();
        named.dedup();
        assert_eq!(named, [name], "{wrong}: {verdicts:#?}");
    }
}

/// A trial's plan for devices, with one kernel in place of another.
fn with(trial: &Trial, right: &'static Kernel, wrong: &'static Kernel) -> Arc<Plan> {
    let mut plan = (*trial.watched).clone();
    let dispatches = plan.programs.iter_mut().flat_map(|program| &mut program.dispatches);
    dispatches.filter(|dispatch| dispatch.kernel == right).for_each(|dispatch| dispatch.kernel = wrong);
    Arc::new(plan)
}

/// A kernel with one piece of its text replaced, under a name of its own so that pipelines are not mixed up.
fn broken(kernel: &'static Kernel, right: &str, wrong: &str) -> &'static Kernel {
    let mut parts = kernel.parts.to_vec();
    let mut hits = 0;
    for part in &mut parts {
        if part.text.contains(right) {
            part.text = part.text.replace(right, wrong).leak();
            hits += 1;
        }
    }
    assert_eq!(hits, 1, "{right} is not in {}", kernel.name);
    let name = format!("{} with {wrong} for {right}", kernel.name).leak();
    let (args, bindings, needs) = (kernel.args, kernel.bindings, kernel.needs);
    let (tolerance, twin, fast) = (kernel.tolerance, kernel.twin, kernel.fast);
    Box::leak(Box::new(Kernel { name, parts: parts.leak(), args, bindings, needs, tolerance, twin, fast }))
}
