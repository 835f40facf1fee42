//! NaN in, NaN out: for every operation, case and float that a kernel reads, on every executor.
//!
//! What depends on an element is found out by moving it to another number: whatever float changes then must become NaN
//! when the element does. So integers are left out, and what an element has no part in: of dropout what is dropped, of a
//! ReLU's dy what lies at or below 0, of max-norm other rows.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use support::job::executors;
use wgrad::cpu::{Machine, Mode};
use wgrad::executor::Executor;
use wgrad::judge::kernels::Trial;
use wgrad::kernel::{Access, Kernel, Scalar, Twin};
use wgrad::op::{Case, SlotId, Target, writes};
use wgrad::ops::OPS;

/// Elements of a slot that are tried until one has a part in anything.
const TRIES: usize = 1000;

/// Floats that have no part in anything: operation, case, slot, and why.
const UNUSED: &[[&str; 4]] = &[
    ["activation", "relu, negative 31x7", "up.out", "no x is above 0"],
    ["activation", "relu, -0.47, 31x7", "up.out", "no x is above 0"],
    ["activation", "relu, -0.235, 31x7", "up.out", "no x is above 0"],
    ["adam", "300, beta 0 and near 1", "in.2", "the mean before is multiplied by 0"],
    ["batch_norm", "population, first step, 17x8", "in.3", "the first batch begins the mean anew"],
    ["batch_norm", "population, first step, 17x8", "in.4", "the first batch begins the variance anew"],
    ["block", "relu, backward, given, -0.47, 9x28", "in.0", "no x is above 0"],
    ["block", "relu, backward, given, -0.235, 9x28", "in.0", "no x is above 0"],
    ["block", "relu, backward, given, words, -0.47, 9x27", "in.0", "no x is above 0"],
    ["block", "relu, backward, given, words, -0.235, 9x27", "in.0", "no x is above 0"],
    ["block", "batch_norm+relu+dropout, extreme x", "in.3", "every h is NaN as it is, or dropped"],
    ["block", "batch_norm+relu+dropout, extreme x", "in.4", "every h is NaN as it is, or dropped"],
    ["block", "batch_norm+relu+dropout, backward, extreme dy", "in.0", "every column's sums are NaN as it is"],
    ["block", "batch_norm+relu+dropout, backward, extreme dy", "in.1", "every column's sums are NaN as it is"],
    ["block", "batch_norm+relu+dropout, backward, extreme dy", "in.2", "every column's sums are NaN as it is"],
    ["block", "batch_norm+relu+dropout, backward, extreme dy", "in.3", "every column's sums are NaN as it is"],
    ["block", "batch_norm+relu+dropout, backward, extreme dy", "in.5", "every column's sums are NaN as it is"],
    ["block", "batch_norm+max_pool, over images, backward, 5 of 6x9x7x36", "in.4", "β moves all of a window alike"],
    [
        "block",
        "batch_norm+max_pool, over images, backward, extreme, 2 of 3x5x6x12",
        "in.4",
        "β moves all of a window alike",
    ],
    [
        "block",
        "batch_norm+max_pool, over images, backward, words, 3 of 4x7x8x13",
        "in.4",
        "β moves all of a window alike",
    ],
    [
        "block",
        "batch_norm+max_pool, over images, backward, words, extreme, 2 of 3x6x5x6",
        "in.4",
        "β moves all of a window alike",
    ],
    [
        "block",
        "batch_norm+relu+max_pool, over images, backward, 2 of 2x2x2x1",
        "in.4",
        "the largest is above 0 all the same",
    ],
    ["clip", "extreme", "in.0", "all are NaN as it is"],
    ["clip", "one infinity", "in.0", "all but the infinity become 0"],
    ["clip", "one NaN", "in.0", "all are NaN as it is"],
    ["matmul", "jobs, extreme", "in.0", "every sum has a NaN as it is"],
    ["matmul", "jobs, one bias alone, 33 of 40", "in.3", "of the second layer the bias alone has a gradient"],
    ["max_pool", "infinitely small", "in.0", "every x is infinite as it is"],
    ["max_norm", "1x1", "in.0", "a row of one is the bound itself"],
    ["max_norm", "extreme 9x70", "in.0", "every row has a NaN as it is"],
    ["metrics", "not finite", "in.0", "the mean is NaN as it is"],
    ["prelu", "1x1", "in.1", "x is above 0"],
    ["rmsprop", "1031, no momentum", "in.3", "the velocity before is multiplied by 0"],
    ["rmsprop", "300, alpha 0", "in.2", "the mean square before is multiplied by 0"],
    ["rmsprop", "257, small", "in.2", "the mean square before is multiplied by 0"],
    ["sgd", "1", "in.2", "the velocity before is multiplied by 0"],
    ["sgd", "255, decoupled", "in.2", "the velocity before is multiplied by 0"],
];

/// Results that a slot only directs: operation, what the case's name holds, slot and result. PyTorch too gives the whole dy to an x
/// that is NaN.
const DIRECTED: &[[&str; 4]] = &[
    ["max_pool", "", "in.0", "grad.0"],
    ["block", "max_pool", "in.1", "out.dz"],
    ["block", "max_pool", "in.3", "out.dgamma"],
];

/// The tensors that lie in a slot, or the slot itself where none does.
fn parts(trial: &Trial, slot: SlotId) -> Vec<SlotId> {
    let within = |id: &SlotId| trial.plan.slots[id.0 as usize].within.is_some_and(|(whole, _)| whole == slot);
    let parts: Vec<SlotId> = (0..trial.plan.slots.len() as u32).map(SlotId).filter(within).collect();
    if parts.is_empty() { vec![slot] } else { parts }
}

/// Slots bound as floats that are read and that are written.
fn floats(trial: &Trial) -> [BTreeSet<SlotId>; 2] {
    let mut all = [BTreeSet::new(), BTreeSet::new()];
    for dispatch in &trial.plan.programs[0].dispatches {
        for (&slot, binding) in dispatch.slots.iter().zip(dispatch.kernel.bindings) {
            for slot in parts(trial, slot).into_iter().filter(|_| binding.scalar == Scalar::F32) {
                let _ = binding.access != Access::Write && all[0].insert(slot);
                // What only the operation knows may lie in parts of which one holds the NaN.
                let public = trial.plan.slots[slot.0 as usize].public;
                let _ = public && writes(binding.access) && all[1].insert(slot);
            }
        }
    }
    all
}

/// Everything written, with one element of a slot replaced.
struct Bench<'a> {
    trial: &'a Trial,
    executor: Box<dyn Executor>,
    written: BTreeSet<SlotId>,
}

impl Bench<'_> {
    fn run(&mut self, replaced: Option<(SlotId, usize, f32)>) -> BTreeMap<SlotId, Vec<f32>> {
        let executor = self.executor.as_mut();
        self.trial.fill(executor).unwrap();
        if let Some((slot, at, value)) = replaced {
            executor.write(slot, at, &[value.to_bits()]).unwrap();
        }
        executor.run(0, 1).unwrap();
        self.written.iter().map(|&slot| (slot, executor.read_f32(slot).unwrap())).collect()
    }
}

/// Floats that should be NaN and are not, and whether the slot has a part in anything. `directed` says which results are
/// left out.
fn survivors(
    bench: &mut Bench<'_>,
    plain: &BTreeMap<SlotId, Vec<f32>>,
    slot: SlotId,
    directed: impl Fn(&str) -> bool,
) -> (Vec<String>, bool) {
    bench.trial.fill(bench.executor.as_mut()).unwrap();
    let before = bench.executor.read_f32(slot).unwrap();
    for k in 0..TRIES.min(before.len()) {
        // Any order will do in which neighbours are not all of one row or column.
        let at = (k * 7919 + before.len() / 2) % before.len();
        if !before[at].is_finite() {
            continue;
        }
        let moved = bench.run(Some((slot, at, 3.0 * before[at].abs() + 2.0)));
        let differs = |a: f32, b: f32| !a.is_nan() && !b.is_nan() && a != b;
        let parts: Vec<(SlotId, usize)> = plain
            .iter()
            .flat_map(|(s, values)| {
                let changed = values.iter().zip(&moved[s]).enumerate().filter(|(_, (a, b))| differs(**a, **b));
                changed.map(|(i, _)| (*s, i)).collect::<Vec<_>>()
            })
            .collect();
        if !parts.is_empty() {
            let poisoned = bench.run(Some((slot, at, f32::NAN)));
            let name = |s: SlotId| &bench.trial.plan.slots[s.0 as usize].name;
            let alive = parts.into_iter().filter(|(s, i)| !directed(name(*s)) && !poisoned[s][*i].is_nan());
            let what = |(s, i): (SlotId, usize)| {
                format!("NaN in {}[{at}], but {}[{i}] is {}", name(slot), name(s), poisoned[&s][i])
            };
            return (alive.map(what).collect(), true);
        }
    }
    (vec![], false)
}

/// Tries every float that the case reads. `unused` gathers the entries of [`UNUSED`] that hold.
fn check(op: &str, case: &Case, wrong: &mut Vec<String>, seen: &mut BTreeSet<String>, unused: &mut BTreeSet<usize>) {
    for subject in executors() {
        let trial = Trial::new(case, subject.target).unwrap();
        let [read, written] = floats(&trial);
        let executor = subject.executor(Arc::clone(&trial.plan)).unwrap();
        let mut bench = Bench { trial: &trial, executor, written };
        let plain = bench.run(None);
        let given = trial.wires.inputs.iter().chain(&trial.wires.d_outputs).map(|wire| wire.slot);
        for slot in given.filter(|slot| read.contains(slot)) {
            let name = &trial.plan.slots[slot.0 as usize].name;
            let is_of = |[o, c, s, _]: &[&str; 4]| *o == op && case.name.contains(c) && s == name;
            let directed = |result: &str| DIRECTED.iter().any(|entry| is_of(entry) && entry[3] == result);
            let (alive, has_part) = survivors(&mut bench, &plain, slot, directed);
            let what = format!("{op}: {}: {}", case.name, subject.name);
            wrong.extend(alive.first().map(|first| format!("{what}: {first} ({} such)", alive.len())));
            let entry = UNUSED.iter().position(|[o, c, s, _]| *o == op && *c == case.name && s == name);
            if has_part == entry.is_some() {
                wrong.push(format!("{what}: {name} has {} part in anything", if has_part { "a" } else { "no" }));
            }
            unused.extend(entry);
            seen.insert(op.to_owned());
        }
    }
}

/// The harness itself: a ReLU that is the larger of x and 0, as `max` has it.
#[test]
fn a_swallowed_nan_is_seen() {
    let relu = OPS.iter().find(|op| op.name == "activation").unwrap();
    let case = (relu.cases)().into_iter().find(|case| case.name == "relu, 61x33 of 70 rows").unwrap();
    let mut trial = Trial::new(&case, Target::CPU).unwrap();
    let found = |trial: &Trial| {
        let executor = Box::new(Machine::new(Arc::clone(&trial.plan), Mode::Twin));
        let mut bench = Bench { trial, executor, written: floats(trial)[1].clone() };
        let plain = bench.run(None);
        survivors(&mut bench, &plain, trial.wires.inputs[0].slot, |_| false).0
    };
    assert_eq!(found(&trial), [""; 0]);
    let forward = &mut Arc::make_mut(&mut trial.plan).programs[0].dispatches[0].kernel;
    let &Kernel { name, parts, args, bindings, needs, tolerance, .. } = *forward;
    let twin: Twin = |_, io| {
        let [x, _, mut y] = io.take();
        y.f32_mut().iter_mut().zip(x.f32()).for_each(|(y, x)| *y = x.max(0.0));
    };
    *forward =
        Box::leak(Box::new(Kernel { name, parts, args, bindings, needs, tolerance, twin: Some(twin), fast: None }));
    let found = found(&trial);
    assert!(found.iter().any(|what| what.contains("NaN in in.0") && what.contains("out.out")), "{found:?}");
}

#[test]
fn nothing_that_depends_on_a_nan_is_a_number() {
    let (mut wrong, mut seen, mut unused) = (vec![], BTreeSet::new(), BTreeSet::new());
    for op in OPS {
        // CPU plans do not split sums.
        for case in (op.cases)().into_iter().filter(|case| case.groups_wanted == 1) {
            check(op.name, &case, &mut wrong, &mut seen, &mut unused);
        }
    }
    let gone = UNUSED.iter().enumerate().filter(|(i, _)| !unused.contains(i));
    wrong.extend(gone.map(|(_, [op, case, slot, _])| format!("{op}: no case {case} reads {slot}")));
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    // A step's number is no float.
    assert_eq!(seen.len(), OPS.len() - 1, "{seen:?}");
}
