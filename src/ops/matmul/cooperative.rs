//! The products by cooperative matrices: operands are rounded to float16 on their way into workgroup memory, to the nearest
//! and of two as near to the even one, beyond 65504 to infinity; sums and results are float32.
//! Source: Micikevicius et al. 2018, "Mixed precision training", section 3.3.

use super::{Args, twins};
use crate::kernel::{Kernel, Needs, Part, Tile, Tolerance, Twin};
use crate::ops::matmul::variants::{BIAS_END, PLAIN_END, SUM};
use crate::parts;

/// The operands are the same floats as the twin's, and their products exact in float32. Units for matrices may add several
/// of them at once and cut what does not fit in place of rounding it (Ootomo & Yokota 2022, "Recovering single precision
/// accuracy from Tensor Cores"): an error of up to twice a rounding's, and of one sign.
const TOLERANCE: Tolerance = Tolerance { c: 8.0, ..SUM };

macro_rules! family {
    ($tile:expr, $name:literal, $body:literal) => {
        [
            kernel($tile, concat!("matmul.", $name, "_nt"), family!(@nt "matmul/store.wgsl", $body), false, twins::nt_f16),
            kernel($tile, concat!("matmul.", $name, "_nt_bias"), family!(@nt "matmul/store_bias.wgsl", $body), true,
                twins::nt_bias_f16),
            kernel($tile, concat!("matmul.", $name, "_nt_bias_relu"), family!(@nt "matmul/store_bias_relu.wgsl", $body),
                true, twins::nt_bias_relu_f16),
            kernel($tile, concat!("matmul.", $name, "_nn"),
                family!(@parts "matmul/nn.wgsl", "matmul/place_nn.wgsl", "matmul/store.wgsl", $body), false, twins::nn_f16),
            kernel($tile, concat!("matmul.", $name, "_tn"),
                family!(@parts "matmul/tn.wgsl", "matmul/place_tn.wgsl", "matmul/store.wgsl", $body), false, twins::tn_f16),
        ]
    };
    (@nt $store:literal, $body:literal) => {
        family!(@parts "matmul/nt.wgsl", "matmul/place_nt.wgsl", $store, $body)
    };
    (@parts $($part:literal),*) => {
        parts!("matmul/enable_f16.wgsl", "shared/now.wgsl", "shared/numbers.wgsl", "activation/relu.wgsl",
            "matmul/args.wgsl", "matmul/scalars.wgsl", "matmul/cooperative.wgsl", $($part),*)
    };
}

const fn kernel(tile: Tile, name: &'static str, parts: &'static [Part], has_bias: bool, twin: Twin) -> Kernel {
    let bindings = if has_bias { BIAS_END } else { PLAIN_END };
    let needs = Needs::Cooperative(tile);
    Kernel { name, parts, args: Args::FIELDS, bindings, needs, tolerance: TOLERANCE, twin: Some(twin), fast: None }
}

pub(super) static EIGHT: [Kernel; 5] = family!(Tile::Eight, "cooperative_8", "matmul/cooperative_8.wgsl");

pub(super) static SIXTEEN: [Kernel; 5] = family!(Tile::Sixteen, "cooperative_16", "matmul/cooperative_16.wgsl");
