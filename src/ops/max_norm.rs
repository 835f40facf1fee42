//! Max-norm: the incoming weights of each unit, a row of W `[out, in, …]`, have the norm c at most: w ← w · min(1, c / ‖w‖)
//! after the update. Nothing moves in a halted run. A row with a NaN becomes NaN.
//! Source: Srebro & Shraibman 2005, "Rank, trace-norm and max-norm"; Srivastava et al. 2014, section 5.1.

use crate::kernel::{Kernel, NOW, Needs, Size, Tolerance, args_of, update};
use crate::op::{Case, Fill, Op, Outputs, Recorder, Wire, Wires, spread};
use crate::shape::{Shape, ShapeError};
use crate::{args, parts, threads};

args! { struct Args { rows: u32, width: u32, most: f32 } }

static LIMIT: Kernel = Kernel {
    name: "max_norm.limit",
    parts: parts!("shared/now.wgsl", "shared/numbers.wgsl", "shared/norm.wgsl", "max_norm/limit.wgsl"),
    args: Args::FIELDS,
    bindings: &[NOW, update("weight")],
    needs: Needs::Nothing,
    // The norm of a row, a root and a division; rows are of different sizes.
    tolerance: Tolerance { c: 8.0, size: Size::LargestOfRow, terms: |a, _| args_of::<Args>(a).width as usize },
    twin: Some(|a, io| {
        let [now, mut weight] = io.take();
        if now.now().halted == 0 {
            let a: Args = args_of(a);
            weight.f32_mut().chunks_mut(a.width.max(1) as usize).for_each(|row| limit(row, a.most.into()));
        }
    }),
    fast: Some(&|a, io| {
        let [now, mut weight] = io.take();
        if now.now().halted == 0 {
            let a: Args = args_of(a);
            threads::for_chunks(weight.f32_mut(), a.width.max(1) as usize, |_, row| limit(row, a.most.into()));
        }
    }),
};

/// All kernels of this operation, for the registry.
pub static KERNELS: &[&Kernel] = &[&LIMIT];

/// The operation. Input: a weight `[out, in, …]`; it changes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxNorm {
    /// c, more than 0.
    pub most: f64,
}

impl Op for MaxNorm {
    fn name(&self) -> &'static str {
        "max_norm"
    }

    fn shapes(&self, inputs: &[Shape]) -> Result<Outputs, ShapeError> {
        match inputs {
            [weight] if weight.0.len() > 1 => Ok(Outputs::default()),
            _ => Err(ShapeError::new("max_norm takes a weight [out, in]")),
        }
    }

    fn forward(&self, w: &Wires<Wire>, rec: &mut Recorder) {
        let weight = &w.inputs[0];
        let (rows, width) = (weight.shape.rows(), weight.shape.width());
        let args = Args { rows: rows as u32, width: width as u32, most: self.most as f32 };
        let now = rec.now();
        rec.dispatch(&LIMIT, &args, &[now, weight.slot], spread(rows));
    }
}

/// Inputs for the checks.
pub fn cases() -> Vec<Case> {
    let case = |name: &str, shape: &[usize], fill: Fill, most: f64| {
        Case::new(name, MaxNorm { most }, 1, vec![(Shape(shape.to_vec()), fill)]).not_smooth()
    };
    let mixed = [3e20f32, 1.0, -2e-15, 4e12, 0.0, -1e12].iter().map(|v| v.to_bits()).collect();
    vec![
        case("1x1", &[1, 1], Fill::Normal(0.0, 5.0), 0.5),
        case("some rows of 33x65", &[33, 65], Fill::Normal(0.0, 1.0), 8.0),
        case("7x3x5x5", &[7, 3, 5, 5], Fill::Normal(0.0, 1.0), 3.0),
        case("3x1031", &[3, 1031], Fill::Normal(0.0, 1.0), 3.0),
        case("none of 5x7", &[5, 7], Fill::Normal(0.0, 1.0), 100.0),
        case("squares that overflow, 5x67", &[5, 67], Fill::Normal(0.0, 1e25), 3.0),
        case("large and a large bound, 5x67", &[5, 67], Fill::Normal(0.0, 1e20), 1e19),
        case("squares that vanish, 5x67", &[5, 67], Fill::Normal(0.0, 1e-25), 1e-26),
        case("sizes mixed, 1x6", &[1, 6], Fill::Words(mixed), 1.0),
        case("extreme 9x70", &[9, 70], Fill::Extreme, 3.0),
        case("70001 rows", &[70_001, 2], Fill::Normal(0.0, 1.0), 1.0),
    ]
}

/// w ← w · min(1, c / ‖w‖), for one row.
fn limit(row: &mut [f32], most: f64) {
    let norm = row.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt();
    let within = norm <= most;
    if !within {
        row.iter_mut().for_each(|w| *w = (f64::from(*w) * (most / norm)) as f32);
    }
}
