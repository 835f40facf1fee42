//! A block in one kernel: linear, batch norm by the batch's statistics, ReLU and, where there is one, dropout.
//!
//! Forward: z = x Wᵀ + b; mean and biased variance of z's columns; h = dropout(max(0, x̂ γ + β)). A group computes all rows of
//! a few columns, so it has their statistics without another pass. Backward: the gradient by h out of the *next* layer's
//! product, through dropout and ReLU (read off h: 0 where h is 0), and batch norm's gradient, in the same way.
//! Both are the plain kernels one after the other, and are judged by their twins; what lies between (x̂ γ + β, its ReLU, dh)
//! is never stored. `z` and `saved` of batch norm are, for the gradient.
//!
//! Allowed where batch norm stands between a linear layer with a bias and a ReLU, rows are no images, all widths but the
//! next layer's outputs are multiples of four (16-byte loads), and nothing else wants the values between. The running
//! statistics move in the backward kernel: by then the loss is known to be finite.
//! Source: as the parts (`matmul`, `batch_norm`, `activation`, `dropout`).

mod fast;
mod twins;

use crate::kernel::{Kernel, NOW, Needs, Size, Tolerance, args_of, read, update, write};
use crate::op::{Case, Family, Fill, Made, Op, Outputs, Recorder, SlotId, Wire, Wires};
use crate::ops::dropout::Dropout;
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};

args! {
    struct ForwardArgs {
        k: u32, n: u32, weight: u32, bias: u32, gamma: u32, beta: u32, saved: u32, eps: f32,
        layer: u32, seed_low: u32, seed_high: u32, threshold: u32, scale: f32,
    }
}
args! {
    struct BackwardArgs {
        k: u32, n: u32, weight: u32, gamma: u32, saved: u32, scale: f32, dgamma: u32, dbeta: u32,
        running_mean: u32, running_var: u32, momentum: f32,
    }
}

/// A sum over k, and one over the rows of what it gave, against the largest of its row of the tensor: a column's statistics
/// are a few roundings of the largest z, and divide by a deviation that the cases keep near 1.
const TOLERANCE: Tolerance = Tolerance {
    c: 16.0,
    size: Size::LargestOfRow,
    terms: |a, rows| {
        let k = u32::from_le_bytes([a[0], a[1], a[2], a[3]]);
        k as usize + rows
    },
};

/// Forward and backward kernel of one family.
macro_rules! family {
    ($name:literal, $needs:expr, $quads:literal, $sum:literal, $forward:literal, $backward:literal) => {
        [
            Kernel {
                name: concat!("block.", $name, "forward"),
                parts: parts!(
                    "shared/now.wgsl",
                    $quads,
                    "shared/random.wgsl",
                    "block/relu.wgsl",
                    "block/forward_args.wgsl",
                    $sum,
                    "block/finish_forward.wgsl",
                    $forward
                ),
                args: ForwardArgs::FIELDS,
                bindings: &[read("x"), read("params"), NOW, write("zs"), write("h")],
                needs: $needs,
                tolerance: TOLERANCE,
                twin: |a, io| twins::forward(args_of(a), io),
                fast: Some(|a, io| fast::forward(args_of(a), io)),
            },
            Kernel {
                name: concat!("block.", $name, "backward"),
                parts: parts!(
                    "shared/now.wgsl",
                    $quads,
                    "block/relu.wgsl",
                    "block/backward_args.wgsl",
                    $sum,
                    "block/finish_backward.wgsl",
                    $backward
                ),
                args: BackwardArgs::FIELDS,
                bindings: &[
                    read("dy"),
                    read("params"),
                    read("zs"),
                    read("h"),
                    NOW,
                    write("dz"),
                    update("grads"),
                    update("state"),
                ],
                needs: $needs,
                tolerance: TOLERANCE,
                twin: |a, io| twins::backward(args_of(a), io),
                fast: Some(|a, io| fast::backward(args_of(a), io)),
            },
        ]
    };
}

static TILED: [Kernel; 2] = family!(
    "",
    Needs::Nothing,
    "shared/quads.wgsl",
    "block/group_sum.wgsl",
    "block/tiled_forward.wgsl",
    "block/tiled_backward.wgsl"
);

static SUBGROUP: [Kernel; 2] = family!(
    "subgroup_",
    Needs::SubgroupsOf8,
    "shared/quads_u64.wgsl",
    "block/lane_sum.wgsl",
    "block/subgroup_forward.wgsl",
    "block/subgroup_backward.wgsl"
);

/// Its kernels.
pub static KERNELS: &[&Kernel] = &[&TILED[0], &TILED[1], &SUBGROUP[0], &SUBGROUP[1]];

/// The kernels of a target, and columns of a group.
fn family(rec: &Recorder) -> (&'static [Kernel; 2], usize) {
    match rec.target.product {
        Family::Subgroup => (&SUBGROUP, 32),
        Family::Plain | Family::Tiled | Family::Cooperative(_) => (&TILED, 8),
    }
}

fn multiple_of_four(sizes: &[usize]) -> Result<(), ShapeError> {
    match sizes.iter().find(|&size| size % 4 != 0) {
        Some(size) => Err(ShapeError::new(format!("a block wants widths that are multiples of four, not {size}"))),
        None => Ok(()),
    }
}

/// The value. Inputs: x `[batch, k]`, W `[n, k]`, b, γ, β `[n]`. Outputs: z and h `[batch, n]`; saved: mean, 1/√(var + eps) and
/// var, `[3, n]`.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Added to the variance.
    pub eps: f64,
    /// What drops, if anything does.
    pub dropout: Option<Dropout>,
}

impl Op for Block {
    fn name(&self) -> &'static str {
        "block"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [x, weight, ..] = inputs else { return Err(ShapeError::new("a block takes x, W, b, γ and β")) };
        let n = weight.rows();
        multiple_of_four(&[x.width(), n])?;
        let made = |name| Made::f32(name, [x.rows(), n]);
        Ok(Outputs { outputs: vec![made("z"), made("h")], saved: vec![Made::f32("saved", [3, n])] })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let [x, weight, bias, gamma, beta] = &w.inputs[..] else { unreachable!("five inputs") };
        let (z, h, saved) = (&w.outputs[0], &w.outputs[1], &w.saved[0]);
        let params = rec.together(&[weight.slot, bias.slot, gamma.slot, beta.slot]);
        let zs = rec.together(&[z.slot, saved.slot]);
        let n = weight.shape.rows();
        let mut args = ForwardArgs {
            k: x.shape.width() as u32,
            n: n as u32,
            weight: rec.offset(weight.slot),
            bias: rec.offset(bias.slot),
            gamma: rec.offset(gamma.slot),
            beta: rec.offset(beta.slot),
            saved: rec.offset(saved.slot),
            eps: self.eps as f32,
            scale: 1.0,
            ..ForwardArgs::default()
        };
        if let Some(dropout) = self.dropout {
            let drawn = dropout.args(n);
            (args.layer, args.seed_low, args.seed_high) = (drawn.layer, drawn.seed_low, drawn.seed_high);
            (args.threshold, args.scale) = (drawn.threshold, drawn.scale);
        }
        let (kernels, columns) = family(rec);
        let now = rec.now();
        let groups = [n.div_ceil(columns) as u32, 1, 1];
        rec.dispatch(&kernels[0], &args, &[x.slot, params, now, zs, h.slot], groups);
        rec.flops(2 * (x.shape.elements() * n) as u64);
    }
}

/// The gradient by a block's z. Inputs: dy `[batch, k]` and V `[k, n]` of the next linear layer; z and h `[batch, n]`, saved, γ,
/// running mean and variance of the block. Outputs: dz `[batch, n]`, dγ, dβ `[n]`. It moves the running statistics.
#[derive(Clone, Copy, Debug)]
pub struct BlockGradient {
    /// Of the running statistics.
    pub momentum: f64,
    /// What dropped, if anything did.
    pub dropout: Option<Dropout>,
}

impl Op for BlockGradient {
    fn name(&self) -> &'static str {
        "block"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [_, weight, z, ..] = inputs else { return Err(ShapeError::new("the gradient takes eight inputs")) };
        let n = weight.width();
        multiple_of_four(&[n])?;
        let affine = |name| Made::f32(name, [n]);
        Ok(Outputs { outputs: vec![Made::f32("dz", z.clone()), affine("dgamma"), affine("dbeta")], saved: vec![] })
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let slots: Vec<SlotId> = w.inputs.iter().map(|wire| wire.slot).collect();
        let [dy, weight, z, h, saved, gamma, mean, var] = slots[..] else { unreachable!("eight inputs") };
        let [dz, dgamma, dbeta] = [0, 1, 2].map(|i| w.outputs[i].slot);
        let params = rec.together(&[weight, gamma]);
        let zs = rec.together(&[z, saved]);
        let grads = rec.together(&[dgamma, dbeta]);
        let state = rec.together(&[mean, var]);
        let (k, n) = (w.inputs[1].shape.rows(), w.inputs[1].shape.width());
        let args = BackwardArgs {
            k: k as u32,
            n: n as u32,
            weight: rec.offset(weight),
            gamma: rec.offset(gamma),
            saved: rec.offset(saved),
            scale: self.dropout.map_or(1.0, |dropout| dropout.args(n).scale),
            dgamma: rec.offset(dgamma),
            dbeta: rec.offset(dbeta),
            running_mean: rec.offset(mean),
            running_var: rec.offset(var),
            momentum: self.momentum as f32,
        };
        let (kernels, columns) = family(rec);
        let now = rec.now();
        let groups = [n.div_ceil(columns) as u32, 1, 1];
        rec.dispatch(&kernels[1], &args, &[dy, params, zs, h, now, dz, grads, state], groups);
        rec.flops(2 * (w.inputs[0].shape.elements() * n) as u64);
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let dropout = |p| Some(Dropout { p, rule: Default::default(), layer: 3, seed: 0x1234_5678_9abc_def0 });
    let normal = |shape: &[usize], mean| (Shape(shape.to_vec()), Fill::Normal(mean, 1.0));
    let forward = |name: &str, rows: usize, [batch, k, n]: [usize; 3], p: f64| {
        let inputs = vec![normal(&[batch, k], 0.2), normal(&[n, k], 0.0), normal(&[n], 0.5), normal(&[n], 1.0)];
        let inputs = [inputs, vec![normal(&[n], 0.1)]].concat();
        let dropout = if p > 0.0 { dropout(p) } else { None };
        Case::new(name, Block { eps: 1e-5, dropout }, rows, inputs)
    };
    let backward = |name: &str, rows: usize, [batch, k, n]: [usize; 3], p: f64| {
        let h = Fill::Words((0..batch * n).map(|i| if i % 3 == 0 { 0 } else { 1f32.to_bits() }).collect());
        let positive =
            |rows: usize| Fill::Words((0..rows * n).map(|i| (0.5 + (i % 7) as f32 / 7.0).to_bits()).collect());
        let inputs = vec![
            normal(&[batch, k], 0.0),
            normal(&[k, n], 0.0),
            normal(&[batch, n], 0.5),
            ([batch, n].into(), h),
            ([3, n].into(), positive(3)),
            normal(&[n], 1.0),
            normal(&[n], 0.0),
            ([n].into(), positive(1)),
        ];
        let dropout = if p > 0.0 { dropout(p) } else { None };
        Case::new(name, BlockGradient { momentum: 0.1, dropout }, rows, inputs)
    };
    let mut extreme = forward("forward, extreme", 19, [19, 12, 8], 0.3);
    extreme.inputs[0].1 = Fill::Extreme;
    let mut extreme_dy = backward("backward, extreme", 19, [19, 10, 8], 0.3);
    extreme_dy.inputs[0].1 = Fill::Extreme;
    let mut few_in = forward("forward, mostly zeros, 65 of 70x140x1032", 65, [70, 140, 1032], 0.5);
    few_in.inputs[0].1 = Fill::MostlyZero;
    let mut few_out = backward("backward, mostly zeros, 65 of 70x140x100", 65, [70, 140, 100], 0.5);
    few_out.inputs[3].1 = Fill::MostlyZero;
    let all = vec![
        few_in,
        few_out,
        forward("forward 2x4x4", 2, [2, 4, 4], 0.5),
        forward("forward 128x36x32", 128, [128, 36, 32], 0.5),
        forward("forward, no dropout, 37 of 41x20x44", 37, [41, 20, 44], 0.0),
        forward("forward, several tiles, 260 of 300x68x132", 260, [300, 68, 132], 0.2),
        extreme,
        backward("backward 2x1x4", 2, [2, 1, 4], 0.5),
        backward("backward 128x10x32", 128, [128, 10, 32], 0.5),
        backward("backward, no dropout, 37 of 41x7x44", 37, [41, 7, 44], 0.0),
        backward("backward, several tiles, 260 of 300x66x132", 260, [300, 66, 132], 0.2),
        extreme_dy,
    ];
    all.into_iter().map(Case::not_smooth).collect()
}
