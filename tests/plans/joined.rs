//! What is joined in a plan, and that it gives the same as apart.

use super::*;

/// `matmul` + bias + `relu` as one kernel beside the plain two, with the same values to the last bit on one executor.
#[test]
fn a_fused_pair_is_one_dispatch_and_gives_the_same() {
    let compiled = |fuse| {
        let data = DataShape { bytes: true, rows: 1797, row: vec![64] };
        let target = Target { fuse, ..Target::CPU };
        Compiled::compile(&relu_network(), &data, 32, Purpose::Predict, target).unwrap()
    };
    let (two, one) = (kernels(&compiled(false).plan, 0), kernels(&compiled(true).plan, 0));
    let count = |names: &[&str], name: &str| names.iter().filter(|n| **n == name).count();
    assert_eq!((count(&two, "matmul.plain_nt_bias_relu"), count(&two, "activation.forward_relu")), (0, 1));
    assert_eq!((count(&one, "matmul.plain_nt_bias_relu"), count(&one, "activation.forward_relu")), (1, 0));
    assert_eq!(one.len(), two.len() - 1);
    let rows: Vec<u32> = (0..320).collect();
    let digits = support::digits().0.values;
    let outputs = |fuse| runner(&Device::CPU, compiled(fuse)).outputs(&digits, 0, &rows).unwrap();
    assert_eq!(outputs(false), outputs(true));
}

fn relu_network() -> Network {
    Network::read(&["linear 24", "relu", "linear"].map(str::to_owned), Head::classes(10), None).unwrap()
}

/// All that is joined in a step: two blocks, the gradients of three layers, the head and both ends of the step.
#[test]
fn a_step_of_blocks_is_eight_dispatches() {
    let layers = ["linear 24", "batch_norm", "relu", "dropout 0.3", "linear 12", "batch_norm", "relu", "linear"];
    let network = Network::read(&layers.map(str::to_owned), Head::classes(10), None).unwrap();
    for target in targets() {
        let names = kernels(&programs_of(&network, target).plan, 0);
        let kinds: Vec<&str> = names
            .iter()
            .map(|name| name.trim_end_matches("_subgroup").trim_end_matches("_u64"))
            .map(|name| name.split(' ').next().unwrap())
            .collect();
        if target.fuse {
            let (block, jobs) = match target.product {
                Family::Subgroup => {
                    (["block.subgroup_forward", "block.subgroup_backward"], "matmul.jobs_subgroup_pairs")
                }
                _ => (["block.forward", "block.backward"], "matmul.jobs_tiled"),
            };
            let head = "head.linear_cross_entropy";
            let step = ["gather.bytes_first", block[0], block[0], head, block[1], block[1], jobs, "sgd.update_last"];
            assert_eq!(kinds, step);
        } else {
            assert!(names.len() > 30 && !names.iter().any(|name| name.starts_with("block.")), "{names:?}");
        }
    }
}

/// Joined and apart, each executor gives the same losses within float32 rounding.
#[test]
fn joined_steps_give_the_same() {
    let mut places = vec![(Device::CPU, Target::CPU)];
    if let Some(gpu) = support::gpu() {
        let tiled = Target { product: Family::Tiled, ..gpu.target() };
        places.extend([gpu.target(), tiled].map(|target| (Device::gpu(gpu.clone()), target)));
    }
    for (device, target) in places {
        let [apart, joined] = [false, true].map(|fuse| losses(&device, compiled(Target { fuse, ..target }), 12));
        for (step, ((want, _), (got, _))) in apart.iter().zip(&joined).enumerate() {
            // Some 2⁻²⁴ of rounding in each of several sums, which twelve steps at this rate make some thirty times larger.
            assert!((want - got).abs() <= 1e-5 * want, "{target:?}, step {step}: {want} and {got}");
        }
    }
}

#[test]
fn a_fused_pair_gives_the_same_on_the_gpu() {
    let Some(gpu) = support::gpu() else { return };
    let network = relu_network();
    for product in [gpu.target().product, Family::Tiled] {
        let compiled = |fuse| programs_of(&network, Target { fuse, product, ..gpu.target() });
        let (plain, fused) = (compiled(false), compiled(true));
        let relus = |plan: &Plan| kernels(plan, 0).iter().filter(|name| **name == "activation.forward_relu").count();
        assert_eq!((relus(&plain.plan), relus(&fused.plan)), (1, 0));
        let device = Device::gpu(gpu.clone());
        let pairs = losses(&device, plain, 12).into_iter().zip(losses(&device, fused, 12));
        for (step, ((want, right), (got, right_fused))) in pairs.enumerate() {
            // A driver may round product and bias at once in one kernel and not in the other: a few roundings a step.
            assert!((want - got).abs() <= 2e-5 * want, "{product:?}, step {step}: {want} and {got}");
            assert!(right.abs_diff(right_fused) <= 1, "{product:?}, step {step}: {right} and {right_fused}");
        }
    }
}
