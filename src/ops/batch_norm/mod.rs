//! Batch normalisation over `[rows, …pixels, features]`: per feature, over rows and pixels.
//!
//! Training: y = (x − mean) / √(var + eps) · γ + β with the batch's mean and biased variance, the latter from centred
//! values. Inference: the same with the running mean and variance, which are exponential averages, of the unbiased
//! variance (m / (m − 1)): r ← r + momentum · (batch − r). They move only when the step's loss is finite (`commit`).
//! Population statistics: mean of the batches' means, and m / (m − 1) times the mean of their biased variances, over the
//! mini-batches of the training set (Algorithm 2 there), averaged as they come.
//! Saved: mean, 1/√(var + eps) and var, in one tensor `[3, features]`; x̂ is cheaper to compute again than to keep.
//! Gradient: dβ = Σ dy, dγ = Σ dy · x̂, dx = γ / √(var + eps) · (dy − (dβ + x̂ · dγ) / m).
//! Source: Ioffe & Szegedy 2015, Algorithm 1 and the gradients of section 3, gathered up.

pub(in crate::ops) mod fast;
pub(in crate::ops) mod twins;

use crate::gemm::workspace;
use crate::kernel::{Kernel, NOW, Needs, Size, Tolerance, args_of, read, update, write};
use crate::op::stage::{Scope, Stage};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires, spread};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};

args! {
    pub(in crate::ops) struct Args { pub(in crate::ops) features: u32, pub(in crate::ops) pixels: u32, pub(in crate::ops) eps: f32, pub(in crate::ops) momentum: f32 }
}

impl Args {
    fn count(&self, rows: u32) -> usize {
        (rows * self.pixels) as usize
    }
}

/// One element of one feature: a handful of roundings, of differences that may cancel; against the largest.
const ELEMENT: Tolerance = Tolerance { c: 16.0, size: Size::Largest, terms: |_, _| 1 };

/// Sums over the rows and pixels of a feature.
const SUM: Tolerance =
    Tolerance { c: 16.0, size: Size::Largest, terms: |a, rows| args_of::<Args>(a).count(rows as u32) };

/// The same, for the three rows of `saved`.
const ROWS: Tolerance = Tolerance { size: Size::LargestOfRow, ..SUM };

static STATS: Kernel = Kernel {
    name: "batch_norm.stats",
    parts: parts!(
        "shared/now.wgsl",
        "batch_norm/args.wgsl",
        "shared/sum.wgsl",
        "shared/moments.wgsl",
        "batch_norm/stats.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("x"), NOW, write("saved")],
    needs: Needs::Nothing,
    tolerance: ROWS,
    twin: Some(|a, io| {
        let [x, now, mut saved] = io.take();
        twins::stats(args_of(a), x.f32(), now.now().rows, saved.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, now, mut saved] = io.take();
        fast::stats(args_of(a), x.f32(), now.now().rows, saved.f32_mut());
    }),
};

static NORMALIZE: Kernel = Kernel {
    name: "batch_norm.normalize",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "batch_norm/args.wgsl", "batch_norm/normalize.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("x"), read("saved"), read("gamma"), read("beta"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: ELEMENT,
    twin: Some(|a, io| {
        let [x, saved, gamma, beta, now, mut y] = io.take();
        let (a, rows): (Args, _) = (args_of(a), now.now().rows);
        let (mean, rest) = saved.f32().split_at(a.features as usize);
        let inv_std = |f: usize| f64::from(rest[f]);
        twins::normalize(a, x.f32(), (mean, inv_std), (gamma.f32(), beta.f32()), rows, y.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, saved, gamma, beta, now, mut y] = io.take();
        let (a, rows): (Args, _) = (args_of(a), now.now().rows);
        let (mean, rest) = saved.f32().split_at(a.features as usize);
        fast::normalize(a, x.f32(), (mean, rest), (gamma.f32(), beta.f32()), rows, y.f32_mut());
    }),
};

static INFERENCE: Kernel = Kernel {
    name: "batch_norm.inference",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "batch_norm/args.wgsl", "batch_norm/inference.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("x"), read("running_mean"), read("running_var"), read("gamma"), read("beta"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: ELEMENT,
    twin: Some(|a, io| {
        let [x, mean, var, gamma, beta, now, mut y] = io.take();
        let a: Args = args_of(a);
        let inv_std = |f: usize| 1.0 / (f64::from(var.f32()[f]) + f64::from(a.eps)).sqrt();
        twins::normalize(a, x.f32(), (mean.f32(), inv_std), (gamma.f32(), beta.f32()), now.now().rows, y.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, mean, var, gamma, beta, now, mut y] = io.take();
        let a: Args = args_of(a);
        workspace(a.features as usize, |inv_std| {
            inv_std.iter_mut().zip(var.f32()).for_each(|(inv_std, v)| *inv_std = 1.0 / (v + a.eps).sqrt());
            let affine = (gamma.f32(), beta.f32());
            fast::normalize(a, x.f32(), (mean.f32(), inv_std), affine, now.now().rows, y.f32_mut());
        });
    }),
};

static GRAD_AFFINE: Kernel = Kernel {
    name: "batch_norm.grad_affine",
    parts: parts!("shared/now.wgsl", "batch_norm/args.wgsl", "shared/sum.wgsl", "batch_norm/grad_affine.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("x"), read("saved"), read("dy"), NOW, write("dgamma"), write("dbeta")],
    needs: Needs::Nothing,
    tolerance: SUM,
    twin: Some(|a, io| {
        let [x, saved, dy, now, mut dgamma, mut dbeta] = io.take();
        let out = (dgamma.f32_mut(), dbeta.f32_mut());
        twins::grad_affine(args_of(a), x.f32(), saved.f32(), dy.f32(), now.now().rows, out);
    }),
    fast: Some(&|a, io| {
        let [x, saved, dy, now, mut dgamma, mut dbeta] = io.take();
        let out = (dgamma.f32_mut(), dbeta.f32_mut());
        fast::grad_affine(args_of(a), x.f32(), saved.f32(), dy.f32(), now.now().rows, out);
    }),
};

static GRAD_INPUT: Kernel = Kernel {
    name: "batch_norm.grad_input",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "batch_norm/args.wgsl", "batch_norm/grad_input.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("x"), read("saved"), read("gamma"), read("dy"), read("dgamma"), read("dbeta"), NOW, write("dx")],
    needs: Needs::Nothing,
    tolerance: ELEMENT,
    twin: Some(|a, io| {
        let [x, saved, gamma, dy, dgamma, dbeta, now, mut dx] = io.take();
        let gradients = (dgamma.f32(), dbeta.f32());
        let (x, dy) = (x.f32(), dy.f32());
        twins::grad_input(args_of(a), x, saved.f32(), gamma.f32(), dy, gradients, now.now().rows, dx.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, saved, gamma, dy, dgamma, dbeta, now, mut dx] = io.take();
        let gradients = (dgamma.f32(), dbeta.f32());
        let (x, dy) = (x.f32(), dy.f32());
        fast::grad_input(args_of(a), x, saved.f32(), gamma.f32(), dy, gradients, now.now().rows, dx.f32_mut());
    }),
};

static GRAD_GIVEN: Kernel = Kernel {
    name: "batch_norm.grad_given",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "batch_norm/args.wgsl", "batch_norm/grad_given.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("running_var"), read("gamma"), read("dy"), NOW, write("dx")],
    needs: Needs::Nothing,
    tolerance: ELEMENT,
    twin: Some(|a, io| {
        let [var, gamma, dy, now, mut dx] = io.take();
        twins::grad_given(args_of(a), var.f32(), gamma.f32(), dy.f32(), now.now().rows, dx.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [var, gamma, dy, now, mut dx] = io.take();
        let a: Args = args_of(a);
        workspace(a.features as usize, |scale| {
            let of_column = |(var, gamma): (&f32, &f32)| gamma / (var + a.eps).sqrt();
            scale.iter_mut().zip(var.f32().iter().zip(gamma.f32())).for_each(|(scale, of)| *scale = of_column(of));
            fast::grad_given(a, scale, dy.f32(), now.now().rows, dx.f32_mut());
        });
    }),
};

static RUNNING: Kernel = Kernel {
    name: "batch_norm.running",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "batch_norm/args.wgsl", "batch_norm/running.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("saved"), NOW, update("running_mean"), update("running_var")],
    needs: Needs::Nothing,
    tolerance: ELEMENT,
    twin: Some(|a, io| {
        let [saved, now, mut mean, mut var] = io.take();
        let now = now.now();
        if now.halted == 0 {
            twins::running(args_of(a), saved.f32(), now.rows, mean.f32_mut(), var.f32_mut());
        }
    }),
    fast: None,
};

static POPULATION: Kernel = Kernel {
    name: "batch_norm.population",
    parts: parts!("shared/now.wgsl", "shared/index.wgsl", "batch_norm/args.wgsl", "batch_norm/population.wgsl"),
    args: Args::FIELDS,
    bindings: &[read("saved"), NOW, update("mean"), update("variance")],
    needs: Needs::Nothing,
    tolerance: ELEMENT,
    twin: Some(|a, io| {
        let [saved, now, mut mean, mut var] = io.take();
        let now = now.now();
        if now.halted == 0 {
            twins::population(args_of(a), saved.f32(), &now, mean.f32_mut(), var.f32_mut());
        }
    }),
    fast: None,
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] =
    &[&STATS, &NORMALIZE, &INFERENCE, &GRAD_AFFINE, &GRAD_INPUT, &GRAD_GIVEN, &RUNNING, &POPULATION];

/// Which statistics normalise, and how those for inference change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// The batch's, which move the running ones: training.
    Batch,
    /// The given ones: inference.
    Given,
    /// The batch's, which are averaged into the given ones: a pass over the training set after training.
    Population,
}

/// The operation. Inputs: x, γ, β, mean and variance for inference (all but x `[features]`); output `out` like x.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f64,
    /// Weight of the newest batch in the running statistics.
    pub momentum: f64,
    /// The mean and variance that normalise: the batch's, or those given.
    pub statistics: Statistics,
}

impl BatchNorm {
    fn args(&self, x: &Wire) -> Args {
        Args {
            features: x.shape.features() as u32,
            pixels: x.shape.pixels() as u32,
            eps: self.eps as f32,
            momentum: self.momentum as f32,
        }
    }
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [x, affine @ ..] = inputs else { return Err(ShapeError::new("batch_norm takes five inputs")) };
        let features = x.features();
        if let Some(bad) = affine.iter().find(|s| s.0 != [features]) {
            return Err(ShapeError::new(format!("batch_norm has weights {bad} for inputs {x}")));
        }
        let by_batch = self.statistics != Statistics::Given;
        if by_batch && x.rows() * x.pixels() < 2 {
            let what =
                if x.is_of_images() { "2 values of each channel in a batch" } else { "a batch of at least 2 rows" };
            return Err(ShapeError::new(format!("batch_norm needs {what}: the variance of one value is 0")));
        }
        let saved = if by_batch { vec![Made::f32("saved", [3, features])] } else { vec![] };
        Ok(Outputs { outputs: vec![Made::f32("out", x.clone())], saved })
    }

    fn differentiable(&self, input: usize) -> bool {
        match self.statistics {
            Statistics::Batch => input < 3,
            Statistics::Given => input == 0,
            Statistics::Population => false,
        }
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let [x, gamma, beta, mean, var] = &w.inputs[..] else { unreachable!("five inputs") };
        let (args, now, y) = (self.args(x), rec.now(), &w.outputs[0]);
        let [x_, gamma, beta, y] = [x, gamma, beta, y].map(|wire| wire.slot);
        if self.statistics == Statistics::Given {
            rec.elements(&INFERENCE, &args, &[x_, mean.slot, var.slot, gamma, beta, now, y], x.shape.elements());
            return;
        }
        let saved = w.saved[0].slot;
        rec.dispatch(&STATS, &args, &[x_, now, saved], spread(args.features as usize));
        rec.elements(&NORMALIZE, &args, &[x_, saved, gamma, beta, now, y], x.shape.elements());
        if self.statistics == Statistics::Population {
            rec.elements(&POPULATION, &args, &[saved, now, mean.slot, var.slot], args.features as usize);
        }
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let [x, gamma, _, _, var] = &w.inputs[..] else { unreachable!("five inputs") };
        let (args, now, dy) = (self.args(x), rec.now(), w.d_outputs[0].slot);
        if self.statistics == Statistics::Given {
            if let Some(dx) = &w.d_inputs[0] {
                let slots = [var.slot, gamma.slot, dy, now, dx.slot];
                rec.elements(&GRAD_GIVEN, &args, &slots, x.shape.elements());
            }
            return;
        }
        let saved = w.saved[0].slot;
        let mut wanted = |i: usize| match &w.d_inputs[i] {
            Some(wire) => wire.slot,
            None => rec.private("affine", [args.features as usize]).slot,
        };
        let (dgamma, dbeta) = (wanted(1), wanted(2));
        let groups = spread(args.features as usize);
        rec.dispatch(&GRAD_AFFINE, &args, &[x.slot, saved, dy, now, dgamma, dbeta], groups);
        if let Some(dx) = &w.d_inputs[0] {
            let slots = [x.slot, saved, gamma.slot, dy, dgamma, dbeta, now, dx.slot];
            rec.elements(&GRAD_INPUT, &args, &slots, x.shape.elements());
        }
    }

    fn stage(&self, inputs: &[Shape]) -> Option<Stage> {
        let fits = self.statistics == Statistics::Batch && matches!(inputs[0].0.len(), 2 | 4);
        let scope = Scope::Column { eps: self.eps as f32, momentum: self.momentum as f32 };
        fits.then(|| Stage { scope, ..Stage::without_text("batch_norm") })
    }

    fn commit(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        if self.statistics == Statistics::Given {
            return;
        }
        let (args, now) = (self.args(&w.inputs[0]), rec.now());
        let slots = [w.saved[0].slot, now, w.inputs[3].slot, w.inputs[4].slot];
        rec.elements(&RUNNING, &args, &slots, args.features as usize);
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, rows: usize, shape: &[usize], fill: Fill| {
        let features = shape[shape.len() - 1];
        let affine = |mean| ([features].into(), Fill::Normal(mean, 0.2));
        let variance = Fill::Words((0..features).map(|f| (0.5 + 0.1 * f as f32).to_bits()).collect());
        let op = BatchNorm { eps: 1e-5, momentum: 0.1, statistics: Statistics::Batch };
        let x = (Shape(shape.to_vec()), fill);
        Case::new(name, op, rows, vec![x, affine(1.0), affine(0.0), affine(0.0), ([features].into(), variance)])
    };
    let normal = || Fill::Normal(1.0, 2.0);
    let far = BatchNorm { eps: 0.5, momentum: 0.1, statistics: Statistics::Batch };
    let with = |mut case: Case, statistics: Statistics| {
        case.op = std::sync::Arc::new(BatchNorm { eps: 1e-5, momentum: 0.1, statistics });
        if statistics == Statistics::Given { case } else { case.not_smooth() }
    };
    // The first step does not read what the state held before.
    let mut begin = with(case("population, first step, 17x8", 17, &[20, 8], normal()), Statistics::Population).index(0);
    begin.inputs[3].1 = Fill::Extreme;
    begin.inputs[4].1 = Fill::Extreme;
    vec![
        with(case("inference 17x8", 17, &[20, 8], normal()), Statistics::Given),
        with(case("population 31 of 32x257", 31, &[32, 257], normal()), Statistics::Population),
        with(case("inference 61x33 of 70 rows", 61, &[70, 33], normal()), Statistics::Given),
        begin,
        with(case("inference 16x32", 16, &[16, 32], normal()), Statistics::Given),
        with(case("population 3x512", 3, &[3, 512], normal()), Statistics::Population),
        with(case("population 2x1", 2, &[2, 1], normal()), Statistics::Population),
        // With a small eps two rows would be ±1, and the gradient what is left of terms that cancel.
        Case { op: std::sync::Arc::new(far), ..case("2x1", 2, &[2, 1], normal()) },
        case("65x3", 65, &[65, 3], normal()),
        case("16x32", 16, &[16, 32], normal()),
        case("127x33 of 128 rows", 127, &[128, 33], normal()),
        case("images 4x5x7x6", 4, &[4, 5, 7, 6], normal()),
        case("images 3x9x11x33 of 5 rows", 3, &[5, 9, 11, 33], normal()),
        case("one image 1x6x3x2", 1, &[1, 6, 3, 2], normal()),
        case("images 7x16x16x16", 7, &[7, 16, 16, 16], normal()).not_smooth(),
        case("several blocks 130x199", 130, &[130, 199], normal()).not_smooth(),
        case("several groups of channels 3x1300", 3, &[3, 1300], normal()).not_smooth(),
        case("constant column", 19, &[19, 4], Fill::ConstantColumn(3.0)).not_smooth(),
        case("mean 1000, deviation 0.1", 128, &[128, 5], Fill::Normal(1e3, 0.1)).not_smooth(),
        case("constant column of 1e4", 19, &[19, 4], Fill::ConstantColumn(1e4)).not_smooth(),
        case("extreme dy", 16, &[16, 5], normal()).extreme_up(),
        with(case("inference, extreme", 16, &[16, 5], Fill::Extreme), Statistics::Given).not_smooth(),
        with(case("inference, extreme dy", 16, &[16, 5], normal()), Statistics::Given).extreme_up(),
        with(case("inference, images 3x5x7x6 of 4 rows", 3, &[4, 5, 7, 6], normal()), Statistics::Given),
        with(case("population, extreme", 16, &[16, 5], Fill::Extreme), Statistics::Population),
        case("extreme", 16, &[16, 5], Fill::Extreme).not_smooth(),
    ]
}
