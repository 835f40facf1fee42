//! The gradients of up to three layers' weights and biases in one dispatch.
//!
//! dWᵢ = dyᵢᵀ xᵢ and dbᵢ = Σ dyᵢ over the rows of the step. No layer's gradient waits for another's, so the groups of all
//! layers run at once; in sequence, small layers would leave a GPU idle. It is allowed where nothing reads those gradients
//! before the update. A gradient that fills the device with large tiles is a product of its own, and the family of cooperative
//! matrices keeps all products apart.

use super::variants::{Form, are_large};
use super::{Args, ColumnArgs, RowsIn, Sizes, fast, twins};
use crate::args;
use crate::kernel::{Io, Kernel, NOW, Needs, Size, Tensor, Tolerance, Twin, args_of, read, update};
use crate::op::{Case, Family, Fill, Made, Op, Outputs, Recorder, SlotId, Target, Wire, Wires};
use crate::parts;
use crate::shape::{Shape, ShapeError};

/// Most layers of one dispatch: each takes two of eight bindings.
pub const MOST: usize = 3;

/// The place of a tensor that a job does not have.
pub(super) const NOWHERE: u32 = u32::MAX;

args! {
    pub(super) struct JobsArgs {
        m0: u32, n0: u32, first0: u32, weight0: u32, bias0: u32,
        m1: u32, n1: u32, first1: u32, weight1: u32, bias1: u32,
        m2: u32, n2: u32, first2: u32, weight2: u32, bias2: u32,
    }
}

/// One layer's part of the arguments; m is 0 where there is no layer, and n where only the bias's gradient is wanted.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct Placed {
    pub m: u32,
    pub n: u32,
    first: u32,
    pub weight: u32,
    pub bias: u32,
}

const BINDINGS: &[crate::kernel::Binding] =
    &[read("dy0"), read("x0"), read("dy1"), read("x1"), read("dy2"), read("x2"), NOW, update("grads")];

const SUM: Tolerance = Tolerance { c: 4.0, size: Size::Terms, terms: |_, rows| rows };

macro_rules! jobs {
    ($name:literal, $needs:expr, [$($part:literal),*]) => {
        Kernel {
            name: $name,
            parts: parts!("shared/now.wgsl", "matmul/jobs.wgsl", $($part),*),
            args: JobsArgs::FIELDS,
            bindings: BINDINGS,
            needs: $needs,
            tolerance: SUM,
            twin: Some(|a, io| twin(args_of(a), io)),
            fast: Some(&|a, io| fast::jobs(bytemuck::cast::<JobsArgs, _>(args_of(a)), io)),
        }
    };
}

pub(super) static TILED: Kernel = jobs!("matmul.jobs_tiled", Needs::Nothing, ["matmul/jobs_tiled.wgsl"]);
pub(super) static PAIRS: Kernel = jobs!(
    "matmul.jobs_subgroup_pairs",
    Needs::SubgroupsOf8,
    ["shared/quads_u64.wgsl", "matmul/jobs_dy_pairs.wgsl", "matmul/jobs_x_quads.wgsl", "matmul/jobs_subgroup.wgsl"]
);
pub(super) static SCALARS: Kernel = jobs!(
    "matmul.jobs_subgroup_scalars",
    Needs::SubgroupsOf8,
    ["shared/quads_u64.wgsl", "matmul/jobs_dy_scalars.wgsl", "matmul/jobs_x_quads.wgsl", "matmul/jobs_subgroup.wgsl"]
);
pub(super) static WORDS: Kernel = jobs!(
    "matmul.jobs_subgroup_words",
    Needs::SubgroupsOf8,
    ["matmul/jobs_dy_scalars.wgsl", "matmul/jobs_x_words.wgsl", "matmul/jobs_subgroup.wgsl"]
);

/// The gradients of a layer that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Whether that of W is; alone, x is not looked at.
    pub weight: bool,
    /// Whether that of b is.
    pub bias: bool,
}

/// The operation. Inputs: dy `[batch, m]` and x `[batch, n]` of each layer; outputs: dW `[m, n]` of each, and db `[m]` of each
/// that has a bias, behind its dW.
#[derive(Clone, Debug)]
pub struct WeightGradients {
    /// What is wanted of each layer.
    pub jobs: Vec<Job>,
}

impl WeightGradients {
    /// Whether a layer with m outputs of n inputs may be among them.
    pub fn takes([m, n]: [usize; 2], target: &Target) -> bool {
        match target.product {
            Family::Plain => true,
            Family::Tiled => {
                let sizes = Sizes { m, n, k: 1, rows_in: RowsIn::K };
                !are_large(sizes.tiled(Form::Tn, target).kernels)
            }
            Family::Subgroup => true,
            Family::Cooperative(_) => false,
        }
    }
}

impl Op for WeightGradients {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        const NAMES: [[&str; 2]; MOST] = [["dweight0", "dbias0"], ["dweight1", "dbias1"], ["dweight2", "dbias2"]];
        let mut outputs = vec![];
        for ((pair, job), [weight, bias]) in inputs.chunks(2).zip(&self.jobs).zip(NAMES) {
            outputs.extend(job.weight.then(|| Made::f32(weight, [pair[0].width(), pair[1].width()])));
            outputs.extend(job.bias.then(|| Made::f32(bias, [pair[0].width()])));
        }
        Ok(Outputs { outputs, saved: vec![] })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let outputs: Vec<SlotId> = w.outputs.iter().map(|wire| wire.slot).collect();
        let grads = rec.together(&outputs);
        let even = w.inputs.chunks(2).all(|pair| pair[0].shape.width().is_multiple_of(2));
        let wide = w.inputs.chunks(2).all(|pair| pair[1].shape.width().is_multiple_of(4));
        let (kernel, tile) = match rec.target.product {
            Family::Subgroup if !wide => (&WORDS, [32, 64]),
            Family::Subgroup if even => (&PAIRS, [32, 64]),
            Family::Subgroup => (&SCALARS, [32, 64]),
            Family::Plain | Family::Tiled | Family::Cooperative(_) => (&TILED, [64, 64]),
        };
        let absent = Placed { m: 0, n: 0, first: u32::MAX, weight: 0, bias: NOWHERE };
        let (mut jobs, mut groups) = ([absent; MOST], 0);
        let (mut slots, mut offsets) = (vec![], outputs.iter().map(|&slot| rec.offset(slot)));
        for (placed, (pair, job)) in jobs.iter_mut().zip(w.inputs.chunks(2).zip(&self.jobs)) {
            let [m, n] = [pair[0].shape.width(), if job.weight { pair[1].shape.width() } else { 0 }];
            let mut place = |is_wanted: bool| if is_wanted { offsets.next() } else { None }.unwrap_or(NOWHERE);
            let [weight, bias] = [place(job.weight), place(job.bias)];
            *placed = Placed { m: m as u32, n: n as u32, first: groups, weight, bias };
            groups += (m.div_ceil(tile[0]) * n.div_ceil(tile[1]).max(1)) as u32;
            slots.extend([pair[0].slot, pair[1].slot]);
        }
        // Bindings that no layer uses are bound to the first layer's tensors.
        while slots.len() < 2 * MOST {
            slots.extend_from_within(..2);
        }
        let now = rec.now();
        let args: JobsArgs = bytemuck::cast(jobs);
        rec.dispatch(kernel, &args, &[&slots[..], &[now, grads]].concat(), [groups, 1, 1]);
        let of_weights = w.inputs.chunks(2).zip(&self.jobs).filter(|(_, job)| job.weight);
        let products = of_weights.map(|(pair, _)| pair[0].shape.elements() * pair[1].shape.width());
        rec.flops(2 * products.sum::<usize>() as u64);
    }
}

/// The plain kernels for each layer, one after the other.
fn twin(a: JobsArgs, io: &mut Io<'_>) {
    let [dy0, x0, dy1, x1, dy2, x2, now, mut grads] = io.take();
    let all: [Placed; MOST] = bytemuck::cast(a);
    for (job, (dy, x)) in all.iter().zip([(dy0, x0), (dy1, x1), (dy2, x2)]) {
        if job.m == 0 {
            continue;
        }
        let (m, n) = (job.m as usize, job.n as usize);
        let mut run = |kernel: Twin, args: &[u8], read: &[&Tensor<'_>], first: u32, count: usize| {
            let mut io = Io::default();
            read.iter().enumerate().for_each(|(place, tensor)| io.bind(place, Tensor::Read(tensor.u32())));
            io.bind(read.len(), Tensor::Write(&mut grads.u32_mut()[first as usize..][..count]));
            kernel(args, &mut io);
        };
        let rows = now.now().rows;
        let args = Args { m: job.m, n: job.n, k: rows, rows_in: RowsIn::K as u32, part: rows };
        if n > 0 {
            run(twins::tn, bytemuck::bytes_of(&args), &[&dy, &x, &now], job.weight, m * n);
        }
        if job.bias != NOWHERE {
            let args = ColumnArgs { columns: job.m };
            run(twins::column_sums, bytemuck::bytes_of(&args), &[&dy, &now], job.bias, m);
        }
    }
}

/// Inputs for the checks.
pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, rows: usize, batch: usize, layers: &[(usize, usize, bool)]| {
        let normal = |width: usize| ([batch, width].into(), Fill::Normal(0.2, 1.0));
        let inputs = layers.iter().flat_map(|&(m, n, _)| [normal(m), normal(n)]).collect();
        let op = WeightGradients { jobs: layers.iter().map(|&(_, _, bias)| Job { weight: true, bias }).collect() };
        Case::new(name, op, rows, inputs).not_smooth()
    };
    // What a large layer leaves to this kernel: of the second, the bias alone.
    let mut bias_alone =
        case("jobs, one bias alone, 33 of 40", 33, 40, &[(10, 36, true), (132, 132, true), (20, 8, true)]);
    let jobs = [true, false, true].map(|weight| Job { weight, bias: true });
    bias_alone.op = std::sync::Arc::new(WeightGradients { jobs: jobs.to_vec() });
    let mut extreme = case("jobs, extreme", 9, 9, &[(3, 8, true), (5, 4, true)]);
    extreme.inputs[0].1 = Fill::Extreme;
    let mut few = case("jobs, mostly zeros, 140 of 150", 140, 150, &[(1032, 68, true)]);
    few.inputs[1].1 = Fill::MostlyZero;
    vec![
        few,
        bias_alone,
        case("jobs, one row", 1, 3, &[(1, 4, true)]),
        case("jobs, two of three, 33 of 40", 33, 40, &[(10, 36, true), (20, 8, false)]),
        case("jobs, odd sizes, 33 of 40", 33, 40, &[(10, 33, true), (21, 3, false), (67, 71, true)]),
        case("jobs, odd heights, 33 of 40", 33, 40, &[(35, 68, false), (21, 132, true), (67, 4, true)]),
        case("jobs, three, several tiles", 128, 128, &[(10, 68, true), (68, 132, true), (132, 64, true)]),
        extreme,
    ]
}
