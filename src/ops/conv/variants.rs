//! The kernels of the convolution: family × form, joined from parts. The bodies are those of the matrix product.

use super::{Args, BiasArgs, fast, twins};
use crate::kernel::{Binding, Fast, Kernel, NOW, Needs, Size, Tolerance, Twin, args_of, read, write};
use crate::op::{Family, Recorder, SlotId};
use crate::parts;

/// Which product a kernel computes, and how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// y, with no bias.
    Value,
    /// y with a bias.
    ValueBias,
    /// The gradient by x.
    GradInput,
    /// The gradient by W, or parts of its sums.
    GradWeight,
}

/// Rounding of sums in any order is at most √terms · 2⁻²⁴ of the sum of magnitudes in the mean, and seldom 4 times it.
const fn sum(terms: fn(&[u8], usize) -> usize) -> Tolerance {
    Tolerance { c: 4.0, size: Size::Terms, terms }
}

const OF_TAPS: Tolerance = sum(|a, _| args_of::<Args>(a).k as usize);
const OF_PIXELS: Tolerance = sum(|a, rows| rows * (args_of::<Args>(a).out_h * args_of::<Args>(a).out_w) as usize);

/// a and b are x and W, or dy and W, or dy and x.
const PLAIN_END: &[Binding] = &[read("a"), read("b"), NOW, write("c")];
const BIAS_END: &[Binding] = &[read("a"), read("b"), NOW, read("bias"), write("c")];

const fn kernel(
    name: &'static str,
    parts: &'static [crate::kernel::Part],
    bindings: &'static [Binding],
    needs: Needs,
    tolerance: Tolerance,
    (twin, fast): (Twin, Fast),
) -> Kernel {
    Kernel { name, parts, args: Args::FIELDS, bindings, needs, tolerance, twin: Some(twin), fast: Some(fast) }
}

/// The four kernels of one family: the files of each body, and what it reads operands with.
macro_rules! family {
    ($name:literal, $needs:expr, $value:tt, $grad_input:tt, $grad_weight:tt) => {
        [
            kernel(concat!("conv.", $name, "_value"), family!(@parts "matmul/store.wgsl" $value),
                PLAIN_END, $needs, OF_TAPS, (twins::value, &fast::value)),
            kernel(concat!("conv.", $name, "_value_bias"), family!(@parts "matmul/store_bias.wgsl" $value),
                BIAS_END, $needs, OF_TAPS, (twins::value_bias, &fast::value_bias)),
            kernel(concat!("conv.", $name, "_grad_input"), family!(@parts "matmul/store.wgsl" $grad_input),
                PLAIN_END, $needs, OF_TAPS, (twins::grad_input, &fast::grad_input)),
            kernel(concat!("conv.", $name, "_grad_weight"), family!(@parts "matmul/store.wgsl" $grad_weight),
                PLAIN_END, $needs, OF_PIXELS, (twins::grad_weight, &fast::grad_weight)),
        ]
    };
    (@parts $store:literal [$($part:literal),*]) => {
        parts!("shared/now.wgsl", "conv/args.wgsl", $store, $($part),*)
    };
}

static PLAIN: [Kernel; 4] = family!(
    "plain",
    Needs::Nothing,
    ["conv/pixels.wgsl", "matmul/scalars.wgsl", "conv/value.wgsl", "matmul/plain.wgsl"],
    ["conv/outputs.wgsl", "matmul/scalars.wgsl", "conv/grad_input.wgsl", "matmul/plain.wgsl"],
    ["conv/pixels.wgsl", "matmul/scalars.wgsl", "conv/grad_weight.wgsl", "matmul/plain.wgsl"]
);

static TILED: [Kernel; 4] = family!(
    "tiled",
    Needs::Nothing,
    ["conv/pixels.wgsl", "matmul/scalars.wgsl", "conv/value.wgsl", "matmul/place_nt.wgsl", "matmul/tiled.wgsl"],
    ["conv/outputs.wgsl", "matmul/scalars.wgsl", "conv/grad_input.wgsl", "matmul/place_nn.wgsl", "matmul/tiled.wgsl"],
    ["conv/pixels.wgsl", "matmul/scalars.wgsl", "conv/grad_weight.wgsl", "matmul/place_tn.wgsl", "matmul/tiled.wgsl"]
);

/// Of images whose channels are a multiple of four on both sides.
static QUADS: [Kernel; 4] = family!(
    "subgroup_quads",
    Needs::SubgroupsOf8,
    [
        "shared/quads_u64.wgsl",
        "conv/nowhere.wgsl",
        "conv/four_quads.wgsl",
        "conv/windows.wgsl",
        "conv/subgroup_value.wgsl"
    ],
    [
        "shared/quads_u64.wgsl",
        "conv/nowhere.wgsl",
        "conv/four_quads.wgsl",
        "conv/readers.wgsl",
        "conv/subgroup_grad_input.wgsl"
    ],
    [
        "shared/quads_u64.wgsl",
        "conv/nowhere.wgsl",
        "conv/four_quads.wgsl",
        "conv/windows.wgsl",
        "conv/subgroup_grad_weight.wgsl"
    ]
);

static WORDS: [Kernel; 4] = family!(
    "subgroup_words",
    Needs::SubgroupsOf8,
    ["conv/nowhere.wgsl", "conv/four_words.wgsl", "conv/windows.wgsl", "conv/subgroup_value.wgsl"],
    ["conv/nowhere.wgsl", "conv/four_words.wgsl", "conv/readers.wgsl", "conv/subgroup_grad_input.wgsl"],
    ["conv/nowhere.wgsl", "conv/four_words.wgsl", "conv/windows.wgsl", "conv/subgroup_grad_weight.wgsl"]
);

pub(super) static GRAD_BIAS: Kernel = Kernel {
    name: "conv.grad_bias",
    parts: parts!("shared/now.wgsl", "shared/sum.wgsl", "conv/grad_bias.wgsl"),
    args: BiasArgs::FIELDS,
    bindings: &[read("dy"), NOW, write("dbias")],
    needs: Needs::Nothing,
    tolerance: sum(|a, rows| rows * args_of::<BiasArgs>(a).pixels as usize),
    twin: Some(twins::grad_bias),
    fast: Some(&fast::grad_bias),
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[
    &PLAIN[0], &PLAIN[1], &PLAIN[2], &PLAIN[3], &TILED[0], &TILED[1], &TILED[2], &TILED[3], &QUADS[0], &QUADS[1],
    &QUADS[2], &QUADS[3], &WORDS[0], &WORDS[1], &WORDS[2], &WORDS[3], &GRAD_BIAS,
];

/// Groups of a product across and down.
fn groups(family: Family, part: Part, a: &Args) -> [u32; 2] {
    let tile = match (family, part) {
        (Family::Plain, _) => [8, 8],
        (Family::Subgroup, Part::Value | Part::ValueBias) => [32, 16],
        (Family::Subgroup, Part::GradInput) => [64, 16],
        (Family::Subgroup, Part::GradWeight) => {
            // A lane has four channels of one tap.
            return [(a.kernel * a.kernel * a.in_c.div_ceil(4)).div_ceil(8), a.m.div_ceil(16)];
        }
        (Family::Tiled | Family::Cooperative(_), _) => [64, 64],
    };
    [a.n.div_ceil(tile[0]), a.m.div_ceil(tile[1])]
}

/// Groups of the gradient by W whose sums are whole.
pub(super) fn tiles_of_weights(a: &Args, rec: &Recorder) -> usize {
    let [across, down] = groups(rec.target.product, Part::GradWeight, a);
    (across * down) as usize
}

/// Records a kernel, whose sums are cut into so many parts.
pub(super) fn record(part: Part, a: &Args, slots: &[SlotId], parts: usize, rec: &mut Recorder) {
    let family = rec.target.product;
    let in_quads = a.in_c.is_multiple_of(4) && a.out_c.is_multiple_of(4);
    let kernels = match family {
        Family::Plain => &PLAIN,
        Family::Tiled | Family::Cooperative(_) => &TILED,
        Family::Subgroup if in_quads => &QUADS,
        Family::Subgroup => &WORDS,
    };
    let kernel = &kernels[match part {
        Part::Value => 0,
        Part::ValueBias => 1,
        Part::GradInput => 2,
        Part::GradWeight => 3,
    }];
    let [across, down] = groups(family, part, a);
    rec.dispatch(kernel, a, slots, [across, down, parts as u32]);
    rec.flops(2 * u64::from(a.m) * u64::from(a.n) * u64::from(a.k));
}
