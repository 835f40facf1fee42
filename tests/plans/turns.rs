//! Loops on a driver that ends them after so many turns.

use super::*;
use wgrad::judge::kernels::{Trial, judge};
use wgrad::judge::long;
use wgrad::kernel::Tile;
use wgrad::op::turns::{MESA_TURNS, turns};
use wgrad::op::{Case, Fill, Op};
use wgrad::ops::OPS;
use wgrad::ops::batch_norm::{BatchNorm, Statistics};
use wgrad::ops::block::of_ops;
use wgrad::ops::dropout::Dropout;
use wgrad::ops::matmul::{Job, WeightGradients};

fn mesa() -> Target {
    Target { max_turns: MESA_TURNS, product: Family::Subgroup, groups_wanted: 2, max_buffer: 1 << 31, ..Target::CPU }
}

/// A kernel with a loop whose turns nobody counts could be ended too early.
#[test]
fn the_turns_of_every_loop_are_known() {
    let tiles = Tile::ALL.map(Family::Cooperative);
    let mut seen = BTreeSet::new();
    for product in [Family::Plain, Family::Tiled, Family::Subgroup].into_iter().chain(tiles) {
        for op in OPS {
            for case in (op.cases)() {
                let plan = Trial::new(&case, Target { product, ..Target::CPU }).unwrap().plan;
                for dispatch in &plan.programs[0].dispatches {
                    let wgsl = dispatch.kernel.wgsl();
                    let code: String = wgsl.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
                    let loops = ["for (", "loop {", "while "].iter().any(|word| code.contains(word));
                    assert!(!loops || turns(dispatch).is_some(), "{} has a loop", dispatch.kernel.name);
                    seen.insert(dispatch.kernel.name);
                }
            }
        }
    }
    assert!(wgrad::ops::kernels().into_iter().all(|kernel| seen.contains(kernel.name)));
}

#[test]
fn a_batch_too_large_for_a_block_has_its_parts_apart() {
    let layers = ["linear 24", "batch_norm", "relu", "dropout 0.3", "linear"].map(str::to_owned);
    let network = Network::read(&layers, Head::classes(10), None).unwrap();
    let count = |batch: usize, target: Target| {
        let plan = programs_of_batch(&network, batch, target).plan;
        let all = plan.programs.iter().flat_map(|program| &program.dispatches);
        assert!(all.clone().all(|dispatch| turns(dispatch).unwrap_or(0) <= target.max_turns as usize));
        all.filter(|dispatch| dispatch.kernel.name.starts_with("block.")).count()
    };
    assert_eq!(count(1000, mesa()), 2);
    assert_eq!(count(6000, mesa()), 0);
    assert_eq!(count(6000, Target { max_turns: u32::MAX, ..mesa() }), 2);
}

#[test]
fn a_sum_over_too_many_rows_is_refused_by_name() {
    let refused = |rows: usize| {
        let case = weights(rows);
        let told = Trial::new(&case, mesa()).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(told.is_err(), Trial::within_turns(&case, mesa()).unwrap().is_none());
        told
    };
    assert_eq!(refused(65_000), Ok(()));
    let told = refused(66_000).unwrap_err();
    assert!(told.contains("matmul.jobs_subgroup") && told.contains("65535"), "{told}");
    // Where nothing ends loops, nothing is refused.
    assert!(long::cases().iter().all(|(_, case)| Trial::new(case, Target { max_turns: u32::MAX, ..mesa() }).is_ok()));
}

fn weights(rows: usize) -> Case {
    let inputs = vec![([rows, 2].into(), Fill::Normal(0.2, 1.0)), ([rows, 4].into(), Fill::Normal(0.2, 1.0))];
    Case::new("weights", WeightGradients { jobs: vec![Job { weight: true, bias: true }] }, rows, inputs)
}

fn block(rows: usize) -> Case {
    let tensor = |shape: &[usize]| (wgrad::shape::Shape(shape.to_vec()), Fill::Normal(0.1, 1.0));
    let dropout = Dropout { p: 0.5, rule: Default::default(), layer: 1, seed: 1, per_channel: false };
    // So many columns that the largest of a row is no small number, whatever dropout leaves of it.
    let inputs = vec![tensor(&[rows, 4]), tensor(&[64, 4]), tensor(&[64]), tensor(&[64]), tensor(&[64])];
    let norm = BatchNorm { eps: 1e-5, momentum: 0.1, statistics: Statistics::Batch };
    let ops: [Arc<dyn Op>; 3] = [Arc::new(norm), Arc::new(Activation::RELU), Arc::new(dropout)];
    Case::new("block", of_ops(&ops, 64, true), rows, inputs)
}

/// The driver at hand does what is counted, and where it ends loops, a little more is wrong there.
#[test]
fn the_limit_is_where_it_is_said_to_be() {
    let Some(gpu) = support::gpu() else { return };
    let target = gpu.target();
    let wrong = |case: &Case, target: Target| {
        let trial = Trial::new(case, target).unwrap();
        let mut session = Session::new(&gpu, trial.plan.clone()).unwrap();
        let verdicts = judge(&trial, &case.name, &mut session).unwrap();
        verdicts.into_iter().find(|verdict| !verdict.ok())
    };
    for case in [weights(65_400), block(4_500)] {
        assert_eq!(wrong(&case, target), None);
    }
    if target.max_turns != MESA_TURNS || target.product != Family::Subgroup {
        return support::not_checked("a driver that ends loops: this one is another");
    }
    for case in [weights(66_000), block(5_000)] {
        assert!(wrong(&case, Target { max_turns: u32::MAX, ..target }).is_some(), "{} needs no limit", case.name);
    }
}
