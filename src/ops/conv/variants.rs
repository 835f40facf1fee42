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

const VALUE: &[Binding] = &[read("x"), read("weight"), NOW, write("c")];
const VALUE_BIAS: &[Binding] = &[read("x"), read("weight"), NOW, read("bias"), write("c")];
const GRAD_INPUT: &[Binding] = &[read("dy"), read("weight"), NOW, write("c")];
const GRAD_WEIGHT: &[Binding] = &[read("dy"), read("x"), NOW, write("c")];

const fn kernel(
    name: &'static str,
    parts: &'static [crate::kernel::Part],
    bindings: &'static [Binding],
    tolerance: Tolerance,
    (twin, fast): (Twin, Fast),
) -> Kernel {
    Kernel {
        name,
        parts,
        args: Args::FIELDS,
        bindings,
        needs: Needs::Nothing,
        tolerance,
        twin: Some(twin),
        fast: Some(fast),
    }
}

/// The four kernels of one family. `$nt`, `$nn` and `$tn` say how its body copies operands that lie as in those products.
macro_rules! family {
    ($name:literal, $nt:tt, $nn:tt, $tn:tt) => {
        [
            kernel(concat!("conv.", $name, "_value"), family!(@parts "conv/value.wgsl" "matmul/store.wgsl" $nt),
                VALUE, OF_TAPS, (twins::value, &fast::value)),
            kernel(concat!("conv.", $name, "_value_bias"), family!(@parts "conv/value.wgsl" "matmul/store_bias.wgsl" $nt),
                VALUE_BIAS, OF_TAPS, (twins::value_bias, &fast::value_bias)),
            kernel(concat!("conv.", $name, "_grad_input"),
                family!(@parts "conv/grad_input.wgsl" "matmul/store.wgsl" $nn),
                GRAD_INPUT, OF_TAPS, (twins::grad_input, &fast::grad_input)),
            kernel(concat!("conv.", $name, "_grad_weight"),
                family!(@parts "conv/grad_weight.wgsl" "matmul/store.wgsl" $tn),
                GRAD_WEIGHT, OF_PIXELS, (twins::grad_weight, &fast::grad_weight)),
        ]
    };
    (@parts $load:literal $store:literal [$($body:literal),*]) => {
        parts!("shared/now.wgsl", "conv/args.wgsl", $load, $store, $($body),*)
    };
}

static PLAIN: [Kernel; 4] = family!("plain", ["matmul/plain.wgsl"], ["matmul/plain.wgsl"], ["matmul/plain.wgsl"]);

static TILED: [Kernel; 4] = family!(
    "tiled",
    ["matmul/place_nt.wgsl", "matmul/tiled.wgsl"],
    ["matmul/place_nn.wgsl", "matmul/tiled.wgsl"],
    ["matmul/place_tn.wgsl", "matmul/tiled.wgsl"]
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
pub static KERNELS: &[&Kernel] =
    &[&PLAIN[0], &PLAIN[1], &PLAIN[2], &PLAIN[3], &TILED[0], &TILED[1], &TILED[2], &TILED[3], &GRAD_BIAS];

/// The kernels for a target, and the side of the tile of c that a group of them computes.
fn of_family(family: Family) -> (&'static [Kernel; 4], usize) {
    match family {
        Family::Plain => (&PLAIN, 8),
        Family::Tiled | Family::Subgroup | Family::Cooperative(_) => (&TILED, 64),
    }
}

/// Groups of a product c `[m, n]` whose sums are whole.
pub(super) fn groups([m, n]: [usize; 2], rec: &Recorder) -> usize {
    let tile = of_family(rec.target.product).1;
    m.div_ceil(tile) * n.div_ceil(tile)
}

/// Records a kernel, whose sums are cut into so many parts.
pub(super) fn record(part: Part, args: &Args, slots: &[SlotId], parts: usize, rec: &mut Recorder) {
    let (kernels, tile) = of_family(rec.target.product);
    let kernel = &kernels[match part {
        Part::Value => 0,
        Part::ValueBias => 1,
        Part::GradInput => 2,
        Part::GradWeight => 3,
    }];
    let [m, n] = [args.m, args.n].map(|size| size.div_ceil(tile as u32));
    rec.dispatch(kernel, args, slots, [n, m, parts as u32]);
    rec.flops(2 * u64::from(args.m) * u64::from(args.n) * u64::from(args.k));
}
