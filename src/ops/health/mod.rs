//! What a tensor `[rows, …pixels, units]` holds, for each unit over the rows and pixels of a batch: mean, biased variance, and
//! how many values are of each kind. Nothing is read back: each step writes a line of its own, and the host reads all lines
//! at once. A halted step writes nothing.
//!
//! The counts are, in this order: values above 0; values at an end of the range, below `low` or above `high`; and values whose
//! magnitude is at least 10⁻⁸, 10⁻⁷, … 10. Magnitudes are compared by their bits, by which NaN is larger than every number
//! and, without a sign, above 0; it is at no end of a range. Variances are of centred values (Chan, Golub & LeVeque 1983,
//! "Algorithms for computing the sample variance", equation 1.7).

mod fast;

use crate::kernel::{Kernel, NOW, Needs, Size, Tolerance, args_of, read, update};
use crate::op::{Case, Fill, Op, Outputs, Recorder, Wire, Wires, spread};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts};

args! { struct Args { features: u32, pixels: u32, low: f32, high: f32 } }

/// The magnitudes from which on values are counted.
pub const MAGNITUDES: [f32; 10] = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0];

/// Counts of a unit: those above 0, those at an end, and those of each magnitude.
pub const COUNTS: usize = 2 + MAGNITUDES.len();

static UNITS: Kernel = Kernel {
    name: "health.units",
    parts: parts!(
        "shared/now.wgsl",
        "shared/numbers.wgsl",
        "shared/sum.wgsl",
        "shared/moments.wgsl",
        "health/units.wgsl"
    ),
    args: Args::FIELDS,
    bindings: &[read("x"), NOW, update("moments"), update("counts").u32()],
    needs: Needs::Nothing,
    // Sums over rows and pixels, against the largest mean or variance of the line.
    tolerance: Tolerance {
        c: 16.0,
        size: Size::LargestOfRow,
        terms: |a, rows| rows * args_of::<Args>(a).pixels as usize,
    },
    twin: Some(|a, io| {
        let [x, now, mut moments, mut counts] = io.take();
        let (a, now): (Args, _) = (args_of(a), now.now());
        let (moments, counts) = a.line(now.index, (moments.f32_mut(), counts.u32_mut()));
        if now.halted == 0 {
            twin(a, x.f32(), now.rows as usize, (moments, counts));
        }
    }),
    fast: Some(&|a, io| {
        let [x, now, mut moments, mut counts] = io.take();
        let (a, now): (Args, _) = (args_of(a), now.now());
        let (moments, counts) = a.line(now.index, (moments.f32_mut(), counts.u32_mut()));
        if now.halted == 0 {
            fast::units(a, x.f32(), now.rows as usize, (moments, counts));
        }
    }),
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&UNITS];

impl Args {
    /// The line of a step: mean and variance of all units, and the counts.
    fn line<'a>(self, index: u32, (moments, counts): (&'a mut [f32], &'a mut [u32])) -> (&'a mut [f32], &'a mut [u32]) {
        let (index, features) = (index as usize, self.features as usize);
        let of = |words: usize| index * words * features..(index + 1) * words * features;
        (&mut moments[of(2)], &mut counts[of(COUNTS)])
    }

    /// Whether a value is at an end of the range.
    #[inline(always)]
    fn is_at_end(self, v: f32) -> bool {
        v < self.low || v > self.high
    }
}

/// The bits of a magnitude: of numbers they are in the order of the numbers.
#[inline(always)]
fn size(v: f32) -> u32 {
    v.to_bits() & 0x7fff_ffff
}

/// Whether a value is above 0, or NaN without a sign: its bits, as a whole number with a sign, are.
#[inline(always)]
fn is_positive(v: f32) -> bool {
    v.to_bits().cast_signed() > 0
}

fn twin(a: Args, x: &[f32], rows: usize, (moments, counts): (&mut [f32], &mut [u32])) {
    let features = a.features as usize;
    let count = rows * a.pixels as usize;
    counts.fill(0);
    for f in 0..features {
        let values = || x[..count * features].iter().skip(f).step_by(features).copied();
        let mean = values().map(f64::from).sum::<f64>() / count as f64;
        let squares: f64 = values().map(|v| (f64::from(v) - mean).powi(2)).sum();
        (moments[f], moments[features + f]) = (mean as f32, (squares / count as f64) as f32);
        for v in values() {
            counts[f] += u32::from(is_positive(v));
            counts[features + f] += u32::from(a.is_at_end(v));
            for (at, least) in MAGNITUDES.into_iter().enumerate() {
                counts[(2 + at) * features + f] += u32::from(size(v) >= least.to_bits());
            }
        }
    }
}

/// The operation. Inputs: x `[batch, …, units]`, moments `[2 · lines, units]` and counts `[12 · lines, units]`; it writes line
/// `index` of both.
#[derive(Clone, Copy, Debug)]
pub struct Health {
    /// The ends of the range, if there is one: values beyond are counted.
    pub ends: Option<[f32; 2]>,
}

impl Op for Health {
    fn name(&self) -> &'static str {
        "health"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        let fits = |x: &Shape, moments: &Shape, counts: &Shape| {
            let [moments, counts] = [moments, counts].map(|shape| (shape.rows(), shape.width()));
            moments.1 == x.features() && counts == (moments.0 / 2 * COUNTS, x.features())
        };
        match inputs {
            [x, moments, counts] if fits(x, moments, counts) => Ok(Outputs::default()),
            _ => Err(ShapeError::new("health takes values, and moments and counts of as many units")),
        }
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let (x, [low, high]) = (&w.inputs[0], self.ends.unwrap_or([-f32::MAX, f32::MAX]));
        let args = Args { features: x.shape.features() as u32, pixels: x.shape.pixels() as u32, low, high };
        let slots = [x.slot, rec.now(), w.inputs[1].slot, w.inputs[2].slot];
        rec.dispatch(&UNITS, &args, &slots, spread(x.shape.features()));
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let of = |name: &str, ends: Option<[f32; 2]>, rows: usize, shape: &[usize], fill: Fill| {
        let units = shape[shape.len() - 1];
        let zeros = |lines: usize| (Shape(vec![lines, units]), Fill::Words(vec![0; lines * units]));
        let inputs = vec![(Shape(shape.to_vec()), fill), zeros(3 * 2), zeros(3 * COUNTS)];
        Case::new(name, Health { ends }, rows, inputs).not_smooth()
    };
    let sizes: Vec<u32> =
        (0..70).map(|i| f32::to_bits(10f32.powi(i % 12 - 9) * if i % 5 == 0 { -1.3 } else { 1.7 })).collect();
    let edges: Vec<u32> = MAGNITUDES.iter().flat_map(|v| [v.to_bits() - 1, v.to_bits(), (-v).to_bits()]).collect();
    let tanh = Some([-0.99, 0.99]);
    vec![
        of("no ends, 66 of 70x33", None, 66, &[70, 33], Fill::Normal(0.3, 1.0)),
        of("ends, 5 of 7x40", tanh, 5, &[7, 40], Fill::Normal(-0.2, 1.0)),
        of("over images, 3 of 4x9x8x16", Some([0.01, 0.99]), 3, &[4, 9, 8, 16], Fill::Normal(0.5, 1.0)),
        of(
            "ends above 0, half a block of columns left over, 3 of 5x16",
            Some([0.01, 0.99]),
            3,
            &[5, 16],
            Fill::Normal(0.5, 1.0),
        ),
        of("far from 0, 130x3", None, 130, &[130, 3], Fill::Normal(1000.0, 1.0)),
        of("farther from 0 than whole numbers reach, 130x3", None, 130, &[130, 3], Fill::Normal(1e7, 1.0)),
        of("constant unit and dead ones, 9x4", None, 9, &[9, 4], Fill::ConstantColumn(3.0)),
        of("as a relu leaves them, 20x5", None, 20, &[20, 5], Fill::MostlyZero),
        of("all magnitudes, 7x10", tanh, 7, &[7, 10], Fill::Words(sizes)),
        of("edges of magnitudes, 1x30", None, 1, &[1, 30], Fill::Words(edges)),
        of("over many pixels, 2x40x30x2", tanh, 2, &[2, 40, 30, 2], Fill::Normal(0.1, 0.7)),
    ]
}
