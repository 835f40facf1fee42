//! Maxout over `[rows, …pixels, features]`: y is the largest of each k neighbouring features, `[rows, …, features / k]`.
//!
//! Gradient: the first of the largest takes it. Nothing is saved but x. A NaN in a group makes its y NaN, and the
//! gradients by all of the group.
//! Source: Goodfellow et al. 2013, "Maxout networks", section 2.

mod fast;

use crate::kernel::{Kernel, NOW, Needs, Part, Tolerance, args_of, read, write};
use crate::op::stage::{Scope, Seen, Stage};
use crate::op::{Case, Fill, Made, Op, Outputs, Recorder, Wire, Wires};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};

args! { struct Args { outputs: u32, pixels: u32, pieces: u32 } }

impl Args {
    /// For every output its index and those of its group in x.
    fn groups(self, rows: u32) -> impl Iterator<Item = (usize, impl Iterator<Item = usize> + Clone)> {
        let [outputs, pixels, pieces] = [self.outputs, self.pixels, self.pieces].map(|n| n as usize);
        (0..rows as usize * outputs * pixels).map(move |i| (i, i * pieces..(i + 1) * pieces))
    }
}

static FORWARD: Kernel = Kernel {
    name: "maxout.forward",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "maxout/args.wgsl",
        "maxout/forward.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("x"), NOW, write("y")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [x, now, mut y] = io.take();
        forward(args_of(a), x.f32(), now.now().rows, y.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, now, mut y] = io.take();
        fast::forward(args_of(a), x.f32(), now.now().rows, y.f32_mut());
    }),
};

static BACKWARD: Kernel = Kernel {
    name: "maxout.backward",
    parts: parts!(
        "shared/now.wgsl",
        "shared/index.wgsl",
        "shared/numbers.wgsl",
        "maxout/args.wgsl",
        "maxout/backward.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("x"), read("dy"), NOW, write("dx")],
    needs: Needs::Nothing,
    tolerance: Tolerance::EXACT,
    twin: Some(|a, io| {
        let [x, dy, now, mut dx] = io.take();
        backward(args_of(a), x.f32(), dy.f32(), now.now().rows, dx.f32_mut());
    }),
    fast: Some(&|a, io| {
        let [x, dy, now, mut dx] = io.take();
        fast::backward(args_of(a), x.f32(), dy.f32(), now.now().rows, dx.f32_mut());
    }),
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&FORWARD, &BACKWARD];

/// The operation; input x, output `out` with `pieces` times fewer features.
#[derive(Clone, Copy, Debug)]
pub struct Maxout {
    /// Features in a group, at least 1.
    pub pieces: usize,
}

impl Maxout {
    fn args(&self, y: &Wire) -> Args {
        let [outputs, pixels, pieces] = [y.shape.features(), y.shape.pixels(), self.pieces].map(|n| n as u32);
        Args { outputs, pixels, pieces }
    }
}

impl Op for Maxout {
    fn name(&self) -> &'static str {
        "maxout"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let [x] = inputs else { return Err(ShapeError::new("maxout takes one input")) };
        let features = x.features();
        let k = self.pieces;
        if features % k != 0 {
            let below = features / k * k;
            let near = if below == 0 { k.to_string() } else { format!("{below} or {}", below + k) };
            let what = format!(
                "maxout {k} on {features} features: {features} is not a multiple of {k}; let the layer before it have \
                 {near}"
            );
            return Err(ShapeError::new(what));
        }
        let mut y = x.clone();
        y.0.last_mut().into_iter().for_each(|size| *size = features / k);
        Ok(Outputs { outputs: vec![Made::f32("out", y)], saved: vec![] })
    }

    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, y, now) = (&w.inputs[0], &w.outputs[0], rec.now());
        rec.elements(&FORWARD, &self.args(y), &[x.slot, now, y.slot], y.shape.elements());
    }

    fn backward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, dy, now) = (&w.inputs[0], &w.d_outputs[0], rec.now());
        if let Some(dx) = &w.d_inputs[0] {
            rec.elements(&BACKWARD, &self.args(dy), &[x.slot, dy.slot, now, dx.slot], dy.shape.elements());
        }
    }

    /// Four columns of a thread are whole groups of 2 or 4.
    fn stage(&self, inputs: &[Shape]) -> Option<Stage> {
        let (name, parts, fast): (_, &'static [Part], _) = match self.pieces {
            2 => ("maxout_2", parts!("maxout/stage_2.wgsl"), fast::of::<2>()),
            4 => ("maxout_4", parts!("maxout/stage_4.wgsl"), fast::of::<4>()),
            _ => return None,
        };
        (inputs[0].0.len() == 2).then(|| Stage {
            name,
            scope: Scope::Element,
            parts: [parts; 2],
            value: "maxout_value4({v})",
            gradient: "maxout_gradient4({s}, {d})",
            seen: Seen::Input,
            is_silent_at_zero: false,
            scale: None,
            draws: false,
            learned: None,
            narrows: self.pieces,
            pools: None,
            other: false,
            args: vec![],
            c: 0.0,
            fast: Some(fast),
        })
    }
}

/// Values of which neighbours are at least 1 apart: no difference changes the largest.
fn apart(shape: &[usize]) -> Fill {
    let value = |i: usize| (i * 7 % 11) as f32 - 5.0;
    Fill::Words((0..shape.iter().product()).map(|i| value(i).to_bits()).collect())
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, pieces: usize, rows: usize, shape: &[usize], fill: Fill| {
        Case::new(name, Maxout { pieces }, rows, vec![(Shape(shape.to_vec()), fill)])
    };
    vec![
        case("1x1 of one", 1, 1, &[1, 1], apart(&[1, 1])),
        case("2 of 61x34 of 70 rows", 2, 61, &[70, 34], apart(&[70, 34])),
        case("3 of 127x9", 3, 127, &[127, 9], apart(&[127, 9])),
        case("4 of images 3x5x7x8", 4, 3, &[3, 5, 7, 8], apart(&[3, 5, 7, 8])),
        case("all of 17x5", 5, 17, &[17, 5], Fill::Normal(0.0, 1.0)).not_smooth(),
        case("ties 9x6", 3, 9, &[9, 6], Fill::Words(vec![1f32.to_bits(); 54])).not_smooth(),
        case("extreme", 3, 9, &[9, 6], Fill::Extreme).not_smooth(),
        case("2 of several chunks 131x200 of 140 rows", 2, 131, &[140, 200], apart(&[140, 200])).not_smooth(),
        case("4 of 33x12", 4, 33, &[33, 12], apart(&[33, 12])),
        case("ties of 2, 9x6", 2, 9, &[9, 6], Fill::Words(vec![1f32.to_bits(); 54])).not_smooth(),
        case("extreme, of 2", 2, 9, &[9, 14], Fill::Extreme).not_smooth(),
        case("extreme, of 4", 4, 9, &[9, 8], Fill::Extreme).not_smooth(),
        case("extreme images, of 2", 2, 3, &[3, 5, 7, 4], Fill::Extreme).not_smooth(),
        case("extreme dy", 2, 9, &[9, 14], Fill::Normal(0.0, 1.0)).extreme_up(),
    ]
}

/// The first of the largest of a group, or a NaN of it.
fn largest(x: &[f32], group: impl Iterator<Item = usize>) -> usize {
    let better = |best: usize, i: usize| !x[best].is_nan() && (x[i].is_nan() || x[i] > x[best]);
    group.reduce(|best, i| if better(best, i) { i } else { best }).unwrap_or(0)
}

fn forward(a: Args, x: &[f32], rows: u32, y: &mut [f32]) {
    for (i, group) in a.groups(rows) {
        y[i] = x[largest(x, group)];
    }
}

fn backward(a: Args, x: &[f32], dy: &[f32], rows: u32, dx: &mut [f32]) {
    for (i, group) in a.groups(rows) {
        let best = largest(x, group.clone());
        for j in group {
            dx[j] = match x[best] {
                value if value.is_nan() => value,
                _ if j == best => dy[i],
                _ => 0.0,
            };
        }
    }
}
