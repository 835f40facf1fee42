//! The functions: one entry for each. Each entry has, in float64, the twins' value and gradient, and in float32 those of the CPU
//! path; the WGSL is `shaders/activation/NAME.wgsl`, with the functions `NAME_value` and `NAME_gradient`.

use super::{EXACT, EXP, FEW, Function, TAIL, fast, twins};
use crate::kernel::{GENERATED, Kernel, Part};
use crate::op::stage::{Fast, Seen};
use crate::part;
use crate::simd::math;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The names by which the plain kernels call a function.
macro_rules! plain_names {
    ($name:literal) => {
        Part {
            file: GENERATED,
            text: concat!(
                "fn activation(x: f32) -> f32 {\n    return ",
                $name,
                "_value(x, args.parameter);\n}\n\nfn gradient(v: f32, dy: f32) -> f32 {\n    return ",
                $name,
                "_gradient(v, dy, args.parameter);\n}"
            ),
        }
    };
}

/// The functions of four neighbouring features, as a stage has them.
macro_rules! of_four {
    ($name:literal) => {
        Part {
            file: GENERATED,
            text: concat!(
                "fn ",
                $name,
                "_value4(v: vec4f, p: f32) -> vec4f {\n    var y = v;\n//@for c=x y z w\n    y.{c} = pass_nan(v.{c}, ",
                $name,
                "_value(v.{c}, p));\n//@end\n    return y;\n}\n\nfn ",
                $name,
                "_gradient4(s: vec4f, d: vec4f, p: f32) -> vec4f {\n    var y = d;\n//@for c=x y z w\n    y.{c} = pass_nan(s.{c}, ",
                $name,
                "_gradient(s.{c}, d.{c}, p));\n//@end\n    return y;\n}"
            ),
        }
    };
}

/// A function. `twin` and `fast` have value and gradient; `from` is what the gradient is taken from.
macro_rules! function {
    (
        $name:literal, needs: [$($file:literal),*], from: $seen:expr, tolerances: $tolerances:expr,
        twin: [$value:expr, $gradient:expr $(,)?], fast: [$fast_value:expr, $fast_gradient:expr $(,)?] $(,)?
    ) => {
        Function {
            name: $name,
            kernels: [
                Kernel {
                    name: concat!("activation.forward_", $name),
                    parts: function!(@parts $name [$($file),*] "activation/forward.wgsl"),
                    bindings: super::VALUE,
                    tolerance: $tolerances[0],
                    twin: Some(|a, io| twins::forward(a, io, $value)),
                    fast: Some(&|a, io| fast::forward(a, io, $fast_value)),
                    ..super::PLAIN
                },
                Kernel {
                    name: concat!("activation.backward_", $name),
                    parts: function!(@parts $name [$($file),*] "activation/backward.wgsl"),
                    bindings: super::GRADIENT,
                    tolerance: $tolerances[1],
                    twin: Some(|a, io| twins::backward(a, io, $gradient)),
                    fast: Some(&|a, io| fast::backward(a, io, $fast_gradient)),
                    ..super::PLAIN
                },
            ],
            seen: $seen,
            is_silent_at_zero: false,
            parameter: None,
            rectifies: true,
            kink: None,
            stage_parts: &[$(part!($file),)* part!(concat!("activation/", $name, ".wgsl")), of_four!($name)],
            stage_calls: [concat!($name, "_value4({v}, args.{a}parameter)"),
                concat!($name, "_gradient4({s}, {d}, args.{a}parameter)")],
            stage_fast: Fast {
                value: |args, rows, place| fast::strip(args, rows, place, $fast_value),
                gradient: |args, seen, rows, place| fast::strip_gradient(args, seen, rows, place, $fast_gradient),
            },
        }
    };
    (@parts $name:literal [$($file:literal),*] $body:literal) => {
        &[
            part!("shared/now.wgsl"), part!("shared/index.wgsl"), part!("shared/numbers.wgsl"), $(part!($file),)*
            part!(concat!("activation/", $name, ".wgsl")), plain_names!($name), part!($body),
        ]
    };
}

/// ReLU of each element: max(0, x).
pub(super) static RELU: Function = Function {
    is_silent_at_zero: true,
    kink: Some(0.0),
    ..function!(
        "relu",
        needs: [],
        from: Seen::Output,
        tolerances: [EXACT, EXACT],
        twin: [|x, _| if x > 0.0 { x } else { 0.0 }, |y, dy, _| if y > 0.0 { dy } else { 0.0 }],
        fast: [#[inline(always)] |x: f32, _| if x > 0.0 { x } else { 0.0 },
            #[inline(always)] |y: f32, dy: f32, _| if y > 0.0 { dy } else { 0.0 }],
    )
};

/// x where x > 0, else slope · x
pub(super) static LEAKY_RELU: Function = Function {
    kink: Some(0.0),
    parameter: Some(("the slope", 0.01)),
    ..function!(
        "leaky_relu",
        needs: [],
        from: Seen::Output,
        tolerances: [EXACT, EXACT],
        twin: [|x, slope| if x > 0.0 { x } else { slope * x }, |y, dy, slope| if y > 0.0 { dy } else { slope * dy }],
        fast: [#[inline(always)] |x: f32, slope: f32| if x > 0.0 { x } else { slope * x },
            #[inline(always)] |y: f32, dy: f32, slope: f32| if y > 0.0 { dy } else { slope * dy }],
    )
};

/// The logistic function: 1 / (1 + e^−x).
pub(super) static SIGMOID: Function = Function {
    rectifies: false,
    ..function!(
        "sigmoid",
        needs: ["shared/sigmoid.wgsl"],
        from: Seen::Output,
        tolerances: [EXP, FEW],
        twin: [|x, _| logistic(x), |y, dy, _| dy * (y * (1.0 - y))],
        fast: [#[inline(always)] |x: f32, _| math::sigmoid(x), #[inline(always)] |y: f32, dy: f32, _| dy * (y * (1.0 - y))],
    )
};

/// The hyperbolic tangent: tanh x.
pub(super) static TANH: Function = Function {
    rectifies: false,
    ..function!(
        "tanh",
        needs: ["shared/expm1.wgsl"],
        from: Seen::Output,
        tolerances: [EXP, FEW],
        twin: [|x, _| x.tanh(), |y, dy, _| dy * ((1.0 - y) * (1.0 + y))],
        fast: [#[inline(always)] |x: f32, _| math::tanh(x),
            #[inline(always)] |y: f32, dy: f32, _| dy * ((1.0 - y) * (1.0 + y))],
    )
};

/// x where x > 0, else α (e^x − 1)
pub(super) static ELU: Function = Function {
    kink: Some(0.0),
    parameter: Some(("alpha", 1.0)),
    ..function!(
        "elu",
        needs: ["shared/expm1.wgsl"],
        from: Seen::Output,
        tolerances: [EXP, FEW],
        twin: [|x, alpha| if x > 0.0 { x } else { alpha * x.exp_m1() },
            |y, dy, alpha| dy * if y > 0.0 { 1.0 } else { y + alpha }],
        fast: [#[inline(always)] |x: f32, alpha: f32| if x > 0.0 { x } else { alpha * math::exp_m1(if x > 0.0 { 0.0 } else { x }) },
            #[inline(always)] |y: f32, dy: f32, alpha: f32| dy * if y > 0.0 { 1.0 } else { y + alpha }],
    )
};

/// GELU in its exact form: x Φ(x).
pub(super) static GELU: Function = function!(
    "gelu",
    needs: [],
    from: Seen::Input,
    tolerances: [TAIL, TAIL],
    twin: [
        |x, _| x.max(-FAR) * normal_below(x),
        |x, dy, _| {
            let x = x.clamp(-FAR, FAR);
            dy * (normal_below(x) + x * (-0.5 * x * x).exp() / (2.0 * PI).sqrt())
        },
    ],
    fast: [
        #[inline(always)]
        |x: f32, _| {
            let near = x.clamp(-20.0, 20.0);
            (if x < -20.0 { -20.0 } else { x }) * math::normal_below(near).0
        },
        #[inline(always)]
        |x: f32, dy: f32, _| {
            let near = x.clamp(-20.0, 20.0);
            let (below, e) = math::normal_below(near);
            dy * (below + near * 0.398_942_3 * e)
        },
    ],
);

/// SiLU, also called swish: x σ(x).
pub(super) static SILU: Function = function!(
    "silu",
    needs: ["shared/sigmoid.wgsl"],
    from: Seen::Input,
    tolerances: [EXP, EXP],
    twin: [
        |x, _| x.max(-FAR) * logistic(x),
        |x, dy, _| {
            let x = x.clamp(-FAR, FAR);
            dy * (logistic(x) * (1.0 + x * logistic(-x)))
        },
    ],
    fast: [
        #[inline(always)]
        |x: f32, _| (if x < -200.0 { -200.0 } else { x }) * math::sigmoid(x),
        #[inline(always)]
        |x: f32, dy: f32, _| {
            let near = x.clamp(-200.0, 200.0);
            let on = math::sigmoid(near);
            dy * (on * (1.0 + near * (1.0 - on)))
        },
    ],
);

/// Hard swish, SiLU in straight lines and a parabola: x · min(max(x + 3, 0), 6) / 6.
pub(super) static HARDSWISH: Function = Function {
    kink: Some(3.0),
    ..function!(
        "hardswish",
        needs: [],
        from: Seen::Input,
        tolerances: [FEW, FEW],
        twin: [
            |x, _| if x <= -3.0 { 0.0 } else if x >= 3.0 { x } else { x * (x + 3.0) / 6.0 },
            |x, dy, _| if x <= -3.0 { 0.0 } else if x >= 3.0 { dy } else { dy * (x / 3.0 + 0.5) },
        ],
        fast: [
            #[inline(always)]
            |x: f32, _| if x <= -3.0 { 0.0 } else if x >= 3.0 { x } else { x * (x + 3.0) / 6.0 },
            #[inline(always)]
            |x: f32, dy: f32, _| if x <= -3.0 { 0.0 } else if x >= 3.0 { dy } else { dy * (x / 3.0 + 0.5) },
        ],
    )
};

/// All functions of one element, as layers name them.
pub(super) static ALL: [&Function; 8] = [&RELU, &LEAKY_RELU, &SIGMOID, &TANH, &ELU, &GELU, &SILU, &HARDSWISH];

/// Where x · Φ(x) and x · σ(x) have reached their limits: Φ and σ are 0 at its negative, in float64 too.
const FAR: f64 = 1e3;

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Φ, the normal distribution function.
fn normal_below(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}
