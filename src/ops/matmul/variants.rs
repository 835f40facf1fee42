//! The kernels of the product: family × form × end, joined from parts.

use super::{Args, ColumnArgs, RowsIn, SumArgs, SumBiasArgs, cooperative, fast, twins};
use crate::kernel::{Binding, Fast, Kernel, NOW, Needs, Size, Tile, Tolerance, Twin, args_of, read, write};
use crate::op::{Family, SlotId};
use crate::parts;

/// Which operand lies along k: n for "as it is", t for "transposed", for a and b in c = a · b.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `c = a · bᵀ`: a is `[m, k]`, b is `[n, k]`.
    Nt,
    /// `c = a · b`: a is `[m, k]`, b is `[k, n]`.
    Nn,
    /// `c = aᵀ · b`: a is `[k, m]`, b is `[k, n]`.
    Tn,
}

/// How a sum is finished before it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Plain,
    Bias(SlotId),
    BiasRelu(SlotId),
}

impl End {
    pub(super) fn bias(self) -> Option<SlotId> {
        match self {
            Self::Plain => None,
            Self::Bias(slot) | Self::BiasRelu(slot) => Some(slot),
        }
    }
}

/// The kernels of a family for a product, and the rows and columns of c that a group of them computes. `wide`: a and b can be
/// read four elements at a time; `fills`: whether tiles of such sizes are enough for the device.
pub(super) fn kernels(
    family: Family,
    form: Form,
    wide: bool,
    fills: impl Fn([usize; 2]) -> bool,
) -> (&'static [Kernel; 5], [usize; 2]) {
    match family {
        Family::Plain => (&PLAIN, [8, 8]),
        Family::Tiled if wide && fills([128, 128]) => (&LARGE, [128, 128]),
        Family::Tiled => (&TILED, [64, 64]),
        Family::Cooperative(Tile::Eight) => (&cooperative::EIGHT, [64, 64]),
        Family::Cooperative(Tile::Sixteen) => (&cooperative::SIXTEEN, [64, 64]),
        Family::Subgroup => (if wide { &WIDE } else { &NARROW }, if form == Form::Nt { [16, 32] } else { [16, 64] }),
    }
}

/// Whether they are those of the largest tiles.
pub(super) fn are_large(kernels: &'static [Kernel; 5]) -> bool {
    std::ptr::eq(kernels, &LARGE)
}

/// The kernel for a form and its end.
pub(super) fn product(kernels: &'static [Kernel; 5], form: Form, end: End) -> &'static Kernel {
    match (form, end) {
        (Form::Nt, End::Plain) => &kernels[0],
        (Form::Nt, End::Bias(_)) => &kernels[1],
        (Form::Nt, End::BiasRelu(_)) => &kernels[2],
        (Form::Nn, _) => &kernels[3],
        (Form::Tn, _) => &kernels[4],
    }
}

/// Rounding of sums in any order is at most √terms · 2⁻²⁴ of the sum of magnitudes in the mean, and seldom 4 times it.
pub(super) const SUM: Tolerance = Tolerance {
    c: 4.0,
    size: Size::Terms,
    terms: |a, rows| {
        let a: Args = args_of(a);
        if a.rows_in == RowsIn::K as u32 { rows } else { a.k as usize }
    },
};

pub(super) const PLAIN_END: &[Binding] = &[read("a"), read("b"), NOW, write("c")];
pub(super) const BIAS_END: &[Binding] = &[read("a"), read("b"), NOW, read("bias"), write("c")];

const fn kernel(
    name: &'static str,
    parts: &'static [crate::kernel::Part],
    bindings: &'static [Binding],
    needs: Needs,
    (twin, fast): (Twin, Fast),
) -> Kernel {
    Kernel { name, parts, args: Args::FIELDS, bindings, needs, tolerance: SUM, twin: Some(twin), fast: Some(fast) }
}

/// The five products of one family: value (bare, with bias, with bias and ReLU), gradient by x, gradient by W.
macro_rules! family {
    ($name:literal, $needs:expr, [$($read:literal),*], $nt:tt, $nn:tt, $tn:tt) => {
        [
            kernel(concat!("matmul.", $name, "_nt"), family!(@parts [$($read),*] "matmul/store.wgsl" $nt),
                PLAIN_END, $needs, (twins::nt, &fast::nt)),
            kernel(concat!("matmul.", $name, "_nt_bias"), family!(@parts [$($read),*] "matmul/store_bias.wgsl" $nt),
                BIAS_END, $needs, (twins::nt_bias, &fast::nt_bias)),
            kernel(concat!("matmul.", $name, "_nt_bias_relu"),
                family!(@parts [$($read),*] "matmul/store_bias_relu.wgsl" $nt),
                BIAS_END, $needs, (twins::nt_bias_relu, &fast::nt_bias_relu)),
            kernel(concat!("matmul.", $name, "_nn"), family!(@parts [$($read),*] "matmul/store.wgsl" $nn),
                PLAIN_END, $needs, (twins::nn, &fast::nn)),
            kernel(concat!("matmul.", $name, "_tn"), family!(@parts [$($read),*] "matmul/store.wgsl" $tn),
                PLAIN_END, $needs, (twins::tn, &fast::tn)),
        ]
    };
    (@parts [$($read:literal),*] $store:literal [$($body:literal),*]) => {
        parts!("shared/now.wgsl", "shared/numbers.wgsl", "activation/relu.wgsl", "matmul/args.wgsl", $($read,)* $store,
            $($body),*)
    };
}

static PLAIN: [Kernel; 5] = family!(
    "plain",
    Needs::Nothing,
    ["matmul/scalars.wgsl"],
    ["matmul/nt.wgsl", "matmul/plain.wgsl"],
    ["matmul/nn.wgsl", "matmul/plain.wgsl"],
    ["matmul/tn.wgsl", "matmul/plain.wgsl"]
);

static TILED: [Kernel; 5] = family!(
    "tiled",
    Needs::Nothing,
    ["matmul/scalars.wgsl"],
    ["matmul/nt.wgsl", "matmul/place_nt.wgsl", "matmul/tiled.wgsl"],
    ["matmul/nn.wgsl", "matmul/place_nn.wgsl", "matmul/tiled.wgsl"],
    ["matmul/tn.wgsl", "matmul/place_tn.wgsl", "matmul/tiled.wgsl"]
);

static LARGE: [Kernel; 5] = family!(
    "large",
    Needs::Nothing,
    ["shared/quads.wgsl", "matmul/wide.wgsl"],
    ["matmul/along_nt.wgsl", "matmul/large.wgsl"],
    ["matmul/along_nn.wgsl", "matmul/large.wgsl"],
    ["matmul/along_tn.wgsl", "matmul/large.wgsl"]
);

static WIDE: [Kernel; 5] = family!(
    "subgroup_wide",
    Needs::SubgroupsOf8,
    ["shared/quads_u64.wgsl", "matmul/wide.wgsl"],
    ["matmul/subgroup_nt.wgsl"],
    ["matmul/subgroup_nn.wgsl"],
    ["matmul/subgroup_tn.wgsl"]
);

static NARROW: [Kernel; 5] = family!(
    "subgroup_narrow",
    Needs::SubgroupsOf8,
    ["matmul/narrow.wgsl"],
    ["matmul/subgroup_nt.wgsl"],
    ["matmul/subgroup_nn.wgsl"],
    ["matmul/subgroup_tn.wgsl"]
);

pub(super) static SUM_PARTS: Kernel = Kernel {
    name: "matmul.sum_parts",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "matmul/sum_parts.wgsl"),
    args: SumArgs::FIELDS,
    bindings: &[read("partial"), NOW, write("c")],
    needs: Needs::Nothing,
    tolerance: Tolerance { c: 4.0, size: Size::Terms, terms: |a, _| args_of::<SumArgs>(a).parts as usize },
    twin: Some(|a, io| {
        let [partial, now, mut c] = io.take();
        let a: SumArgs = args_of(a);
        let m = if a.rows_in == RowsIn::M as u32 { now.now().rows } else { a.m };
        twins::sum_parts((a.m, m, a.n, a.parts), partial.f32(), |_| 0.0, c.f32_mut());
    }),
    fast: None,
};

pub(super) static SUM_PARTS_BIAS: Kernel = Kernel {
    name: "matmul.sum_parts_bias",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "activation/relu.wgsl",
        "matmul/sum_parts_bias.wgsl"
    ),
    args: SumBiasArgs::FIELDS,
    bindings: &[read("partial"), NOW, read("bias"), write("c")],
    needs: Needs::Nothing,
    tolerance: Tolerance { c: 4.0, size: Size::Terms, terms: |a, _| args_of::<SumBiasArgs>(a).parts as usize + 1 },
    twin: Some(|a, io| {
        let [partial, now, bias, mut c] = io.take();
        let a: SumBiasArgs = args_of(a);
        let (rows, c) = (now.now().rows, c.f32_mut());
        twins::sum_parts((a.m, rows, a.n, a.parts), partial.f32(), |j| f64::from(bias.f32()[j]), c);
        if a.relu != 0 {
            c[..(rows * a.n) as usize].iter_mut().for_each(|c| *c = crate::ops::activation::relu(*c));
        }
    }),
    fast: None,
};

pub(super) static COLUMN_SUMS: Kernel = Kernel {
    name: "matmul.column_sums",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "matmul/column_sums.wgsl"),
    args: ColumnArgs::FIELDS,
    bindings: &[read("dy"), NOW, write("sums")],
    needs: Needs::Nothing,
    tolerance: Tolerance { c: 4.0, size: Size::Terms, terms: |_, rows| rows },
    twin: Some(twins::column_sums),
    fast: Some(&fast::column_sums),
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[
    &PLAIN[0],
    &PLAIN[1],
    &PLAIN[2],
    &PLAIN[3],
    &PLAIN[4],
    &TILED[0],
    &TILED[1],
    &TILED[2],
    &TILED[3],
    &TILED[4],
    &LARGE[0],
    &LARGE[1],
    &LARGE[2],
    &LARGE[3],
    &LARGE[4],
    &WIDE[0],
    &WIDE[1],
    &WIDE[2],
    &WIDE[3],
    &WIDE[4],
    &NARROW[0],
    &NARROW[1],
    &NARROW[2],
    &NARROW[3],
    &NARROW[4],
    &cooperative::EIGHT[0],
    &cooperative::EIGHT[1],
    &cooperative::EIGHT[2],
    &cooperative::EIGHT[3],
    &cooperative::EIGHT[4],
    &cooperative::SIXTEEN[0],
    &cooperative::SIXTEEN[1],
    &cooperative::SIXTEEN[2],
    &cooperative::SIXTEEN[3],
    &cooperative::SIXTEEN[4],
    &SUM_PARTS,
    &SUM_PARTS_BIAS,
    &COLUMN_SUMS,
    &super::jobs::TILED,
    &super::jobs::PAIRS,
    &super::jobs::SCALARS,
    &super::jobs::WORDS,
];
